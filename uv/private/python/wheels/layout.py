"""Where a wheel's files lie in a virtual environment (the binary distribution format).

Its own module because it imports next to nothing: actions of milliseconds need no more.
"""

from __future__ import annotations

import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from zipfile import ZipInfo

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

SITE_PACKAGES = f"lib/{PYTHON}/site-packages/"

# A wheel's script or data file at one of these would replace the environment's interpreter, or
# what it is.
_INTERPRETER = re.compile(r"bin/(python[\d.]*w?|activate.*)|pyvenv\.cfg|lib64(/.*)?")


def place(scheme: str, path: str, info: str) -> str:
    """Return the path in the environment of a wheel's file.

    Args:
        scheme: `purelib`, `platlib`, `scripts`, `headers` or `data`.
        path: below that scheme's folder.
        info: the name of the wheel's `.dist-info` folder.

    Raises:
        ValueError: there is no such scheme.
    """
    if scheme in ("purelib", "platlib"):
        return SITE_PACKAGES + path
    if scheme == "scripts":
        return f"bin/{path}"
    if scheme == "headers":
        distribution = normalised(info.removesuffix(".dist-info").rpartition("-")[0])
        return f"include/site/{PYTHON}/{distribution}/{path}"
    if scheme == "data":
        return path
    raise ValueError(f"it has files for the unknown place {scheme!r}")


def split(entry: str, info: str) -> tuple[str, str]:
    """Return the scheme of an entry of a wheel, and its path there.

    >>> split("pkg-1.0.data/scripts/run", "pkg-1.0.dist-info")
    ('scripts', 'run')
    """
    data = info.removesuffix(".dist-info") + ".data/"
    if not entry.startswith(data):
        return "purelib", entry
    scheme, _, path = entry.removeprefix(data).partition("/")
    return scheme, path


def data_last(entries: list[ZipInfo], info: str) -> list[ZipInfo]:
    """Return the entries in their order, but for those of `.data`, which replace the others."""
    data = info.removesuffix(".dist-info") + ".data/"
    return sorted(entries, key=lambda entry: entry.filename.startswith(data))


def is_interpreter(path: str) -> bool:
    """Whether a file at this path would replace the interpreter, or what makes the environment."""
    return bool(_INTERPRETER.fullmatch(path))


def normalised(name: str) -> str:
    """Return a distribution's name as indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
