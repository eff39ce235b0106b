"""Reading OCI image layouts, independently of the tool that writes them."""

import hashlib
import json
import pathlib
from typing import Any

Json = dict[str, Any]

FOLDER = pathlib.Path("tests/registry")
GOLDENS = FOLDER / "goldens"


def blob(layout: pathlib.Path, digest: str) -> pathlib.Path:
    """Path of a blob; AssertionError when its contents have another digest."""
    path = layout / "blobs" / digest.replace(":", "/", 1)
    assert f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" == digest, path
    return path


def top(layout: pathlib.Path) -> Json:
    """The one descriptor in index.json."""
    (descriptor,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    return dict(descriptor)


def listing(layout: pathlib.Path) -> Json:
    """What a golden says of an image or an index: the digest, and what it stands for."""
    digest = top(layout)["digest"]
    manifest = json.loads(blob(layout, digest).read_bytes())
    result = {"digest": digest, "manifest": manifest}
    if "config" in manifest:
        result["config"] = json.loads(blob(layout, manifest["config"]["digest"]).read_bytes())
    return result


def images(layout: pathlib.Path) -> list[Json]:
    """Manifests of the images in a layout: the one, or those of its index."""
    manifest = listing(layout)["manifest"]
    if "manifests" not in manifest:
        return [manifest]
    return [json.loads(blob(layout, e["digest"]).read_bytes()) for e in manifest["manifests"]]


def render(document: Json) -> str:
    """Text of a golden."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
