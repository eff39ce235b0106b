"""Deterministic layer tarballs: the same entries give the same bytes, on every machine.

The format is POSIX ustar (IEEE 1003.1), with a pax extended header only where a name doesn't fit
ustar's fields; every container engine reads both. Owner 0:0 without names, mtime 0, sorted by path,
one gzip member (RFC 1952) without name or time. See "Layer Filesystem Changeset" in the OCI image
specification.
"""

from __future__ import annotations

import os
import stat
import zlib

from layer.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO, Literal

_BLOCK = 512
_TYPE_FLAGS = {"file": b"0", "symlink": b"2", "dir": b"5"}
_DIRECTORY_MODE = 0o755
# ustar has eleven octal digits for a size.
_LARGEST_FILE = 8**11 - 1


class Entry:
    """One member of a layer.

    Attributes:
        path: where it lies in the image, relative to `/`, with no slash at either end.
        kind: "file", "dir" or "symlink".
        mode: permission bits. A symlink's are always 0777, as Linux has them.
        data: a file's content, or the path of the file on this machine that holds it.
        target: what a symlink points at.
        source: where it came from, for messages; by default `data` if that is a path.
    """

    __slots__ = ("data", "kind", "mode", "path", "source", "target")

    def __init__(
        self,
        path: str,
        kind: Literal["file", "dir", "symlink"],
        mode: int,
        data: bytes | os.PathLike[str] | str | None = None,
        target: str = "",
        source: str = "",
    ) -> None:
        self.path = path
        self.kind = kind
        self.mode = mode
        self.data = data
        self.target = target
        self.source = source

    def content(self) -> bytes:
        """Returns a file's bytes, read now if `data` is a path."""
        if self.data is None or isinstance(self.data, bytes):
            return self.data or b""
        with open(self.data, "rb") as file:
            return file.read()

    def origin(self) -> str:
        """Returns the words that name where this entry came from."""
        if self.source:
            return self.source
        if self.data is None or isinstance(self.data, bytes):
            return f"a generated {self.kind}"
        return os.fspath(self.data)


def write(entries: Iterable[Entry], output: BinaryIO, *, level: int = 6) -> None:
    """Writes the entries as one .tar.gz.

    Missing parent directories are added (0755). Two entries with the same path are one if they are
    equal.

    Args:
        entries: in any order; the tarball is sorted by path.
        output: receives the bytes.
        level: zlib's compression level, 1 to 9.

    Raises:
        LayerError: a path is absolute, climbs out, isn't UTF-8 or has two different sources; or a
            file has more than 8 GiB.
    """
    # 31 = the largest window, in a gzip wrapper whose name and time zlib leaves empty.
    compressor = zlib.compressobj(level, zlib.DEFLATED, 31)
    members = _with_parents(_unique(entries))
    for path in sorted(members):
        entry = members[path]
        data = entry.content() if entry.kind == "file" else b""
        padding = bytes(-len(data) % _BLOCK)
        for piece in (_header(entry, len(data)), data, padding):
            output.write(compressor.compress(piece))
    # The end of an archive is two empty blocks.
    output.write(compressor.compress(bytes(2 * _BLOCK)))
    output.write(compressor.flush())


def save(entries: Iterable[Entry], path: str, *, level: int = 6) -> None:
    """Writes the entries to a file, as `write` does; when that fails, no file is left."""
    try:
        with open(path, "wb") as output:
            write(entries, output, level=level)
    except BaseException:
        os.unlink(path)
        raise


def file_mode(content: bytes) -> int:
    """Returns 0755 for what can be executed by itself, else 0644.

    The content decides, not the mode on this machine's disk: that one depends on the umask, and
    remote execution sets its own.
    """
    return 0o755 if content.startswith(b"#!") or _is_elf_program(content) else 0o644


def _is_elf_program(content: bytes) -> bool:
    """Whether it is a 64-bit little-endian ELF file that starts by itself, not just a library."""
    if content[:6] != b"\x7fELF\x02\x01" or len(content) < 64:
        return False
    executable, shared, interpreter = 2, 3, 3
    kind = int.from_bytes(content[16:18], "little")
    if kind != shared:
        return kind == executable
    table = int.from_bytes(content[32:40], "little")
    size = int.from_bytes(content[54:56], "little")
    count = int.from_bytes(content[56:58], "little")
    offsets = (table + index * size for index in range(count))
    return any(content[at : at + 4] == interpreter.to_bytes(4, "little") for at in offsets)


def _unique(entries: Iterable[Entry]) -> dict[str, Entry]:
    members: dict[str, Entry] = {}
    for entry in entries:
        _check_path(entry.path, entry.origin())
        other = members.setdefault(entry.path, entry)
        if other is not entry and not _equal(other, entry):
            raise _two_sources(other, entry)
    return members


def _equal(one: Entry, other: Entry) -> bool:
    if (one.kind, one.target) != (other.kind, other.target):
        return False
    if one.kind == "symlink":
        return True
    return one.mode == other.mode and one.content() == other.content()


def _two_sources(one: Entry, other: Entry) -> LayerError:
    first, second = sorted((one.origin(), other.origin()))
    return LayerError(f"two sources for one path, /{one.path}: {first} and {second}; remove one")


def _check_path(path: str, origin: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        name = path.encode(errors="surrogateescape")
        raise LayerError(
            f"the file name {name!r} of {origin} isn't UTF-8, as a layer needs it; rename it"
        ) from None
    if "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise LayerError(f"{path!r} of {origin} isn't a path below the image's root")


def _with_parents(members: dict[str, Entry]) -> dict[str, Entry]:
    complete = dict(members)
    for entry in members.values():
        path = entry.path
        while "/" in path:
            path = path.rpartition("/")[0]
            if path not in complete:
                complete[path] = Entry(path, "dir", _DIRECTORY_MODE)
            elif complete[path].kind != "dir":
                raise LayerError(
                    f"/{path} is a {complete[path].kind} ({complete[path].origin()}), but "
                    f"{entry.origin()} needs a directory there; remove one"
                )
            elif path not in members:
                break  # an added directory: its own parents are there already
    return complete


def _header(entry: Entry, size: int) -> bytes:
    name = entry.path + "/" if entry.kind == "dir" else entry.path
    if size > _LARGEST_FILE:
        raise LayerError(f"/{entry.path} has {size} bytes; a layer takes files up to 8 GiB")
    records = {}
    if not _fits_ustar(name):
        records["path"] = name
    if not _fits_ustar(entry.target):
        records["linkpath"] = entry.target
    mode = 0o777 if entry.kind == "symlink" else stat.S_IMODE(entry.mode)
    header = _ustar(name, mode, size, _TYPE_FLAGS[entry.kind], entry.target)
    if not records:
        return header
    body = b"".join(_pax_record(key, value) for key, value in records.items())
    # The extended header's own name is for humans; pax of POSIX names it the same way.
    extended = _ustar("PaxHeaders/" + entry.path.rpartition("/")[2], 0o644, len(body), b"x", "")
    return extended + body + bytes(-len(body) % _BLOCK) + header


def _fits_ustar(name: str) -> bool:
    return len(name) <= 100 and name.isascii()


def _ustar(name: str, mode: int, size: int, flag: bytes, target: str) -> bytes:
    def octal(number: int, width: int) -> bytes:
        return b"%0*o\0" % (width - 1, number)

    before = b"".join(
        (
            name.encode()[:100].ljust(100, b"\0"),
            octal(mode, 8),
            octal(0, 8),  # uid
            octal(0, 8),  # gid
            octal(size, 12),
            octal(0, 12),  # mtime
        )
    )
    after = b"".join(
        (
            flag,
            target.encode()[:100].ljust(100, b"\0"),
            b"ustar\x0000",
            bytes(64),  # names of user and group
            octal(0, 8),  # device numbers
            octal(0, 8),
            bytes(167),  # prefix and the rest of the block
        )
    )
    checksum = sum(before) + sum(after) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + after


def _pax_record(key: str, value: str) -> bytes:
    """Returns `LENGTH key=value\\n`, where LENGTH counts the whole record with its own digits."""
    text = b" %s=%s\n" % (key.encode(), value.encode())
    length = len(text)
    while length != len(text) + len(str(length)):
        length = len(text) + len(str(length))
    return str(length).encode() + text
