"""A bump of two packages and an edit of the application change three layers, each by its own files.

So each of the three changes, had it come alone, would have changed its own layer alone.
"""

import os
import re
from pathlib import Path
from tarfile import TarFile, TarInfo

import pytest

from tests.image.base.layout import Layout

SITE = "app/.venv/lib/python3.13/site-packages/"


@pytest.fixture(scope="module")
def image() -> Layout:
    return Layout(Path(os.environ["IMAGE"]))


@pytest.fixture(scope="module")
def changed(image: Layout) -> list[tuple[TarFile, TarFile]]:
    """The layers that differ, as they are and as they come to be, from the lowest on."""
    other = Layout(Path(os.environ["CHANGED"]))
    digests = [
        [layer["digest"] for layer in layout.manifest["layers"]] for layout in (image, other)
    ]
    pairs = zip(image.layers(), other.layers(), *digests, strict=True)
    return [(before, after) for before, after, old, new in pairs if old != new]


def differing(before: TarFile, after: TarFile) -> set[str]:
    """Paths of the entries that only one has, or both with another content, mode, owner or time."""

    def entries(layer: TarFile) -> dict[str, tuple[object, ...]]:
        def content(member: TarInfo) -> bytes:
            file = layer.extractfile(member) if member.isreg() else None
            return file.read() if file else b""

        return {
            member.name: (
                *(member.type, member.mode, member.uid, member.gid, member.mtime),
                *(member.linkname, content(member)),
            )
            for member in layer
        }

    one, other = entries(before), entries(after)
    return {name for name in one | other if one.get(name) != other.get(name)}


def test_one_layer_for_each_change(changed: list[tuple[TarFile, TarFile]]) -> None:
    assert len(changed) == 3


def test_a_large_package_has_a_layer_to_itself(changed: list[tuple[TarFile, TarFile]]) -> None:
    before, after = changed[0]
    assert_bumped(before, after, "alembic", "9.8.7")
    own = ("alembic", "__pycache__")
    packages = {n.removeprefix(SITE).split("/")[0] for n in before.getnames() if n.startswith(SITE)}
    assert {name for name in packages if not name.startswith(own)} == set()


def test_in_a_shared_layer_the_package_alone_changes(
    changed: list[tuple[TarFile, TarFile]],
) -> None:
    before, after = changed[1]
    assert_bumped(before, after, "idna", "6.5.4")
    assert SITE + "requests/__init__.py" in before.getnames()


def test_an_edit_changes_the_application_layer(
    image: Layout, changed: list[tuple[TarFile, TarFile]]
) -> None:
    before, after = changed[2]
    assert before is image.layers()[-1]
    assert differing(before, after) == {"app/main.py", "app/__pycache__/main.cpython-313.pyc"}


def assert_bumped(before: TarFile, after: TarFile, name: str, version: str) -> None:
    """Nothing differs but the module with the new line, and the metadata of both versions."""
    (old,) = {
        path.removeprefix(SITE).split("/")[0]
        for path in before.getnames()
        if re.match(rf"{SITE}{name}-[^/]+\.dist-info/", path)
    }
    metadata = (old, f"{name}-{version}.dist-info")
    module = {f"{name}/__init__.py", f"{name}/__pycache__/__init__.cpython-313.pyc"}
    inside = {path.removeprefix(SITE) for path in differing(before, after)}
    assert module | {f"{folder}/METADATA" for folder in metadata} <= inside
    assert {path for path in inside - module if path.split("/")[0] not in metadata} == set()
