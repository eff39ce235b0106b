"""A wheel's files at their places in a virtual environment, by PyPA's `installer`.

Nothing is written: a wheel is read into memory, and whoever reads it writes a layer, a tree or one
file. What a hostile wheel could do elsewhere is refused here (docs/hostile-input.md). Where uv and
`installer` differ, this does what uv does.
"""

from __future__ import annotations

import csv
import io

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import InvalidRecordEntry, RecordEntry
from installer.sources import WheelFile

from wheels import archive, layout
from wheels.archive import MOST_BYTES
from wheels.entry_points import console_scripts
from wheels.layout import SITE_PACKAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import zipfile
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO


class Wheel:
    """One wheel, read.

    Attributes:
        label: name and version, for messages.
        info: the name of its `.dist-info` folder.
        files: path in the virtual environment → content. No console scripts, no bytecode, no
            RECORD.
        scripts: a console script's name → the module and the object that it calls. Its path is not
            in `files`.
        notes: what is odd about it and harms nobody, a sentence each.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.info = ""
        self.files: dict[str, bytes] = {}
        self.scripts: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []


def read(path: str, label: str, most_bytes: int = MOST_BYTES) -> Wheel:
    """Return what the wheel at `path` installs.

    Args:
        path: the wheel, under its own file name.
        label: name and version, for messages.
        most_bytes: what it may unpack to.

    Raises:
        WheelError: it is damaged, or out to do harm.
    """
    wheel = Wheel(label)
    with archive.opened(path, label, most_bytes) as zipped:
        try:
            source = _Source(zipped, wheel)
            wheel.info = source.dist_info_dir
            install(source, _Destination(wheel), {})
        except InstallerError as error:
            raise archive.damaged(label, error) from None
    entry_points = wheel.files.get(f"{SITE_PACKAGES}{wheel.info}/entry_points.txt", b"")
    wheel.scripts = console_scripts(entry_points, label)
    for name in wheel.scripts:
        # It replaces a script of the wheel's own, as with uv.
        wheel.files.pop(f"bin/{name}", None)
    return wheel


class _Source(WheelFile):
    """A wheel whose RECORD is compared, and not believed: the lock pins the bytes as they are."""

    def __init__(self, zipped: zipfile.ZipFile, wheel: Wheel) -> None:
        self._wheel = wheel
        super().__init__(zipped)

    @property
    def data_dir(self) -> str:
        # `installer` has it spelled as the file's name is; uv as the .dist-info is.
        info: str = self.dist_info_dir
        return info.removesuffix(".dist-info") + ".data"

    @property
    def dist_info_filenames(self) -> list[str]:
        # So that `installer` leaves entry_points.txt alone: it stops at one name twice.
        return []

    def read_dist_info(self, filename: str) -> str:
        try:
            return self._read(filename, archive.MOST_METADATA).decode()
        except UnicodeDecodeError:
            raise ValueError(f"its {filename} is not UTF-8") from None

    def get_contents(self) -> Iterator[tuple[tuple[str, str, str], BinaryIO, bool]]:
        recorded = self._record()
        self._read("METADATA", archive.MOST_METADATA)
        differing = []
        # What is in .data replaces what is not, as with uv.
        for entry in layout.data_last(self._zipfile.filelist, self.dist_info_dir):
            name = entry.filename
            if name.endswith("/"):
                continue
            archive.check_name(name, self._wheel.label)
            if "__pycache__" in name.split("/"):
                continue  # bytecode is made here, for the paths in the image
            content = archive.content(self._zipfile, entry)
            if name in recorded and not _agrees(recorded[name], content):
                differing.append(name)
            yield (name, "", ""), io.BytesIO(content), False
        if differing:
            more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
            self._wheel.notes.append(
                f"{self._wheel.label}: {differing[0]}{more} has other content than the wheel's "
                "RECORD says; the lock pins the wheel as it is, and the image's RECORD is true."
            )

    def _read(self, filename: str, most_bytes: int) -> bytes:
        path = f"{self.dist_info_dir}/{filename}"
        if path not in self._zipfile.NameToInfo:
            raise ValueError(f"it has no {filename}")
        return archive.content(self._zipfile, self._zipfile.NameToInfo[path], most_bytes)

    def _record(self) -> dict[str, list[str]]:
        """RECORD's rows by path, without empty lines, which uv overlooks as well."""
        try:
            text = io.StringIO(self.read_dist_info("RECORD"), newline="")
            rows = [row for row in csv.reader(text) if row]
        except csv.Error as error:
            raise ValueError(f"its RECORD can't be read: {error}") from None
        if any(len(row) != 3 for row in rows):
            raise ValueError("its RECORD can't be read: not every line has three columns")
        return {row[0]: row for row in rows}


class _Destination(WheelDestination):
    """Puts files into memory, at their paths in a virtual environment."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._cases: dict[str, str] = {}

    def write_file(
        self, scheme: str, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        path = str(path)
        label = self._wheel.label
        place = layout.place(scheme, path, self._wheel.info)
        if layout.is_interpreter(place) or (scheme == "scripts" and "/" in path):
            raise archive.unsafe(
                label,
                "one of its scripts would replace the interpreter, or lie outside of the "
                "environment",
            )
        other = self._cases.setdefault(place.lower(), place)
        if other != place:
            raise archive.unsafe(
                label,
                f"{other} and {place} are the same file where case does not count. Take another "
                "version",
            )
        self._wheel.files[place] = stream.read()
        return RecordEntry(path, None, None)

    def finalize_installation(
        self, scheme: str, record_file_path: str, records: Iterable[object]
    ) -> None:
        files = self._wheel.files
        for path in files:
            folder = path.rpartition("/")[0]
            while folder:
                if folder in files:
                    raise ValueError(f"{folder} is a file and a folder")
                folder = folder.rpartition("/")[0]


def _agrees(row: list[str], content: bytes) -> bool:
    """Whether a row of RECORD, as far as it says anything, is true of the content."""
    try:
        entry = RecordEntry.from_elements(row[0], row[1].rstrip("="), row[2])
        return entry.hash_ is None or entry.validate(content)
    except (InvalidRecordEntry, ValueError):  # a hash of no kind that Python knows
        return False
