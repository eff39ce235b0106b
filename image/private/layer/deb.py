"""Reads Debian packages (deb(5)): what they are, and their files, checked before use."""

from __future__ import annotations

import io
import lzma
import os
import tarfile
import zlib

from layer.errors import LayerError
from layer.tarball import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

_MAGIC = b"!<arch>\n"
_HEADER = 60
# Links into /usr since Debian 12 ("merged /usr"); packages may still name the old paths.
_MERGED = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}
# What a package may unpack to; the largest of the base has a few dozen MB.
_MOST_BYTES = 1 << 30
_SETUID_SETGID = 0o6000
_STICKY_FOR_ALL = 0o1002


# What reading a damaged archive may raise.
_DAMAGES = (tarfile.TarError, OSError, EOFError, lzma.LZMAError, zlib.error)


class Package:
    """One .deb file, read as a whole.

    Attributes:
        name: the package's name, such as `libc6`.
        version: Debian's version, such as `2.41-12+deb13u4`.
        architecture: `amd64`, `arm64`, … or `all`.
        control: the control paragraph as text, ending in a newline.
    """

    def __init__(self, path: str) -> None:
        """Reads the file at `path`.

        Raises:
            LayerError: it isn't a whole Debian package.
        """
        self._path = path
        self._size = 0
        with open(path, "rb") as file:
            members = _ar(file.read(), path)
        if members.get("debian-binary", b"")[:2] != b"2.":
            raise LayerError(f"{path} isn't a Debian package of format 2.x")
        self._data = _tar(members, "data.tar", path)
        self.control = self._read_control(_tar(members, "control.tar", path))
        fields = dict(
            line.split(": ", 1)
            for line in self.control.splitlines()
            if line[:1].isalpha() and ": " in line
        )
        try:
            self.name = fields["Package"]
            self.version = fields["Version"]
            self.architecture = fields["Architecture"]
        except KeyError as missing:
            raise LayerError(f"{path} has no field {missing} in its control file") from None
        if not self.name.replace("+", "").replace("-", "").replace(".", "").isalnum():
            raise LayerError(f"{path} calls itself {self.name!r}, which is no package name")

    def _read_control(self, tar: tarfile.TarFile) -> str:
        try:
            for member in tar:
                if member.name.removeprefix("./") == "control" and member.isreg():
                    return self._read(tar, member, "control", 0).decode().strip() + "\n"
        except (*_DAMAGES, UnicodeDecodeError) as error:
            raise LayerError(f"{self._path}: its control archive is damaged: {error}") from error
        raise LayerError(f"{self._path} has no control file")

    def _read(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, before: int) -> bytes:
        """Returns a file's content, unless that would be out of all proportion."""
        if member.issparse():
            raise LayerError(f"{self._path}: /{path} is a sparse file, which no package has")
        if before + member.size > _MOST_BYTES:
            raise LayerError(
                f"{self._path} unpacks to more than {_MOST_BYTES:,} bytes, as a bomb does"
            )
        content = tar.extractfile(member)
        return content.read() if content else b""

    def entries(self) -> list[Entry]:
        """Returns the package's files as layer entries.

        Owners are left behind (a layer is root's), modes are reduced to 0755 for directories and
        programs, 0644 for other files and 1777 for directories like /tmp; nothing becomes more
        open than the package has it, but for files that only root might read. Setuid and setgid
        bits of files stay, for `debs.py` to refuse.

        Raises:
            LayerError: an entry is absolute, climbs out with `..`, is a device, a FIFO or a
                socket, or a hard link to nothing.
        """
        entries: dict[str, Entry] = {}
        self._size = 0
        try:
            for member in self._data:
                path = self._checked_path(member.name)
                if path:
                    entries[path] = self._entry(member, path, entries)
        except _DAMAGES as error:
            raise LayerError(f"{self._path}: its data archive is damaged: {error}") from error
        return list(entries.values())

    def _entry(self, member: tarfile.TarInfo, path: str, entries: dict[str, Entry]) -> Entry:
        if member.isdir():
            everybody = member.mode & _STICKY_FOR_ALL == _STICKY_FOR_ALL
            return Entry(
                path, "dir", 0o1777 if everybody else member.mode & 0o755, None, "", self.name
            )
        if member.issym():
            return Entry(path, "symlink", 0o777, None, member.linkname, self.name)
        if member.islnk():
            original = entries.get(self._checked_path(member.linkname))
            if original is None or original.kind != "file":
                raise LayerError(
                    f"{self._path}: /{path} is a hard link to {member.linkname!r}, which the "
                    "package doesn't hold before it"
                )
            return Entry(path, "file", original.mode, original.data, "", self.name)
        if not member.isreg():
            raise LayerError(
                f"{self._path}: /{path} is neither a file, a directory nor a link; a layer has no "
                "devices, FIFOs or sockets"
            )
        mode = (0o755 if member.mode & 0o111 else 0o644) | member.mode & _SETUID_SETGID
        content = self._read(self._data, member, path, self._size)
        self._size += len(content)
        return Entry(path, "file", mode, content, "", self.name)

    def _checked_path(self, name: str) -> str:
        """Returns the path relative to `/`, merged-/usr links followed; "" for the root."""
        path = name.removeprefix("./").removesuffix("/")
        if path in ("", "."):
            return ""
        parts = path.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise LayerError(f"{self._path}: {name!r} isn't a path below the image's root")
        if len(parts) > 1 and parts[0] in _MERGED:
            parts[0] = _MERGED[parts[0]]
        return "/".join(parts)


def _ar(content: bytes, path: str) -> dict[str, bytes]:
    """Returns the members of an ar archive (ar(5), the common format) by name."""
    if not content.startswith(_MAGIC):
        raise LayerError(f"{path} isn't a Debian package (no ar archive)")
    members = {}
    at = len(_MAGIC)
    while at < len(content):
        header = content[at : at + _HEADER]
        size = header[48:58].strip()
        if len(header) < _HEADER or header[58:] != b"`\n" or not size.isdigit():
            raise LayerError(f"{path} is damaged: no member header at byte {at}")
        name = header[:16].decode("ascii", "replace").rstrip().removesuffix("/")
        start = at + _HEADER
        end = start + int(size)
        if end > len(content):
            raise LayerError(
                f"{path} is cut short: {name} has {int(size)} bytes, not all are there"
            )
        if name in members:
            raise LayerError(f"{path} has two members named {name}")
        members[name] = content[start:end]
        at = end + end % 2  # members start at even offsets
    return members


def _tar(members: dict[str, bytes], name: str, path: str) -> tarfile.TarFile:
    """Opens the member `name.*` with the compression that its extension names."""
    found = [member for member in members if member == name or member.startswith(name + ".")]
    if len(found) != 1:
        raise LayerError(f"{path} has {len(found)} members {name}.*; a package has one")
    compression = os.path.splitext(found[0])[1]
    blob: IO[bytes] = io.BytesIO(members[found[0]])
    try:
        if compression == ".xz":
            return tarfile.open(fileobj=blob, mode="r:xz")
        if compression == ".gz":
            return tarfile.open(fileobj=blob, mode="r:gz")
        if found[0] == name:
            return tarfile.open(fileobj=blob, mode="r:")
    except _DAMAGES as error:
        raise LayerError(f"{path}: {found[0]} is damaged: {error}") from error
    raise LayerError(
        f"{path}: {found[0]} is compressed with {compression[1:]}, which the standard library of "
        "Python 3.13 doesn't read; Debian's own packages are xz"
    )
