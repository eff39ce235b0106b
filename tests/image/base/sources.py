"""What the repository rules take bases from: a Debian mirror and OCI layouts of our own."""

import functools
import hashlib
import http.server
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.image.base.layout import Layout


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Mirror:
    """A Debian mirror on loopback, and a lock of what was put there."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.packages: list[dict[str, object]] = []

    def lock(self, name: str, archive: str, path: str, content: bytes) -> Path:
        """Locks a package; returns where the mirror would have its file."""
        self.packages.append(
            {
                "name": name,
                "version": "1.0-1",
                "architecture": "amd64",
                "archive": archive,
                "path": path,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
        file = self.folder / archive / path
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


@contextmanager
def serve(folder: Path) -> Iterator[Mirror]:
    """A mirror that serves this folder, which is made."""
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Mirror(folder, f"http://127.0.0.1:{server.server_port}/debian")
        server.shutdown()


def to_usr_local(layer: tarfile.TarFile) -> bytes:
    """The layer with CPython where a build from source puts it, as python:3.13-slim has it."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz", compresslevel=1) as tar:
        for member in layer.getmembers():
            content = layer.extractfile(member) if member.isreg() else None
            if member.name.startswith("usr/local/"):
                continue
            if member.name.startswith(("usr/bin/python3.13", "usr/lib/python3.13")):
                member.name = member.name.replace("usr/", "usr/local/", 1)
            tar.addfile(member, content)
    return output.getvalue()


def write_layout(folder: Path, layers: list[bytes]) -> None:
    """An OCI layout of gzipped layers, as `oci.pull` leaves it."""
    shutil.rmtree(folder, ignore_errors=True)
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    oci = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": blob(b"{}", f"{oci}.config.v1+json"),
        "layers": [blob(layer, f"{oci}.layer.v1.tar+gzip") for layer in layers],
    }
    index = {"manifests": [blob(json.dumps(manifest).encode(), f"{oci}.manifest.v1+json")]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "BUILD.bazel").write_text('exports_files(["index.json"])\n')
    (folder / "REPO.bazel").touch()


def gzipped(layout: Layout) -> list[bytes]:
    return [layout.blob(layer["digest"]) for layer in layout.manifest["layers"]]
