"""The licence that a distribution states (the core metadata specification)."""

from __future__ import annotations

import email.parser


def licence(metadata: bytes) -> str:
    """Return an SPDX expression, else a one-line licence, else classifiers, else the text's first line, else `""`."""
    headers = email.parser.BytesParser().parsebytes(metadata, headersonly=True)
    text = str(headers.get("License") or "").strip()
    if text.upper() == "UNKNOWN":
        text = ""
    classifiers = [
        value.split("::")[-1].strip()
        for value in map(str, headers.get_all("Classifier") or [])
        if value.startswith("License ::") and not value.endswith("OSI Approved")
    ]
    found = (
        str(headers.get("License-Expression") or "").strip()
        or ("" if "\n" in text else text)
        or " AND ".join(classifiers)
        or text.partition("\n")[0].strip()
    )
    # It goes into documents: a line of text, whatever the wheel has there.
    return "".join(letter if letter.isprintable() else " " for letter in found)
