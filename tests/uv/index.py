"""A package index on the loopback interface (PEP 503), and the wheels that it serves.

Besides, `/links` is one page of links to all of them, without hashes.
"""

import hashlib
import html
import http.server
import os
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes | str] | None = None,
    *,
    tag: str = "py3-none-any",
    metadata: str = "",
    requires: tuple[str, ...] = (),
    modes: Mapping[str, int] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """Write a wheel with these entries (archive path → content) besides its own metadata.

    A path may be anything, also one that no good wheel has: nothing is checked. `modes` are those
    of stat(2), with the kind of file.
    """
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    header = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}"
    header += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    entries: dict[str, bytes | str] = {
        **(files if files is not None else {f"{stem}.py": f"version = {version!r}\n"}),
        f"{info}/METADATA": header,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        f"Tag: {tag}\n",
    }
    record = entries.pop(f"{info}/RECORD", None) or "".join(
        f"{_quoted(path)},,\n" for path in [*entries, f"{info}/RECORD"]
    )
    wheel = folder / f"{stem}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {**entries, f"{info}/RECORD": record}.items():
            entry = zipfile.ZipInfo(path)
            entry.compress_type = compression
            # Where Unix keeps the mode (APPNOTE.TXT 4.4.15 leaves that to the system).
            entry.external_attr = (modes or {}).get(path, 0) << 16
            archive.writestr(entry, content)
    return wheel


def _quoted(path: str) -> str:
    return f'"{path}"' if "," in path else path


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Index:
    """A running index: its folder, its URL, and how it is to fail.

    `status` is answered instead of anything good; `damage` is done to every file on its way; every
    answer waits until `pause` (seconds) is over, or is set to 0.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.status = 200
        self.pause = 0.0
        self.damage: Callable[[bytes], bytes] = bytes
        self.requests: list[str] = []

    def environ(self, folder: Path) -> dict[str, str]:
        """Variables for a uv that asks this index once and keeps what it has in `folder`."""
        return {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "UV_CACHE_DIR": str(folder / "cache"),
            "UV_DEFAULT_INDEX": self.url,
            "UV_HTTP_RETRIES": "0",
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    index: Index

    def do_GET(self) -> None:
        self.index.requests.append(self.path)
        began = time.monotonic()
        while time.monotonic() - began < self.index.pause:
            time.sleep(0.02)
        folder = self.index.folder
        parts = [urllib.parse.unquote(part) for part in self.path.strip("/").split("/")]
        if self.index.status != 200:
            self._answer("text/plain", None, self.index.status)
        elif len(parts) == 2 and parts[0] == "simple":
            files = [file for file in sorted(folder.iterdir()) if _project(file) == parts[1]]
            links = [f'<a href="{_link(file)}">{html.escape(file.name)}</a>' for file in files]
            self._answer("text/html", "\n".join(["<!DOCTYPE html>", *links]) if links else None)
        elif parts == ["links"]:
            links = [_link(file).partition("#")[0] for file in sorted(folder.iterdir())]
            self._answer("text/html", "\n".join(f'<a href="{link}">x</a>' for link in links))
        elif len(parts) == 2 and parts[0] == "files" and (folder / parts[1]).is_file():
            self._answer("application/octet-stream", (folder / parts[1]).read_bytes())
        else:
            self._answer("text/plain", None)

    def _answer(self, kind: str, body: bytes | str | None, missing: int = 404) -> None:
        content = body.encode() if isinstance(body, str) else body or b"not found"
        self.send_response(missing if body is None else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            is_file = body is not None and kind == "application/octet-stream"
            self.wfile.write(self.index.damage(content) if is_file else content)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


def _link(file: Path) -> str:
    return f"/files/{urllib.parse.quote(file.name)}#sha256={sha256(file)}"


def _project(file: Path) -> str:
    return file.name.split("-")[0].replace("_", "-").lower()


@contextmanager
def serve(folder: Path) -> Iterator[Index]:
    """Serve the folder's wheels and source distributions, also those that come later."""
    index = Index(folder)
    handler = type("Handler", (_Handler,), {"index": index})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
