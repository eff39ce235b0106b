"""Image archives as engines read them, with only some of the blobs in them."""

import io
import json
import tarfile
from collections.abc import Collection, Sequence
from typing import BinaryIO

from .layout import Blob, Image


def write_docker(image: Image, names: Sequence[str], known_layers: int, output: BinaryIO) -> None:
    """Docker's own format, for `docker load`; one empty file stands for the `known_layers` lowest.

    Docker looks a layer up by the chain of diff ids up to it before it opens the layer's file
    (moby's image/tarexport/load.go), so what the daemon has needs no bytes.
    """
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add_blob(tar, "config.json", image.config)
        files = ["known.tar"] * known_layers
        if known_layers:
            _add(tar, "known.tar", b"")
        for layer in image.layers[known_layers:]:
            files.append(f"{len(files)}.tar")
            _add_blob(tar, files[-1], layer)
        document = [{"Config": "config.json", "RepoTags": list(names), "Layers": files}]
        _add(tar, "manifest.json", json.dumps(document).encode())


def write_oci(image: Image, names: Sequence[str], known: Collection[str], output: BinaryIO) -> None:
    """An OCI layout without the blobs that are `known` by digest: containerd has those already."""
    descriptors = [
        {
            "mediaType": image.manifest.media_type,
            "digest": image.manifest.digest,
            "size": image.manifest.size,
            "annotations": {"io.containerd.image.name": name},
        }
        for name in names
    ]
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        for blob in dict.fromkeys(image.blobs):
            if blob.digest not in known:
                _add_blob(tar, "blobs/" + blob.digest.replace(":", "/", 1), blob)
        _add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": descriptors}).encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _add_blob(tar: tarfile.TarFile, name: str, blob: Blob) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = blob.size
    with blob.path.open("rb") as file:
        tar.addfile(entry, file)
