"""The images of matrix.bzl are, byte for byte, those that the real rules_oci makes of it."""

import json
import os
import pathlib

import pytest

from tests.registry import layouts

NAMES = os.environ["IMAGES"].split(",")
# Published: rules_oci's own test of an image with nothing in it.
PUBLISHED = "sha256:814539791f475a9d74eb21fd6149849d8b5b4bb1f222185c835581ce59bc7e0a"


@pytest.fixture(params=NAMES)
def layout(request: pytest.FixtureRequest) -> pathlib.Path:
    """Layout of one image or index of the matrix."""
    return layouts.FOLDER / str(request.param)


def test_golden(layout: pathlib.Path) -> None:
    golden = (layouts.GOLDENS / f"{layout.name}.json").read_text(encoding="utf-8")
    assert layouts.render(layouts.listing(layout)) == golden


def test_no_golden_is_left_over() -> None:
    assert sorted(path.stem for path in layouts.GOLDENS.iterdir()) == sorted(NAMES)


def test_published_digest() -> None:
    assert layouts.top(layouts.FOLDER / "empty")["digest"] == PUBLISHED


def test_digest_target(layout: pathlib.Path) -> None:
    text = (layouts.FOLDER / f"{layout.name}.json.sha256").read_text()
    assert text == layouts.top(layout)["digest"] + "\n"


def test_index_json(layout: pathlib.Path) -> None:
    """index.json names the manifest with its size, and nothing of what the base's index said."""
    descriptor = layouts.top(layout)
    assert descriptor.keys() == {"mediaType", "digest", "size"}
    assert descriptor["size"] == layouts.blob(layout, descriptor["digest"]).stat().st_size
    assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}


def test_every_blob_is_there(layout: pathlib.Path) -> None:
    for manifest in layouts.images(layout):
        for descriptor in [manifest["config"], *manifest["layers"]]:
            path = layouts.blob(layout, descriptor["digest"])
            assert path.stat().st_size == descriptor["size"]


def test_no_blob_is_left_over(layout: pathlib.Path) -> None:
    wanted = {layouts.top(layout)["digest"]}
    wanted |= {
        entry["digest"] for entry in layouts.listing(layout)["manifest"].get("manifests", [])
    }
    for manifest in layouts.images(layout):
        wanted |= {descriptor["digest"] for descriptor in [manifest["config"], *manifest["layers"]]}
    found = {f"sha256:{path.name}" for path in (layout / "blobs" / "sha256").iterdir()}
    assert found == wanted


@pytest.mark.parametrize("name", ["everything", "base_only", "annotations_merge"])
def test_layers_are_links(name: str) -> None:
    """A layer is not copied into the image, nor into an image that is built on it."""
    layout = layouts.FOLDER / name
    layer = layouts.listing(layout)["manifest"]["layers"][0]["digest"]
    assert layouts.blob(layout, layer).samefile(layouts.FOLDER / "layers" / "gzip.tgz")
