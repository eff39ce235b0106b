"""Wants a name and a password in front of a registry, and notes what passes."""

import base64
import contextlib
import http.client
import http.server
import threading
from collections.abc import Iterator

USER, PASSWORD = "fake-user", "fake-password"
_WANTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Door:
    """Address of the registry behind a login, and the method of each request that came through."""

    def __init__(self) -> None:
        self.address = ""
        self.passed: list[str] = []


@contextlib.contextmanager
def login(registry: str) -> Iterator[Door]:
    door = Door()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            if self.headers.get("Authorization") != _WANTED:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="fake"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            door.passed.append(self.command)
            with contextlib.closing(http.client.HTTPConnection(registry, timeout=30)) as behind:
                kept = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("host", "transfer-encoding", "content-length")
                }
                behind.request(self.command, self.path, body, kept)
                answer = behind.getresponse()
                data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "date"):
                    self.send_header(name, value)
            if answer.getheader("Content-Length") is None:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = _pass

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        door.address = f"127.0.0.1:{server.server_address[1]}"
        yield door
        server.shutdown()
