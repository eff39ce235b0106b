"""Reads the one image of an OCI image layout (OCI image specification 1.1, image-layout)."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from .errors import LoadError


class Blob(NamedTuple):
    """A file of the layout."""

    digest: str  # sha256:…
    size: int  # bytes
    media_type: str
    path: Path


class Image(NamedTuple):
    """An image of one platform."""

    layout: Path
    manifest: Blob
    config: Blob
    layers: list[Blob]
    diff_ids: list[str]  # of the layers, uncompressed
    platform: str  # linux/amd64

    @property
    def size(self) -> int:
        """Bytes of all its blobs, compressed as they are."""
        return sum(blob.size for blob in self.blobs)

    @property
    def blobs(self) -> list[Blob]:
        return [self.manifest, self.config, *self.layers]

    @property
    def settings(self) -> dict[str, Any]:
        """The `config` object of the image's configuration: User, Env, ExposedPorts, …"""
        settings: dict[str, Any] = json.loads(self.config.path.read_bytes()).get("config", {})
        return settings


def digest(layout: Path) -> str:
    """Digest of the layout's one manifest or index."""
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    found: str = entry["digest"]
    return found


def read(layout: Path) -> Image:
    """Reads the layout's only image.

    Raises:
        LoadError: it is not a layout, or holds an index of several platforms.
    """

    def blob(descriptor: dict[str, Any]) -> Blob:
        digest = descriptor["digest"]
        path = layout / "blobs" / digest.replace(":", "/", 1)
        return Blob(digest, descriptor["size"], descriptor.get("mediaType", ""), path)

    try:
        (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
        manifest = blob(entry)
        document = json.loads(manifest.path.read_bytes())
        config = blob(document["config"])
        settings = json.loads(config.path.read_bytes())
        platform = f"{settings['os']}/{settings['architecture']}"
        layers = [blob(layer) for layer in document["layers"]]
        return Image(layout, manifest, config, layers, settings["rootfs"]["diff_ids"], platform)
    except (OSError, ValueError, KeyError) as error:
        raise LoadError(
            f"{layout} is not the layout of an image for one platform: {error!r}"
        ) from None
