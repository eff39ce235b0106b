"""Assemble an image index from images: one manifest list, and a copy of every blob."""

import json
import os
import shutil
from typing import NotRequired, TypedDict

from oci_tool import layout

# OCI image specification, "Image Index Property Descriptions", in this order.
_PLATFORM_KEYS = ("os", "architecture", "variant", "os.version", "os.features")


class Spec(TypedDict):
    """What an index is made of: layouts of images, and where it goes."""

    output: str
    images: list[str]
    annotations: NotRequired[str]  # path of a file of `key=value` lines


def copy_blob(image: str, output: str, digest: str) -> None:
    """Copy a blob, unless an image before this one brought it."""
    target = layout.blob_path(output, digest)
    if os.path.exists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(layout.blob_path(image, digest), target)


def entry_of(image: str, output: str) -> layout.Json:
    """Copy an image's blobs and return its descriptor with the platform of its configuration."""
    descriptor = layout.top_descriptor(image)
    manifest = layout.read_json(layout.blob_path(image, descriptor["digest"]))
    if "config" not in manifest:
        raise ValueError(
            f"{image} is no image but {manifest.get('mediaType')}: an index holds images"
        )
    config = layout.read_json(layout.blob_path(image, manifest["config"]["digest"]))
    for blob in [descriptor, manifest["config"], *(manifest.get("layers") or [])]:
        copy_blob(image, output, blob["digest"])
    platform = {key: config[key] for key in _PLATFORM_KEYS if config.get(key) is not None}
    return descriptor | {"platform": platform}


def build(spec: Spec) -> None:
    """Write the index's layout to `spec["output"]`."""
    output = spec["output"]
    index: layout.Json = {
        "schemaVersion": 2,
        "mediaType": layout.INDEX_TYPE,
        "manifests": [entry_of(image, output) for image in spec["images"]],
    }
    if annotations := spec.get("annotations"):
        index["annotations"] = layout.read_pairs(annotations)
    data = layout.dump(index) + b"\n"
    layout.write(os.path.join(output, "oci-layout"), b'{"imageLayoutVersion": "1.0.0"}\n')
    digest = layout.put_blob(output, data)
    layout.write_index(
        output, {"mediaType": layout.INDEX_TYPE, "size": len(data), "digest": digest}
    )


def main(arguments: list[str]) -> None:
    """`index SPEC`: SPEC is the JSON of `Spec`."""
    (text,) = arguments
    spec: Spec = json.loads(text)
    build(spec)
