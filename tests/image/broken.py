"""An image that is broken in one respect, for the tests of what should see it."""

import copy
import io
import tarfile
from collections.abc import Callable
from typing import Any

from tests.image.base.layout import Layout


class Broken(Layout):
    """The image, whose config, manifest and layers may be changed without changing the image."""

    def __init__(self, image: Layout) -> None:
        self.config = copy.deepcopy(image.config)
        self.manifest = copy.deepcopy(image.manifest)
        self._tars = list(image.layers())
        self._files = {}

    def add(self, *entries: tarfile.TarInfo) -> None:
        """One more layer, below the application's."""
        self._insert([(entry, b"") for entry in entries])

    def add_file(self, name: str, content: bytes) -> None:
        """The same, of one file with this content."""
        self._insert([(entry(name), content)])

    def _insert(self, entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        self._tars.insert(-1, _layer(entries))
        self._files = {}

    def edit(self, name: str, content: bytes) -> None:
        """Other content of a file of the application."""
        app = self._tars[-1]
        entries = [(copy.copy(member), app.extractfile(member)) for member in app]
        self._tars[-1] = _layer(
            [
                (member, content if member.name == name else file.read() if file else b"")
                for member, file in entries
            ]
        )


def _layer(entries: list[tuple[tarfile.TarInfo, bytes]]) -> tarfile.TarFile:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


def entry(name: str, **fields: Any) -> tarfile.TarInfo:
    """An empty file as the image would have it, but for these fields."""
    member = tarfile.TarInfo(name)
    for field, value in {"mode": 0o644, "mtime": 0, **fields}.items():
        setattr(member, field, value)
    return member


def settings(**values: Any) -> Callable[[Broken], None]:
    return lambda image: image.config["config"].update(values)


def adds(*entries: tarfile.TarInfo) -> Callable[[Broken], None]:
    return lambda image: image.add(*(copy.copy(each) for each in entries))
