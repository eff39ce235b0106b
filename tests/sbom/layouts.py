"""Small OCI layouts for tests."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

Files = Mapping[str, bytes | str | None]


def layer(files: Files) -> bytes:
    """A plain tarball: bytes are a file's content, a string a link's target, None links to `a`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
            elif content is None:
                member.type, member.linkname = tarfile.LNKTYPE, "a"
            else:
                member.type, member.linkname = tarfile.SYMTYPE, content
            tar.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


def layout(
    folder: Path, layers: Sequence[Files | bytes], labels: Mapping[str, str] | None = None
) -> Path:
    """Writes the layout of one image."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def add(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": "x/x", "digest": f"sha256:{digest}", "size": len(content)}

    tars = [one if isinstance(one, bytes) else layer(one) for one in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": dict(labels or {})},
        "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]},
    }
    manifest = {
        "config": add(json.dumps(config).encode()),
        "layers": [
            add(one if isinstance(one, bytes) else gzip.compress(tar, mtime=0))
            for one, tar in zip(layers, tars, strict=True)
        ],
    }
    index = {"manifests": [add(json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder
