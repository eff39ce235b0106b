"""An image in a registry on loopback, read back by skopeo."""

import gzip
import json
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from harness.measure import run


class Image:
    """Its layers and their sizes."""

    def __init__(self, reference: str) -> None:
        """Copy the image into a temporary OCI layout; `reference` is ``host:port/name:tag``."""
        self._folder = tempfile.TemporaryDirectory()
        layout = Path(self._folder.name)
        run(
            [
                "skopeo",
                "copy",
                "--quiet",
                "--src-tls-verify=false",
                f"docker://{reference}",
                f"oci:{layout}:it",
            ]
        )
        self._blobs = layout / "blobs" / "sha256"
        index = json.loads((layout / "index.json").read_text())
        manifest = json.loads(self._blob(index["manifests"][0]["digest"]).read_text())
        self.layers: dict[str, int] = {
            layer["digest"]: layer["size"] for layer in manifest["layers"]
        }
        self._order: list[dict[str, Any]] = manifest["layers"]

    def _blob(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    @property
    def compressed(self) -> int:
        """Bytes of all layers as they travel."""
        return sum(self.layers.values())

    @property
    def unpacked(self) -> int:
        """Bytes of all files of the finished file system (hidden and removed ones left out)."""
        sizes: dict[str, int] = {}
        for layer in self._order:
            with (
                gzip.open(self._blob(layer["digest"])) as stream,
                tarfile.open(fileobj=stream, mode="r|") as tar,
            ):
                for member in tar:
                    name = os.path.normpath(member.name)
                    folder, base = os.path.split(name)
                    if base.startswith(".wh."):
                        gone = (
                            f"{folder}/{base[4:]}".lstrip("/") if base != ".wh..wh..opq" else folder
                        )
                        sizes = {
                            k: v
                            for k, v in sizes.items()
                            if k != gone and not k.startswith(f"{gone}/")
                        }
                    else:
                        sizes[name] = member.size if member.isreg() else 0
        return sum(sizes.values())

    def new_bytes(self, older: "Image") -> int:
        """Compressed bytes of the layers that the older image lacks."""
        return sum(size for digest, size in self.layers.items() if digest not in older.layers)
