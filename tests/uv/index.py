"""A package index on the loopback interface (PEP 503), and the wheels that it serves."""

import hashlib
import http.server
import threading
import urllib.parse
import zipfile
from collections.abc import Iterator, Mapping
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
) -> Path:
    """Write a wheel with these entries (archive path → content) besides its own metadata.

    A path may be anything, also one that no good wheel has: nothing is checked.
    """
    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    header = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}"
    header += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    entries: dict[str, bytes | str] = {
        **(files if files is not None else {f"{stem}.py": f"version = {version!r}\n"}),
        f"{info}/METADATA": header,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{_quoted(path)},,\n" for path in [*entries, f"{info}/RECORD"])
    wheel = folder / f"{stem}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {**entries, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return wheel


def _quoted(path: str) -> str:
    return f'"{path}"' if "," in path else path


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        parts = [urllib.parse.unquote(part) for part in self.path.strip("/").split("/")]
        if len(parts) == 2 and parts[0] == "simple":
            files = [f for f in sorted(self.folder.iterdir()) if _project(f.name) == parts[1]]
            links = [f'<a href="/files/{urllib.parse.quote(f.name)}#sha256={sha256(f)}">{f.name}</a>' for f in files]
            self._answer("text/html", "<!DOCTYPE html>\n" + "\n".join(links) if links else None)
        elif len(parts) == 2 and parts[0] == "files" and (self.folder / parts[1]).is_file():
            self._answer("application/octet-stream", (self.folder / parts[1]).read_bytes())
        else:
            self._answer("text/plain", None)

    def _answer(self, kind: str, body: bytes | str | None) -> None:
        content = body.encode() if isinstance(body, str) else body or b"not found"
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _project(file_name: str) -> str:
    return file_name.split("-")[0].replace("_", "-").lower()


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve the folder's wheels and source distributions; gives the index's URL."""
    handler = type("Handler", (_Handler,), {"folder": folder})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        finally:
            server.shutdown()
            thread.join()
