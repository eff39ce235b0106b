"""An index as companies have them: it asks for a login, moves files, and writes its pages oddly."""

import base64
import html
import http.server
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.uv.index import sha256


class ShopIndex:
    """A running index.

    `login` is "user:password", or "" for everybody. `page` writes a page of (file name, address,
    sha256). `moved` maps a path to where it redirects. `answers` maps a path's beginning to a
    status, `damages` to what is done to a file on its way, after its length was said.
    `requests` holds (path, Authorization or "").
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origin = ""
        self.reset()

    def reset(self) -> None:
        """Be as at first, at the same address and with the same files."""
        self.login = ""
        self.page: Callable[[list[tuple[str, str, str]]], tuple[str, str]] = plain
        self.moved: dict[str, str] = {}
        self.answers: dict[str, int] = {}
        self.damages: dict[str, Callable[[bytes], bytes]] = {}
        self.requests: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """The index's address."""
        return f"{self.origin}/simple"

    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [path for path, _ in self.requests]

    def with_login(self, login: str = "") -> str:
        """The index's address with credentials in it."""
        user, _, password = (login or self.login).partition(":")
        quoted = f"{urllib.parse.quote(user, '')}:{urllib.parse.quote(password, '')}"
        return self.url.replace("://", f"://{quoted}@")


def plain(files: list[tuple[str, str, str]]) -> tuple[str, str]:
    """A page as PyPI writes it."""
    links = [
        f'<a href="{html.escape(url)}#sha256={digest}">{name}</a>' for name, url, digest in files
    ]
    return "text/html", "<!DOCTYPE html>\n" + "<br/>\n".join(links)


def shouting(files: list[tuple[str, str, str]]) -> tuple[str, str]:
    """HTML that is valid and looks like nobody's."""
    links = [
        f"<A\n  CLASS=x DATA-REQUIRES-PYTHON='>=3.8'\n data-yanked\n HREF = '{url}'\n>{name}</A>"
        for name, url, _ in files
    ]
    return (
        "text/html; charset=UTF-8",
        f"<HTML><BODY><abbr href='/no'>{''.join(links)}</BODY></HTML>",
    )


def relative(files: list[tuple[str, str, str]]) -> tuple[str, str]:
    """Links that count from <base>."""
    links = [
        f'<a href="./../files/{url.rpartition("/")[2]}?x=1&amp;y=2">x</a>' for _, url, _ in files
    ]
    return "application/vnd.pypi.simple.v1+html", '<base href="/base/">' + "".join(links)


def as_json(files: list[tuple[str, str, str]]) -> tuple[str, str]:
    """A PEP 691 document."""
    return "application/vnd.pypi.simple.v1+json", json.dumps(
        {
            "meta": {"api-version": "1.0"},
            "files": [
                {
                    "filename": name,
                    "url": f"../..{url}",
                    "hashes": {"sha256": digest},
                    "yanked": "x",
                }
                for name, url, digest in files
            ],
        }
    )


class _Handler(http.server.BaseHTTPRequestHandler):
    index: ShopIndex

    def do_GET(self) -> None:
        index = self.index
        path, _, _ = self.path.partition("?")
        sent = self.headers["Authorization"] or ""
        index.requests.append((self.path, sent))
        wanted = "Basic " + base64.b64encode(index.login.encode()).decode()
        status = next((code for begin, code in index.answers.items() if path.startswith(begin)), 0)
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        file = index.folder / parts[-1]
        if path in index.moved:
            self.send_response(302)
            self.send_header("Location", index.moved[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif status:
            self._answer(status, "text/plain", b"no")
        elif index.login and sent != wanted:
            self._answer(401, "text/plain", b"no", ("WWW-Authenticate", 'Basic realm="shop"'))
        elif parts[0] == "simple" and len(parts) == 2:
            files = [
                (file.name, f"/files/{urllib.parse.quote(file.name)}", sha256(file))
                for file in sorted(index.folder.iterdir())
                if file.name.split("-")[0].replace("_", "-") == parts[1]
            ]
            kind, text = index.page(files)
            self._answer(200 if files else 404, kind, text.encode())
        elif "files" in parts[:2] and file.is_file():
            self._answer(200, "application/octet-stream", file.read_bytes())
        else:
            self._answer(404, "text/plain", b"no")

    def _answer(self, status: int, kind: str, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        for begin, damage in self.index.damages.items():
            body = damage(body) if self.path.startswith(begin) else body
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(folder: Path, certificate: Path | None = None) -> Iterator[ShopIndex]:
    """Serve a folder's files; over TLS where there is a certificate with its key in one file."""
    index = ShopIndex(folder)
    handler = type("Handler", (_Handler,), {"index": index})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        index.origin = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
