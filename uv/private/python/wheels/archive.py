"""A wheel's zip: whatever is in it, it is bounded, and says one line when it is broken."""

from __future__ import annotations

import contextlib
import errno
import re
import struct
import zipfile
import zlib

from wheels.errors import WheelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What one wheel may unpack to: many times the largest that a small image could hold.
MOST_BYTES = 8 << 30

# What one of the files that a set is made from may hold: each is a few kB.
MOST_METADATA = 64 << 20

# The longest name of a file on Linux, and the longest path (limits.h), less room for where it goes.
_LONGEST_NAME = 255
_LONGEST_PATH = 3800

_NO_NAME = re.compile(r"[\x00-\x1f\x7f\\]")

# What a local header has before the name (APPNOTE.TXT 4.3.7).
_LOCAL_HEADER = 30

_FAULTS = (
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,  # it is encrypted
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextlib.contextmanager
def opened(path: str, label: str, most_bytes: int = MOST_BYTES) -> Iterator[zipfile.ZipFile]:
    """Open a wheel, check its directory, and word what goes wrong while it is open.

    Names are UTF-8 whatever their flag says, as installers read them; of two equal entries of one
    name one is left.

    Args:
        path: the wheel.
        label: name and version, for messages.
        most_bytes: what it may unpack to.

    Raises:
        WheelError: it is damaged, or out to do harm.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                _settle_names(archive, label)
                _check_sizes(archive, label, most_bytes)
                yield archive
        except _FAULTS as error:
            raise damaged(label, error) from None
        except OSError as error:
            if error.errno != errno.EINVAL:  # an offset before the file's beginning
                raise
            raise damaged(label, error) from None


def damaged(label: str, error: BaseException) -> WheelError:
    """Return the error that says what a library found."""
    # Some of `installer`'s name the file or an object before the reason.
    said = getattr(error, "reason", "") or error.args[-1:] or [type(error).__name__]
    said = said if isinstance(said, str) else said[0]
    line = str(said).strip().splitlines()[0].rstrip(".")
    return WheelError(f"{label}: the wheel is damaged or is not a valid wheel ({line}).")


def unsafe(label: str, what: str) -> WheelError:
    """Return the error about a wheel that reaches for what is not its own."""
    return WheelError(f"{label}: the wheel is unsafe: {what}.")


def content(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most_bytes: int | None = None
) -> bytes:
    """Return what an entry holds, which is as long as the directory says.

    `ZipFile.read` would inflate all that is there before it looks at that.
    """
    if most_bytes is not None and entry.file_size > most_bytes:
        raise ValueError(f"{entry.filename} is larger than {most_bytes:,} bytes")
    with archive.open(entry) as stream:
        found = stream.read(entry.file_size + 1)
    if len(found) != entry.file_size:
        raise ValueError(f"{entry.filename} is shorter than the wheel says")
    return found


def check_name(name: str, label: str) -> None:
    """Check the name of a file, or a path of several.

    Raises:
        WheelError: it leads out of its folder, or no file can have it.
    """
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        raise unsafe(label, f"its entry {name!r} lies outside of the environment")
    if "" in parts or "." in parts or _NO_NAME.search(name):
        raise WheelError(f"{label}: the wheel has an entry whose name no file can have: {name!r}.")
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST_PATH or any(
        len(part.encode("utf-8", "surrogatepass")) > _LONGEST_NAME for part in parts
    ):
        raise WheelError(f"{label}: the wheel has an entry whose name is too long for a file's.")


def _settle_names(archive: zipfile.ZipFile, label: str) -> None:
    seen: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.filelist:
        name = entry.orig_filename  # `filename` ends at a null byte
        if not entry.flag_bits & 0x800 and not name.isascii():
            try:
                name = name.encode("cp437").decode()
            except UnicodeError:
                raise WheelError(
                    f"{label}: the wheel is damaged: it has an entry whose name is not UTF-8."
                ) from None
        entry.filename = name
        other = seen.setdefault(name, entry)
        if (other.CRC, other.file_size) != (entry.CRC, entry.file_size):
            raise WheelError(
                f"{label}: the wheel is damaged: it has two entries of one name with different "
                "contents."
            )
    archive.filelist = list(seen.values())
    archive.NameToInfo = seen


def _check_sizes(archive: zipfile.ZipFile, label: str, most_bytes: int) -> None:
    """The directory's sizes are what `content` holds to, so that their sum is a bound."""
    end, total = 0, 0
    for entry in sorted(archive.filelist, key=lambda entry: entry.header_offset):
        total += entry.file_size
        if entry.header_offset < end:
            raise unsafe(label, "its entries overlap, as a zip bomb's do")
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # No index takes them, and Python inflates them without a bound.
            raise ValueError(f"{entry.filename} is neither stored nor deflated")
    if total > most_bytes:
        raise unsafe(label, f"it unpacks to more than {most_bytes:,} bytes, as a zip bomb does")
