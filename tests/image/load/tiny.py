"""A small image layout, and programs that take an engine's place on PATH."""

import hashlib
import json
from pathlib import Path
from typing import Any

from load import layout


def image(
    folder: Path, layers: tuple[bytes, ...] = (b"one", b"two"), cpu: str = "amd64"
) -> layout.Image:
    """Its layers are no tarballs: the loader never looks into one."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    diff_ids = [f"sha256:{hashlib.sha256(b'unpacked ' + layer).hexdigest()}" for layer in layers]
    config = {
        "os": "linux",
        "architecture": cpu,
        "config": {"ExposedPorts": {"8000/tcp": {}}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    manifest = {
        "config": put(json.dumps(config).encode()),
        "layers": [put(layer) for layer in layers],
    }
    index = {"manifests": [put(json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    return layout.read(folder)


def program(folder: Path, name: str, text: str) -> None:
    """A shell script on PATH."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
