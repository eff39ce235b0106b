"""Loading moves what the engine lacks, and nothing else."""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from load import layout, names
from load.engine import Engine
from load.errors import LoadError

from tests.runtime.conftest import Maker
from tests.runtime.engines import system


def _edited(image: layout.Image, folder: Path, line: bytes) -> layout.Image:
    """The image after a one-line edit of the application."""
    folder.mkdir()
    (folder / "blobs" / "sha256").mkdir(parents=True)
    for blob in image.blobs:
        (folder / "blobs" / "sha256" / blob.path.name).symlink_to(blob.path.resolve())

    def put(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    raw = io.BytesIO()
    with (
        tarfile.open(image.layers[-1].path) as old,
        tarfile.open(fileobj=raw, mode="w") as new,
    ):
        for entry in old:
            data = old.extractfile(entry)
            if data and entry.name.endswith("app/main.py"):
                text = data.read() + line
                entry.size = len(text)
                new.addfile(entry, io.BytesIO(text))
            else:
                new.addfile(entry, data)
    config = json.loads(image.config.path.read_bytes())
    config["rootfs"]["diff_ids"][-1] = f"sha256:{hashlib.sha256(raw.getvalue()).hexdigest()}"
    manifest = json.loads(image.manifest.path.read_bytes())
    manifest["layers"][-1] |= put(gzip.compress(raw.getvalue(), mtime=0))
    manifest["config"] |= put(json.dumps(config).encode())
    index = json.loads((image.layout / "index.json").read_bytes())
    index["manifests"][0] |= put(json.dumps(manifest).encode())
    (folder / "index.json").write_text(json.dumps(index))
    shutil.copy(image.layout / "oci-layout", folder / "oci-layout")
    return layout.read(folder)


def test_an_edit_moves_the_app_layer_alone(
    engine: Engine, image: layout.Image, tmp_path: Path
) -> None:
    edited = _edited(image, tmp_path / "edited", b"# An edit.\n")
    figures = {}
    for step, each in {"first": image, "again": image, "edited": edited, "back": image}.items():
        start = time.monotonic()
        moved = engine.load(each, ["todo-backend:latest", names.tagged("todo-backend", each)])
        figures[step] = (moved, time.monotonic() - start)
    print()
    for step, (moved, seconds) in figures.items():
        print(f"FIGURE {os.environ['ENGINE']} load {step}: {moved:,} bytes, {seconds:.2f} s")
    assert figures["first"][0] >= sum(layer.size for layer in image.layers)
    assert figures["again"][0] == figures["back"][0] == 0
    assert 0 < figures["edited"][0] <= image.size / 100
    assert figures["edited"][1] < figures["first"][1] / 2


@pytest.fixture
def disk() -> Iterator[Path]:
    """A file system that is too small for the image."""
    folder = Path(tempfile.mkdtemp(prefix="disk-", dir="/tmp"))
    system("mount", "-t", "tmpfs", "-o", "size=60m", "none", str(folder))
    try:
        yield folder
    finally:
        system("umount", "--lazy", str(folder))
        folder.rmdir()


def test_a_full_disk_is_said_and_leaves_nothing_half_there(
    maker: Maker, image: layout.Image, disk: Path
) -> None:
    with maker(disk) as engine:
        with pytest.raises(LoadError, match=r"no space left on device.*; free disk space there"):
            engine.load(image, ["todo-backend:latest"])
        used = int(system("df", "--output=used", "--block-size=1", str(disk)).split()[-1])
        system("mount", "-o", "remount,size=400m", str(disk))
        engine.load(image, ["todo-backend:latest"])
        now = int(system("df", "--output=used", "--block-size=1", str(disk)).split()[-1])
        assert now > used + 60e6
        assert engine.load(image, ["todo-backend:latest"]) == 0
