"""Clients that send what doesn't end, before any application can judge it.

Of the standard library alone, so that it runs within an image, too.
"""

import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

_GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
_CHUNKED = b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
_UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
# What comes first, and what is then repeated without an end.
KINDS = {
    "request line": (b"GET /", b"a"),
    "query": (b"GET /?", b"a=b&"),
    "method": (b"", b"A"),
    "empty lines before a request": (b"", b"\r\n"),
    "name of a header": (_GET, b"a"),
    "header": (_GET + b"X: ", b"a"),
    "spaces of a header": (_GET + b"X:", b" "),
    "small headers": (_GET, b"a:\r\n"),
    "headers": (_GET, b"X-Some-Header: " + b"a" * 1000 + b"\r\n"),
    "header of a kept connection": (_GET + b"\r\n" + _GET + b"X: ", b"a"),
    "header of an upgrade": (_GET + _UPGRADE + b"X: ", b"a"),
    "small headers of an upgrade": (_GET + _UPGRADE, b"a:\r\n"),
    "chunk's size": (_CHUNKED, b"0"),
    "chunk's extension": (_CHUNKED + b"1;a=", b"a"),
    "trailer": (_CHUNKED + b"1\r\na\r\n0\r\nX: ", b"a"),
    "small trailers": (_CHUNKED + b"1\r\na\r\n0\r\n", b"a:\r\n"),
    "pipelined requests": (b"", _GET + b"\r\n"),
}
_PIECE = 1 << 16


@dataclass
class Result:
    """What became of the connections, and of the server meanwhile."""

    sent: list[int] = field(default_factory=list)
    """Bytes of each connection, those in the kernel's buffers included."""
    closed: int = 0
    """Connections that the server has closed."""
    answers: list[bytes] = field(default_factory=list)
    """First lines, of the connections whose answer the reset has left."""
    health_seconds: float = 0.0
    """The slowest /health meanwhile."""
    grown: float = 0.0
    """MB by which the processes' memory has grown, at its peak."""


def attack(
    port: int,
    opening: bytes,
    repeated: bytes,
    processes: list[int],
    *,
    connections: int = 16,
    size: int = 22_000_000,
) -> Result:
    """Sends it over all connections at once, while another client asks for /health.

    Args:
        port: of the server, on loopback.
        opening: sent first.
        repeated: sent after that, until there are `size` bytes or the server closes.
        processes: whose memory is watched.
        connections: how many.
        size: bytes to send over each.
    """
    result = Result()
    before = sum(map(_resident, processes))
    threads = [
        threading.Thread(target=_send, args=(port, opening, repeated, size, result))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    highest = before
    while any(thread.is_alive() for thread in threads) or not result.health_seconds:
        start = time.monotonic()
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=60) as answer:
            answer.read()
        result.health_seconds = max(result.health_seconds, time.monotonic() - start)
        highest = max(highest, sum(map(_resident, processes)))
        time.sleep(0.02)
    result.grown = highest - before
    return result


def _send(port: int, opening: bytes, repeated: bytes, size: int, result: Result) -> None:
    piece = repeated * (_PIECE // len(repeated))
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        try:
            connection.sendall(opening)
            while sent < size:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:  # a reset; with a timeout, which is one too, the server was still there
            pass
        else:
            connection.settimeout(1)
        try:
            answer = connection.recv(4096)
            while connection.recv(1 << 20):
                pass
        except TimeoutError:
            result.sent.append(sent)
            return
        except OSError:
            answer = b""
    result.closed += 1
    result.sent.append(sent)
    if answer:
        result.answers.append(answer.split(b"\r\n")[0])


def _resident(pid: int) -> float:
    """MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
