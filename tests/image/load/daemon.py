"""A daemon that speaks as much of Docker's API as the loader uses, and keeps what it was told."""

import contextlib
import http.server
import io
import json
import os
import socketserver
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from typing import Any


class Daemon:
    """What it has, what it answers, and what it was sent."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.architecture = "amd64"
        self.images: dict[str, list[str]] = {}  # id → diff ids
        self.error = ""
        self.fail_partial = False
        self.containerd = False  # whether its image store is containerd's
        self.whole = True  # whether it has all blobs of its images there
        self.archives: list[dict[str, bytes]] = []
        self.tagged: list[str] = []

    def get(self, path: str) -> Any:
        if path == "/info":
            status = ["Backing Filesystem", "extfs"]
            if self.containerd:
                status = ["driver-type", "io.containerd.snapshotter.v1"]
            return {"Architecture": self.architecture, "DriverStatus": [status]}
        if path == "/images/json":
            return [{"Id": identifier, "RepoTags": None} for identifier in self.images]
        identifier = path.removeprefix("/images/").removesuffix("/json?manifests=1")
        if identifier in self.images:
            manifests = [{"Available": self.whole}] if self.containerd else None
            return {"RootFS": {"Layers": self.images[identifier]}, "Manifests": manifests}
        return None

    def load(self, data: bytes) -> dict[str, str]:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            files = {entry.name: file.read() for entry in tar if (file := tar.extractfile(entry))}
        self.archives.append(files)
        if self.error:
            return {"error": self.error}
        if self.fail_partial and b"" in files.values():
            return {"error": "layers from manifest don't match image configuration"}
        if self.fail_partial and self.containerd:
            self.fail_partial = False
            return {"stream": "Error unpacking image app:latest: content digest not found"}
        return {"stream": "Loaded image"}


@contextlib.contextmanager
def serving(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon on a socket of its own."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = daemon.get(self.path)
            if found is None:
                self._answer(404, {"message": "no such image"})
            else:
                self._answer(200, found)

        def do_POST(self) -> None:
            data = b""
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            if self.path.startswith("/images/load"):
                self._answer(200, daemon.load(data))
            else:
                daemon.tagged.append(self.path)
                self._answer(201, {})

        def _answer(self, status: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def address_string(self) -> str:
            return "socket"

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    # A socket's path has 108 bytes at most.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = os.path.join(folder, "docker.sock")  # noqa: PTH118
        with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            daemon.endpoint = f"unix://{path}"
            yield daemon
            server.shutdown()
