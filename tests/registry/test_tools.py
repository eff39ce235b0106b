"""Independent tools read the images of matrix.bzl: crane, skopeo and umoci.

A tool that is not there is a failure: a test that nobody ran says nothing.
"""

import json
import os
import pathlib
from collections.abc import Iterator

import pytest

from tests.registry import layouts, local_registry
from tests.registry.local_registry import run

IMAGES = os.environ["IMAGES"].split(",")
INDEXES = os.environ["INDEXES"].split(",")


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """Address of an empty registry."""
    with local_registry.serve() as address:
        yield address


def compressions(layout: pathlib.Path) -> set[str]:
    """Compressions of the layers, by their media types; "tar" for none."""
    types = [layer["mediaType"] for m in layouts.images(layout) for layer in m["layers"]]
    return {media_type.replace("+", ".").rpartition(".")[2] for media_type in types}


@pytest.mark.parametrize("name", IMAGES + INDEXES)
def test_crane_validates_what_it_pushed(name: str, registry: str) -> None:
    layout = layouts.FOLDER / name
    reference = f"{registry}/{name}:test"
    run("crane", "push", layout, reference)
    assert run("crane", "digest", reference).strip() == layouts.top(layout)["digest"]
    # It takes a plain layer for gzip: those are left to skopeo and umoci.
    options = ["--fast"] if "tar" in compressions(layout) else []
    assert "PASS" in run("crane", "validate", *options, "--remote", reference)


@pytest.mark.parametrize("name", IMAGES)
def test_crane_validates_the_tarball(name: str) -> None:
    tarball = layouts.FOLDER / f"load_{name}" / "tarball.tar"
    # It takes all layers of a tar to be compressed like the first one, and not by zstd.
    options = [] if compressions(layouts.FOLDER / name) <= {"gzip"} else ["--fast"]
    assert "PASS" in run("crane", "validate", *options, "--tarball", tarball)


@pytest.mark.parametrize("name", IMAGES)
def test_skopeo_reads_the_image(name: str, tmp_path: pathlib.Path) -> None:
    layout = layouts.FOLDER / name
    config = json.loads(run("skopeo", "inspect", "--raw", "--config", f"oci:{layout}"))
    assert config == layouts.listing(layout)["config"]
    # Copying checks every blob against its digest, and every layer against its diff id.
    run("skopeo", "--insecure-policy", "copy", f"oci:{layout}", f"dir:{tmp_path}/image")


@pytest.mark.parametrize("name", INDEXES)
def test_skopeo_reads_the_index(name: str, tmp_path: pathlib.Path) -> None:
    layout = layouts.FOLDER / name
    index = json.loads(run("skopeo", "inspect", "--raw", f"oci:{layout}"))
    assert index == layouts.listing(layout)["manifest"]
    run("skopeo", "--insecure-policy", "copy", "--all", f"oci:{layout}", f"dir:{tmp_path}/image")


@pytest.mark.parametrize("name", IMAGES)
def test_umoci_unpacks_the_image(name: str, tmp_path: pathlib.Path) -> None:
    layout = layouts.FOLDER / name
    # umoci wants OCI media types and a name in index.json: what `skopeo copy` makes of it.
    named = f"{tmp_path}/named:test"
    run("skopeo", "--insecure-policy", "copy", f"oci:{layout}", f"oci:{named}")
    run("umoci", "unpack", "--rootless", "--image", named, tmp_path / "bundle")
    rootfs = tmp_path / "bundle" / "rootfs"
    layers = layouts.listing(layout)["manifest"]["layers"]
    assert len(list(rootfs.iterdir())) == len({layer["digest"] for layer in layers})
