"""What the wheel tool reads, each as a function of bytes that may be anything.

A parser returns, or raises WheelError: every other exception would be a traceback for a user.
"""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from wheels import set as sets
from wheels.build import _build_system
from wheels.entry_points import console_scripts
from wheels.errors import WheelError
from wheels.licence import licence
from wheels.source import unpack
from wheels.wheel import read

CORPUS = Path("tests/uv/wheels/corpus")

# Far more than the corpus holds, and little enough to be read many times.
_MOST = 1 << 24


def _wheel(content: bytes) -> None:
    """What the layer and the set make of it; they agree on the paths if it can be read at all."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pkg-1.0-py3-none-any.whl")
        path.write_bytes(content)
        with contextlib.suppress(WheelError):
            sets.contents(str(path), "pkg 1.0")
        wheel = read(str(path), "pkg 1.0", _MOST)
        for place in wheel.files:
            assert not place.startswith("/")
            assert not {"", ".", ".."} & set(place.split("/"))
        seen = {*wheel.files, *(f"bin/{name}" for name in wheel.scripts)}
        assert sets.contents(str(path), "pkg 1.0")[0].keys() == seen


def _entry_points(content: bytes) -> None:
    for name in console_scripts(content, "pkg 1.0"):
        assert "/" not in name


def _metadata(content: bytes) -> None:
    assert licence(content).isprintable()


def _source(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive, inside = Path(folder, "archive"), Path(folder, "tree", "inside")
        archive.write_bytes(content)
        inside.mkdir(parents=True)
        try:
            _build_system(unpack(str(archive), str(inside), "pkg 1.0", most_bytes=_MOST), "pkg 1.0")
        finally:
            assert list(inside.parent.iterdir()) == [inside]


PARSERS: dict[str, Callable[[bytes], None]] = {
    "entry_points": _entry_points,
    "metadata": _metadata,
    "source": _source,
    "wheel": _wheel,
}


def corpus(parser: str) -> list[Path]:
    """Seeds, and inputs that once were a traceback."""
    return sorted(path for path in (CORPUS / parser).iterdir() if path.is_file())


def run(parser: str, content: bytes) -> None:
    """Raises what no parser may raise."""
    with contextlib.suppress(WheelError):
        PARSERS[parser](content)
