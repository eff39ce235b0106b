"""OCI image layouts: reading, writing, digests, and JSON in the form that gives rules_oci's bytes.

Follows the OCI image specification 1.1, "Image Layout". A layout is named by its directory, a blob
by its digest ("sha256:<hex>").
"""

import json
import os
from hashlib import sha256
from typing import Any

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"

INDEX_TYPES = (INDEX_TYPE, DOCKER_LIST_TYPE)
MANIFEST_TYPES = (MANIFEST_TYPE, DOCKER_MANIFEST_TYPE)

# One JSON document; its members are checked where they are used.
Json = dict[str, Any]


def dump(document: object) -> bytes:
    """Print JSON as jq 1.7 does, which made the digests we have to match; no trailing newline."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # The one character that jq escapes and Python does not.
    return text.replace("\x7f", "\\u007f").encode()


def digest_of(data: bytes) -> str:
    """Digest of a blob held in memory."""
    return "sha256:" + sha256(data).hexdigest()


def blob_path(layout: str, digest: str) -> str:
    """Path of a blob in a layout; the algorithm is a folder."""
    return os.path.join(layout, "blobs", digest.replace(":", "/", 1))


def read(path: str) -> bytes:
    """Contents of a file."""
    with open(path, "rb") as file:
        return file.read()


def read_text(path: str) -> str:
    """Text of a file; bytes that are not UTF-8 become U+FFFD, as jq makes them."""
    return read(path).decode("utf-8", "replace")


def read_json(path: str) -> Json:
    """The JSON object in a file; ValueError names the file when it holds something else."""
    try:
        document = json.loads(read(path))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path} holds no JSON object")
    return document


def write(path: str, data: bytes) -> None:
    """Write a file, making its folder."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def put_blob(layout: str, data: bytes) -> str:
    """Write a blob into a layout and return its digest."""
    digest = digest_of(data)
    write(blob_path(layout, digest), data)
    return digest


def top_descriptor(layout: str) -> Json:
    """The one descriptor in a layout's index.json; ValueError when there is not exactly one."""
    manifests = read_json(os.path.join(layout, "index.json")).get("manifests") or []
    if len(manifests) != 1:
        raise ValueError(f"{layout}/index.json should name one manifest, it names {len(manifests)}")
    descriptor: Json = manifests[0]
    return descriptor


def top_type(layout: str, descriptor: Json) -> str:
    """Media type of what index.json names; its own word comes before the descriptor's."""
    document = read_json(blob_path(layout, descriptor["digest"]))
    return str(document.get("mediaType") or descriptor.get("mediaType") or "")


def read_pairs(path: str) -> dict[str, str]:
    """Annotations or labels from a file of `key=value` lines; empty lines are skipped."""
    pairs = {}
    for line in read_text(path).split("\n"):
        if line:
            key, _, value = line.partition("=")
            pairs[key] = value
    return pairs


def write_index(layout: str, descriptor: Json) -> None:
    """Write the layout's index.json, naming one manifest."""
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [descriptor]}
    write(os.path.join(layout, "index.json"), dump(index) + b"\n")


def link_blob(target: str, path: str) -> None:
    """Make a file of a layout a relative link: what Bazel has already is not written twice."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)
