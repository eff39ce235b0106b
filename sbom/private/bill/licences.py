"""SPDX licence expressions out of what packages say of their licences."""

from __future__ import annotations

import re

# Identifiers of the SPDX licence list that Python and Debian packages use; an identifier that isn't
# here is written as a LicenseRef with the package's own words, which is always right.
_IDENTIFIERS = {
    identifier.lower(): identifier
    for identifier in (
        "0BSD",
        "AFL-2.1",
        "AGPL-3.0-only",
        "AGPL-3.0-or-later",
        "Apache-2.0",
        "Artistic-1.0",
        "Artistic-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSD-4-Clause",
        "BSL-1.0",
        "bzip2-1.0.6",
        "CC0-1.0",
        "CC-BY-4.0",
        "CNRI-Python",
        "FSFAP",
        "FSFUL",
        "FSFULLR",
        "GPL-1.0-only",
        "GPL-1.0-or-later",
        "GPL-2.0-only",
        "GPL-2.0-or-later",
        "GPL-3.0-only",
        "GPL-3.0-or-later",
        "HPND",
        "ISC",
        "LGPL-2.0-only",
        "LGPL-2.0-or-later",
        "LGPL-2.1-only",
        "LGPL-2.1-or-later",
        "LGPL-3.0-only",
        "LGPL-3.0-or-later",
        "MIT",
        "MIT-0",
        "MPL-1.1",
        "MPL-2.0",
        "OFL-1.1",
        "OpenSSL",
        "PSF-2.0",
        "Python-2.0",
        "Unicode-3.0",
        "Unlicense",
        "X11",
        "Zlib",
        "ZPL-2.1",
    )
}
_EXCEPTIONS = {
    one.lower(): one for one in ("GCC-exception-3.1", "LLVM-exception", "Classpath-exception-2.0")
}
# Other names for one licence and nothing else. "BSD License" isn't here: there are several.
_NAMES = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "expat": "MIT",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psf": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the mit license": "MIT",
}
# Debian's short names (DEP 5): GPL-2 is that version only, GPL-2+ also later ones.
_GNU = re.compile(r"(A|L)?GPL-(\d)(?:\.(\d))?(\+)?(-only|-or-later)?", re.IGNORECASE)
_OPERATORS = {"and": "AND", "or": "OR", "with": "WITH"}


def expression(text: str) -> str | None:
    """Returns the SPDX licence expression (SPDX 2.3, annex D) that `text` means, or None."""
    if text.lower() in _NAMES:
        return _NAMES[text.lower()]
    tokens = re.findall(r"[()]|[^\s()]+", text)
    result: list[str] = []
    depth = 0
    expects_licence = True
    for token in tokens:
        if token == "(" and expects_licence:  # noqa: S105  a parenthesis
            depth += 1
            result.append(token)
        elif token == ")" and not expects_licence and depth:  # noqa: S105  a parenthesis
            depth -= 1
            result.append(token)
        elif token.lower() in _OPERATORS and not expects_licence:
            result.append(_OPERATORS[token.lower()])
            expects_licence = True
        else:
            known = _EXCEPTIONS if result[-1:] == ["WITH"] else _IDENTIFIERS
            identifier = known.get(token.lower()) or (known is _IDENTIFIERS and _other(token))
            if not expects_licence or not identifier:
                return None
            result.append(identifier)
            expects_licence = False
    if expects_licence or depth:
        return None
    return " ".join(result).replace("( ", "(").replace(" )", ")")


def reference(text: str) -> str:
    """Returns the `LicenseRef-…` for words that aren't an SPDX expression."""
    return "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-") or "unnamed")


def identifiers(text: str) -> list[str]:
    """Returns the identifiers in an expression, without operators and exceptions."""
    tokens = [token for token in re.findall(r"[^\s()]+", text) if token not in ("AND", "OR")]
    return [
        token
        for before, token in zip(["", *tokens], tokens, strict=False)
        if token != "WITH" and before != "WITH"  # noqa: S105  an operator
    ]


def _other(token: str) -> str | None:
    if token.lower() in _NAMES:
        return _NAMES[token.lower()]
    gnu = _GNU.fullmatch(token)
    if not gnu:
        return None
    family, major, minor, plus, suffix = gnu.groups()
    ending = suffix.lower() if suffix else "-or-later" if plus else "-only"
    return _IDENTIFIERS.get(f"{family or ''}gpl-{major}.{minor or 0}{ending}".lower())
