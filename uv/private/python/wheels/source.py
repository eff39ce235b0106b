"""A source distribution, or another archive of a tree: unpacked, within bounds."""

from __future__ import annotations

import errno
import lzma
import os
import tarfile
import zipfile
import zlib

from wheels.archive import MOST_BYTES
from wheels.errors import WheelError

# The first second that a zip can hold, 1980-01-01: no build is to know the time.
EPOCH = 315532800

_FAULTS = (
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def unpack(
    archive: str, folder: str, label: str, subdirectory: str = "", most_bytes: int = MOST_BYTES
) -> str:
    """Unpack a source into the empty `folder`; return the folder of the project in it.

    Modes and times are the same whatever the archive says.

    Args:
        archive: a .tar, compressed or not, or a .zip.
        folder: where to.
        label: the distribution, for messages.
        subdirectory: the project's folder in the tree.
        most_bytes: what it may unpack to.

    Raises:
        WheelError: it is damaged, out to do harm, or has no such folder.
    """
    os.stat(archive)  # that it isn't there is no fault of it
    try:
        # A tar may end with a zip, so that `is_zipfile` takes it for one.
        if tarfile.is_tarfile(archive):
            _unpack_tar(archive, folder, label, most_bytes)
        else:
            _unpack_zip(archive, folder, label, most_bytes)
    except _FAULTS as error:
        raise _damaged(label, error) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _damaged(label, error) from None
    _settle(folder)
    return _project(folder, label, subdirectory)


def _unpack_tar(archive: str, folder: str, label: str, most_bytes: int) -> None:
    # What PEP 706's filter "data" lets through, on every Python: 3.11.2, Debian 12's, has none.
    trusted = {"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}
    left = most_bytes
    root = os.path.realpath(folder)
    with tarfile.open(archive) as tar:
        for member in tar:
            left -= member.size
            if left < 0:
                raise _bomb(label, most_bytes)
            member.name = member.name.lstrip("/")
            if not _stays_inside(member, root):
                raise _leads_out(label, member.name)
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            tar.extract(member, folder, **trusted)  # type: ignore[arg-type]


def _stays_inside(member: tarfile.TarInfo, root: str) -> bool:
    """Whether it is a file, a folder or a link, and lies and leads below the root."""
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        return False
    places = [member.name]
    if member.issym():
        if os.path.isabs(member.linkname):
            return False
        places.append(os.path.join(os.path.dirname(member.name), member.linkname))
    elif member.islnk():
        if os.path.isabs(member.linkname):
            return False
        places.append(member.linkname)
    found = (os.path.realpath(os.path.join(root, place)) for place in places)
    return all(os.path.commonpath([root, place]) == root for place in found)


def _unpack_zip(archive: str, folder: str, label: str, most_bytes: int) -> None:
    with zipfile.ZipFile(archive) as zipped:
        if sum(entry.file_size for entry in zipped.infolist()) > most_bytes:
            raise _bomb(label, most_bytes)
        for name in zipped.namelist():
            if name.startswith("/") or ".." in name.split("/"):
                raise _leads_out(label, name)
        zipped.extractall(folder)  # noqa: S202 - the names have been looked at
        for entry in zipped.infolist():
            if entry.external_attr >> 16 & 0o100 and not entry.is_dir():
                os.chmod(os.path.join(folder, entry.filename), 0o755)  # noqa: S103


def _settle(folder: str) -> None:
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in folders + files:
            path = os.path.join(parent, name)
            if os.path.islink(path):
                continue
            runs = os.path.isdir(path) or os.stat(path).st_mode & 0o100
            os.chmod(path, 0o755 if runs else 0o644)
            os.utime(path, (EPOCH, EPOCH))


def _project(folder: str, label: str, subdirectory: str) -> str:
    """Where the tree has one folder at its top, as a source distribution has, that is its root."""
    inside = os.listdir(folder)
    roots = [folder]
    if len(inside) == 1 and os.path.isdir(os.path.join(folder, inside[0])):
        roots.append(os.path.join(folder, inside[0]))
    trees = [os.path.join(root, subdirectory) for root in roots]
    for tree in trees:
        if any(os.path.isfile(f"{tree}/{name}") for name in ("pyproject.toml", "setup.py")):
            return tree
    if subdirectory and not any(os.path.isdir(tree) for tree in trees):
        raise WheelError(f"{label}: its source has no folder {subdirectory}.")
    raise WheelError(f"{label}: its source has neither a pyproject.toml nor a setup.py.")


def _damaged(label: str, error: BaseException) -> WheelError:
    said = error.strerror if isinstance(error, OSError) and error.strerror else error
    line = (str(said).splitlines() or [type(error).__name__])[0]
    return WheelError(f"{label}: its source distribution is damaged ({line}).")


def _leads_out(label: str, name: str) -> WheelError:
    return WheelError(
        f"{label}: its source distribution is unsafe: its entry {name!r} leads out of it, or is no "
        "file."
    )


def _bomb(label: str, most_bytes: int) -> WheelError:
    return WheelError(
        f"{label}: its source distribution is unsafe: it unpacks to more than {most_bytes:,} "
        "bytes, as a bomb does."
    )
