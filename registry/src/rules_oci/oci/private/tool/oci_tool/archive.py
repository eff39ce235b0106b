"""Write an image as one tar: a docker-archive, or an OCI archive of an image index."""

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, TypedDict

from oci_tool import layout

# What rules_oci writes, 2023-01-01T08:00:00Z; it is part of the bytes.
_MTIME = 1672560000
_MODE = 0o755
_REF_NAME = "org.opencontainers.image.ref.name"


class Spec(TypedDict):
    """What goes into the tar; all but the format are paths."""

    image: str  # OCI layout
    repo_tags: str  # file of names with tags, separated by white space
    format: str  # "docker" or "oci"


def _blob(layout_dir: str, digest: str, suffix: str = "") -> tuple[str, str]:
    """Name in the tar and path of a blob."""
    name = "blobs/" + digest.replace(":", "/", 1)
    return name + suffix, os.path.join(layout_dir, name)


def _docker_members(
    image: str, manifest: layout.Json, tags: list[str]
) -> Iterator[tuple[str, str | bytes]]:
    config = _blob(image, manifest["config"]["digest"])
    # The suffix says nothing of the compression: `docker load` looks at the bytes.
    layers = [_blob(image, layer["digest"], ".tar.gz") for layer in manifest["layers"]]
    yield config
    yield from layers
    names = [name for name, _ in layers]
    entry = {"Config": config[0], "RepoTags": tags, "Layers": names}
    yield "manifest.json", layout.dump([entry]) + b"\n"


def _oci_members(
    image: str, descriptor: layout.Json, index: layout.Json, tags: list[str]
) -> Iterator[tuple[str, str | bytes]]:
    yield "oci-layout", os.path.join(image, "oci-layout")
    yield _blob(image, descriptor["digest"])
    for entry in index["manifests"]:
        yield _blob(image, entry["digest"])
        manifest = layout.read_json(layout.blob_path(image, entry["digest"]))
        yield _blob(image, manifest["config"]["digest"])
        for layer in manifest["layers"]:
            yield _blob(image, layer["digest"])
    top = layout.read_json(os.path.join(image, "index.json"))
    top["manifests"] = [descriptor | {"annotations": {_REF_NAME: tag}} for tag in tags]
    yield "index.json", layout.dump(top) + b"\n"


def members(spec: Spec) -> Iterator[tuple[str, str | bytes]]:
    """Members of the tar in order: the name, and a path or the contents."""
    image = spec["image"]
    tags = layout.read_text(spec["repo_tags"]).split()
    descriptor = layout.top_descriptor(image)
    document = layout.read_json(layout.blob_path(image, descriptor["digest"]))
    media_type = layout.top_type(image, descriptor)
    if spec["format"] == "docker":
        if media_type not in layout.MANIFEST_TYPES:
            raise ValueError(
                f"format docker is for the image of one platform, this is {media_type}"
            )
        return _docker_members(image, document, tags)
    if spec["format"] == "oci":
        if media_type not in layout.INDEX_TYPES:
            raise ValueError(f"format oci is for an oci_image_index, this is {media_type}")
        return _oci_members(image, descriptor, document, tags)
    raise ValueError(f"unknown format {spec['format']!r}: docker or oci")


def header(name: str, size: int) -> bytes:
    """Header of a regular file, in the form that libarchive gives it, for rules_oci's bytes.

    What differs from tarfile's: a number that leaves room for it ends with a space.
    """
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = _MODE
    entry.mtime = _MTIME
    data = bytearray(entry.tobuf(tarfile.PAX_FORMAT))
    # Before it there may be the extended header of a long name or a size of 8 GiB and more.
    block = memoryview(data)[-tarfile.BLOCKSIZE :]
    for start, number in ((100, _MODE), (108, 0), (116, 0), (329, 0), (337, 0)):
        block[start : start + 8] = b"%06o \0" % number
    if size < 1 << 33:
        block[124:136] = b"%011o " % size
    block[136:148] = b"%011o " % _MTIME
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(data)


def write(spec: Spec, output: BinaryIO) -> None:
    """Write the tar to a stream, which need not be seekable."""
    written = set()
    for name, content in members(spec):
        if name in written:  # A layer that the image has twice.
            continue
        written.add(name)
        size = len(content) if isinstance(content, bytes) else os.stat(content).st_size
        output.write(header(name, size))
        if isinstance(content, bytes):
            output.write(content)
        else:
            with open(content, "rb") as file:
                shutil.copyfileobj(file, output)
        output.write(bytes(-size % tarfile.BLOCKSIZE))
    output.write(bytes(2 * tarfile.BLOCKSIZE))


def main(arguments: list[str]) -> None:
    """`archive SPEC OUTPUT`: SPEC is the JSON of `Spec`."""
    text, output = arguments
    spec: Spec = json.loads(text)
    with open(output, "wb") as file:
        write(spec, file)
