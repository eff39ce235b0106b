"""Each item of structure_test.yaml fails, and it alone, in an image broken in just its respect.

The images are small: what the items look at, taken from the real one.
"""

import copy
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.base.layout import Layout

Json = dict[str, Any]
_ITEMS = Path("tests/image/structure_test.yaml")
_SAYS: Json = yaml.safe_load(_ITEMS.read_text())
EXISTENCE: list[Json] = _SAYS["fileExistenceTests"]
CONTENT: list[Json] = _SAYS["fileContentTests"]
METADATA: Json = _SAYS["metadataTest"]


class Small:
    """An image of few files, and the config of the real one."""

    def __init__(self, files: dict[str, tuple[int, bytes]], config: Json) -> None:
        self.files = files  # path relative to / → mode, content
        self.config = config

    def failures(self, folder: Path) -> dict[str, list[str]]:
        """Item → what the structure test finds wrong with it."""
        archive = folder / "image.tar"
        self._save(archive)
        done = subprocess.run(
            [
                *(Path(os.environ["PROGRAM"]).resolve(), "test", "--driver=tar", "--output=json"),
                *(f"--image={archive}", f"--config={_ITEMS.resolve()}"),
            ],
            capture_output=True,
            check=False,
            env={"HOME": str(folder), "TMPDIR": str(folder)},
            text=True,
        )
        report = json.loads(done.stdout)
        failed = {
            result["Name"].partition(": ")[2] or result["Name"]: result["Errors"]
            for result in report["Results"]
            if not result["Pass"]
        }
        assert report["Total"] == len(EXISTENCE) + len(CONTENT) + 1
        assert bool(done.returncode) == bool(failed)
        return failed

    def _save(self, path: Path) -> None:
        """Writes it as a docker-archive."""
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            for name, (mode, content) in self.files.items():
                _add(tar, name, content, mode)
        digest = f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"
        config = self.config | {"rootfs": {"type": "layers", "diff_ids": [digest]}, "history": []}
        with tarfile.open(path, mode="w") as archive:
            _add(archive, "config.json", json.dumps(config).encode())
            _add(archive, "layer.tar", layer.getvalue())
            manifest = [{"Config": "config.json", "RepoTags": ["x:1"], "Layers": ["layer.tar"]}]
            _add(archive, "manifest.json", json.dumps(manifest).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.mode, member.size = mode, len(content)
    tar.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def real(image: Layout) -> Small:
    modes = {member.name: member.mode for member in image.members()}
    paths = {item["path"].removeprefix("/") for item in EXISTENCE + CONTENT} & modes.keys()
    files = {path: (modes[path], image.read(path)) for path in paths}
    return Small(files, image.config)


@pytest.fixture
def small(real: Small) -> Small:
    """One for the test to break."""
    return copy.deepcopy(real)


def _path(item: Json) -> str:
    return str(item["path"]).removeprefix("/")


def _named(items: list[Json]) -> list[Any]:
    return [pytest.param(item, id=item["name"].replace(" ", "-")) for item in items]


def test_a_good_image_passes(small: Small, tmp_path: Path) -> None:
    assert small.failures(tmp_path) == {}


@pytest.mark.parametrize("item", _named([each for each in EXISTENCE if each["shouldExist"]]))
def test_a_file_with_another_mode(item: Json, small: Small, tmp_path: Path) -> None:
    small.files[_path(item)] = (0o600, small.files[_path(item)][1])
    assert small.failures(tmp_path).keys() == {item["name"]}


@pytest.mark.parametrize("item", _named([each for each in EXISTENCE if each["shouldExist"]]))
def test_a_missing_file(item: Json, small: Small, tmp_path: Path) -> None:
    """What should be in the file isn't there either."""
    del small.files[_path(item)]
    expected = {each["name"] for each in EXISTENCE + CONTENT if each["path"] == item["path"]}
    assert small.failures(tmp_path).keys() == expected


@pytest.mark.parametrize("item", _named([each for each in EXISTENCE if not each["shouldExist"]]))
def test_a_file_too_many(item: Json, small: Small, tmp_path: Path) -> None:
    small.files[_path(item)] = (0o644, b"")
    assert small.failures(tmp_path).keys() == {item["name"]}


@pytest.mark.parametrize("item", _named(CONTENT))
def test_other_content(item: Json, small: Small, tmp_path: Path) -> None:
    small.files[_path(item)] = (small.files[_path(item)][0], b"something else\n")
    assert small.failures(tmp_path).keys() == {item["name"]}


def _break_labels(key: str) -> Callable[[Json], None]:
    return lambda config: config["Labels"].pop(key)


METADATA_BREAKS: dict[str, Callable[[Json], None]] = {
    "entrypoint": lambda config: config.update(Entrypoint=["python"]),
    "cmd": lambda config: config["Cmd"].append("--reload"),
    "exposedPorts": lambda config: config.update(ExposedPorts={"8001/tcp": {}}),
    "workdir": lambda config: config.update(WorkingDir="/"),
    "user": lambda config: config.update(User="0:0"),
    "labels": lambda config: config.update(Labels={}),
} | {f"label {each['key']}": _break_labels(each["key"]) for each in METADATA["labels"]}


@pytest.mark.parametrize("name", METADATA_BREAKS)
def test_other_metadata(name: str, small: Small, tmp_path: Path) -> None:
    METADATA_BREAKS[name](small.config["config"])
    failed = small.failures(tmp_path)
    assert failed.keys() == {"Metadata Test"}
    assert len(failed["Metadata Test"]) == (len(METADATA["labels"]) if name == "labels" else 1)


def test_every_part_of_the_metadata_is_broken_once() -> None:
    assert {name for name in METADATA_BREAKS if not name.startswith("label ")} == METADATA.keys()
