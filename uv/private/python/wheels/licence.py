"""The licence that a distribution states (the core metadata specification)."""

from __future__ import annotations

import email.parser
import re


def licence(metadata: bytes) -> str:
    """Return an SPDX expression, else one line of licence, else classifiers, else the first line.

    `""` where there is nothing of the kind.
    """
    # The description follows the first empty line, and is most of it.
    head = re.split(rb"\r?\n\r?\n", metadata, maxsplit=1)[0] + b"\n\n"
    headers = email.parser.BytesParser().parsebytes(head, headersonly=True)
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
