"""A wheel's files at their places in a virtual environment, by PyPA's `installer`.

Nothing is written: a wheel is read into memory, and whoever reads it writes a layer, a tree or one file. What a
hostile wheel could do elsewhere is refused here (docs/hostile-input.md).
"""

from __future__ import annotations

import io
import os
import re
import sys
import zipfile
import zlib

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import InvalidRecordEntry, RecordEntry, parse_record_file
from installer.sources import WheelFile

from wheels.errors import WheelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

SITE_PACKAGES = f"lib/{_PYTHON}/site-packages/"

# What one wheel may unpack to: many times the largest that a small image could hold.
MOST_BYTES = 8 << 30

# The longest name of a file on Linux, and the longest path (limits.h), less room for where it is put.
_LONGEST_NAME = 255
_LONGEST_PATH = 3800

# A wheel's script or data file at one of these would replace the environment's interpreter, or what it is.
_INTERPRETER = re.compile(r"bin/(python[\d.]*w?|activate.*)|pyvenv\.cfg|lib64(/.*)?")

_DAMAGED = "the wheel is damaged or is not a valid wheel"


class Wheel:
    """One wheel, read.

    Attributes:
        label: name and version, for messages.
        info: the name of its `.dist-info` folder.
        files: path in the virtual environment → content. No console scripts, no bytecode, no RECORD.
        notes: what is odd about it and harms nobody, a sentence each.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.info = ""
        self.files: dict[str, bytes] = {}
        self.notes: list[str] = []

    @property
    def metadata(self) -> bytes:
        """The METADATA file, or nothing."""
        return self.files.get(f"{SITE_PACKAGES}{self.info}/METADATA", b"")

    @property
    def entry_points(self) -> bytes:
        """The entry_points.txt file, or nothing."""
        return self.files.get(f"{SITE_PACKAGES}{self.info}/entry_points.txt", b"")


def read(path: str, label: str, most_bytes: int = MOST_BYTES) -> Wheel:
    """Return what the wheel at `path` installs.

    Raises:
        WheelError: it is damaged, or out to do harm.
    """
    wheel = Wheel(label)
    try:
        with zipfile.ZipFile(path) as archive:
            _settle_names(archive, label)
            size = sum(entry.file_size for entry in archive.infolist())
            if size > most_bytes:
                raise WheelError(
                    f"{label}: the wheel is unsafe: it unpacks to more than {most_bytes:,} bytes, as a zip bomb does."
                )
            source = _Source(archive, wheel)
            wheel.info = source.dist_info_dir
            install(source, _Destination(wheel), {})
    except (
        InstallerError,  # of which most are ValueErrors
        AssertionError,
        EOFError,
        KeyError,
        NotImplementedError,
        RuntimeError,
        UnicodeDecodeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise WheelError(f"{label}: {_DAMAGED} ({_first_line(error)}).") from None
    return wheel


class _Source(WheelFile):
    """A wheel whose RECORD is compared, and not believed: the lock pins the wheel's bytes as they are."""

    def __init__(self, archive: zipfile.ZipFile, wheel: Wheel) -> None:
        self._wheel = wheel
        super().__init__(archive)

    @property
    def data_dir(self) -> str:
        return self.dist_info_dir.removesuffix(".dist-info") + ".data"

    def get_contents(self) -> Iterator[tuple[tuple[str, str, str], BinaryIO, bool]]:
        try:
            rows = list(parse_record_file(self.read_dist_info("RECORD").splitlines()))
        except KeyError:
            raise ValueError("it has no RECORD") from None
        recorded = {row[0]: row for row in rows}
        differing = []
        for entry in self._zipfile.infolist():
            if entry.filename.endswith("/"):
                continue
            content = self._zipfile.read(entry)
            if entry.filename in recorded and not _agrees(recorded[entry.filename], content):
                differing.append(entry.filename)
            yield (entry.filename, "", ""), io.BytesIO(content), False
        if differing:
            more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
            self._wheel.notes.append(
                f"{self._wheel.label}: {differing[0]}{more} has other content than the wheel's RECORD says; the lock pins "
                "the wheel as it is, and the image's RECORD is true."
            )


class _Destination(WheelDestination):
    """Puts files into memory, at their paths in a virtual environment."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._cases: dict[str, str] = {}

    def write_script(self, name: str, module: str, attr: str, section: object) -> RecordEntry:
        # Whoever makes a layer knows where its interpreter will be.
        if "/" in name or _INTERPRETER.fullmatch(f"bin/{name}"):
            raise self._unsafe("one of its scripts would replace the interpreter, or lie outside of the environment")
        return RecordEntry(f"bin/{name}", None, None)

    def write_file(
        self, scheme: str, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        path = os.fspath(path)
        place = self._place(scheme, path)
        if _INTERPRETER.fullmatch(place):
            raise self._unsafe("one of its scripts would replace the interpreter, or lie outside of the environment")
        other = self._cases.setdefault(place.lower(), place)
        if other != place:
            raise self._unsafe(f"{other} and {place} are the same file where case does not count. Take another version")
        self._wheel.files[place] = stream.read()
        return RecordEntry(path, None, None)

    def finalize_installation(self, scheme: str, record_file_path: str, records: Iterable[object]) -> None:
        files = self._wheel.files
        for path in files:
            folder = path.rpartition("/")[0]
            while folder:
                if folder in files:
                    raise ValueError(f"{folder} is a file and a folder")
                folder = folder.rpartition("/")[0]

    def _place(self, scheme: str, path: str) -> str:
        parts = path.split("/")
        if path.startswith("/") or ".." in parts:
            raise self._unsafe(f"its entry {path!r} lies outside of the environment")
        if any(part in ("", ".") for part in parts) or re.search(r"[\x00-\x1f\x7f\\]", path):
            raise WheelError(f"{self._wheel.label}: the wheel has an entry whose name no file can have: {path!r}.")
        if len(path.encode()) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts):
            raise WheelError(f"{self._wheel.label}: the wheel has an entry whose name is too long for a file's.")
        if scheme in ("purelib", "platlib"):
            return SITE_PACKAGES + path
        if scheme == "scripts":
            if len(parts) > 1:
                raise self._unsafe(
                    "one of its scripts would replace the interpreter, or lie outside of the environment"
                )
            return f"bin/{path}"
        if scheme == "headers":
            name = re.sub(r"[-_.]+", "-", self._wheel.info.split("-")[0]).lower()
            return f"include/site/{_PYTHON}/{name}/{path}"
        return path

    def _unsafe(self, what: str) -> WheelError:
        return WheelError(f"{self._wheel.label}: the wheel is unsafe: {what}.")


def _settle_names(archive: zipfile.ZipFile, label: str) -> None:
    """Read names as UTF-8 whatever their flag says, as installers do, and look for doubles.

    Raises:
        WheelError: a name isn't UTF-8, or two entries of one name differ.
    """
    seen: dict[str, zipfile.ZipInfo] = {}
    for entry in list(archive.filelist):
        if not entry.flag_bits & 0x800 and not entry.orig_filename.isascii():
            try:
                entry.filename = entry.orig_filename.encode("cp437").decode()
            except UnicodeError:
                raise WheelError(f"{label}: the wheel is damaged: it has an entry whose name is not UTF-8.") from None
            archive.NameToInfo[entry.filename] = entry
        elif entry.filename != entry.orig_filename:
            entry.filename = entry.orig_filename  # zipfile cuts it at a null byte
        other = seen.setdefault(entry.filename, entry)
        if other is not entry:
            if (other.CRC, other.file_size) != (entry.CRC, entry.file_size):
                raise WheelError(
                    f"{label}: the wheel is damaged: it has two entries of one name with different contents."
                )
            archive.filelist.remove(entry)


def _agrees(row: tuple[str, str, str], content: bytes) -> bool:
    """Whether a row of RECORD, as far as it says anything, is true of the content."""
    try:
        entry = RecordEntry.from_elements(row[0], row[1].rstrip("="), row[2])
    except InvalidRecordEntry:
        return False
    try:
        return entry.hash_ is None or entry.validate(content)
    except ValueError:  # a hash of no kind that Python knows
        return False


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
