"""Sub-command `interpreter`: does a base image hold the interpreter that images on it start?

The virtual environment's `bin/python` is a link to it: without, nothing would be wrong until a
container starts.

Options:
    --layout=DIR   the base image, an OCI image layout of one image
    --home=DIR     absolute path of the folder in the image that holds the interpreter
    --output=PATH  an empty file, written when all is well
"""

from __future__ import annotations

import sys

from layer.errors import LayerError
from layer.layout import layers, take_away

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tarfile

    from layer.options import Options

_MOST_LINKS = 40  # as Linux has it: ELOOP
_ZSTD = b"\x28\xb5\x2f\xfd"


def run(options: Options) -> None:
    """Looks, and writes the file.

    Raises:
        LayerError: there is no such program.
    """
    layout = options.one("layout")
    program = f"{options.one('home')}/python{sys.version_info.major}.{sys.version_info.minor}"
    entries = read_entries(layout)
    if entries is not None and not is_program(entries, program):
        raise LayerError(
            f"the base image {layout} has no program {program}: take one with this Python, or "
            "correct python_home"
        )
    with open(options.one("output"), "w", encoding="utf-8"):
        pass


def read_entries(layout: str) -> dict[str, tarfile.TarInfo] | None:
    """Returns path → entry of the whole image; None if a layer is of a kind unknown here."""
    import tarfile
    import zlib

    entries: dict[str, tarfile.TarInfo] = {}
    for layer in layers(layout):
        added = {}
        try:
            with open(layer, "rb") as file:
                if file.read(4) == _ZSTD:
                    return None
            with tarfile.open(layer) as tar:
                for member in tar:
                    path = member.name.removeprefix("./")
                    if not take_away(entries, path):
                        added[path] = member
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise LayerError(f"the base's layer {layer} is damaged: {error}") from None
        entries.update(added)
    return entries


def is_program(entries: dict[str, tarfile.TarInfo], program: str) -> bool:
    """Whether the path, all links followed below the image's root, ends at a file to execute."""
    left = program.strip("/").split("/")
    done: list[str] = []
    links = 0
    while left:
        part = left.pop(0)
        if part == "..":
            done = done[:-1]
        elif part not in ("", "."):
            done.append(part)
        member = entries.get("/".join(done))
        if member and member.issym():
            links += 1
            if links > _MOST_LINKS:
                return False
            left = member.linkname.split("/") + left
            done = [] if member.linkname.startswith("/") else done[:-1]
    member = entries.get("/".join(done))
    return member is not None and (member.isreg() or member.islnk()) and bool(member.mode & 0o111)
