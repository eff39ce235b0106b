"""The referrers of the OCI distribution specification 1.1, before a registry without them."""

import hashlib
import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"


@contextmanager
def with_referrers(registry: str) -> Iterator[str]:
    """Address of a server that answers the question for referrers, and hands all else on."""

    class Handler(_Handler):
        behind = registry
        pushed: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012  this server's own

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind = ""
    pushed: list[tuple[str, dict[str, Any]]]

    def _forward(self) -> None:
        body = self._body()
        if "/referrers/" in self.path:
            self._answer(200, [("Content-Type", INDEX)], self._referrers())
            return
        connection = http.client.HTTPConnection(self.behind, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _PER_CONNECTION}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _PER_CONNECTION]
        if self.command == "PUT" and "/manifests/" in self.path:
            kept += self._keep(body)
        self._answer(answer.status, kept, answer.read(), answer.getheader("Content-Length"))
        connection.close()

    def _keep(self, body: bytes) -> list[tuple[str, str]]:
        """Remembers what a pushed manifest refers to; "Pushing Manifests with Subject"."""
        manifest = json.loads(body)
        if "subject" not in manifest:
            return []
        subject = manifest["subject"]["digest"]
        descriptor = {
            "mediaType": manifest["mediaType"],
            "digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
            "size": len(body),
            "artifactType": manifest["artifactType"],
            "annotations": manifest["annotations"],
        }
        if (subject, descriptor) not in self.pushed:
            self.pushed.append((subject, descriptor))
        return [("OCI-Subject", subject)]

    def _referrers(self) -> bytes:
        wanted = self.path.rpartition("/")[2]
        found = [descriptor for subject, descriptor in self.pushed if subject == wanted]
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": found}).encode()

    do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = _forward

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


# RFC 9110, 7.6.1; the length is counted anew.
_PER_CONNECTION = ("connection", "content-length", "date", "host", "server", "transfer-encoding")
