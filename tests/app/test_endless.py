"""What a client without an account can make the server keep: with what the image carries."""

import os
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app import bearer, endless
from tests.app.endless import KINDS
from tests.app.postgres import Postgres
from tests.app.service import Service, environment, processes

LIMIT = 65536
FIELDS = 256
GROWTH = 24.0  # MB: of 16 connections the reads of 256 KB, and heads of 64 KB
CONTROL = 4_000_000  # bytes
_GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"


def in_environment(settings: dict[str, str], folder: Path) -> dict[str, str]:
    """The settings, and the image's virtual environment among the folders for site-packages."""
    with tarfile.open(os.environ["VENV"]) as layer:
        layer.extractall(folder, filter="tar")
    (site,) = folder.glob("app/.venv/lib/python*/site-packages")
    (folder / "sitecustomize.py").write_text(f"import site\nsite.addsitedir({str(site)!r})\n")
    return settings | {"PYTHONPATH": f"{folder}:{settings['PYTHONPATH']}"}


@pytest.fixture(scope="module")
def guarded(
    postgres: Postgres, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    settings = in_environment(environment(postgres.url()), tmp_path_factory.mktemp("image"))
    with Service(settings, logs / "guarded.log") as service:
        yield service
    assert "Traceback" not in service.text()


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_end_is_refused(guarded: Service, kind: str) -> None:
    result = endless.attack(guarded.port, *KINDS[kind], processes(guarded))
    print(f"FIGURE {kind}: {result.grown:.1f} MB, /health {result.health_seconds:.2f} s")
    assert result.closed == 16
    assert result.grown < GROWTH
    assert result.health_seconds < 10  # with a processor to itself, a tenth of a second
    assert set(result.answers) <= {
        b"HTTP/1.1 431 Request Header Fields Too Large",
        b"HTTP/1.1 400 Bad Request",  # no such method
        b"HTTP/1.1 200 OK",  # to the requests before
        b"HTTP/1.1 405 Method Not Allowed",  # of the application, to the head that had an end
    }


def test_trailers_of_a_body_that_is_waited_for(guarded: Service, user: str) -> None:
    opening = (
        f"POST /api/{user}/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {bearer.token(user)}\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\n{\r\n0\r\n"
    ).encode()
    result = endless.attack(guarded.port, opening, b"a:\r\n", processes(guarded))
    assert result.closed == 16
    assert result.grown < GROWTH
    assert result.answers == []


@pytest.mark.skipif("TODO_TEST_WRAPPER" in os.environ, reason="it is slow enough by itself")
@pytest.mark.parametrize("kind", ["header", "trailer"])
def test_uvicorn_itself_keeps_it_all(
    postgres: Postgres, logs: Path, tmp_path: Path, kind: str
) -> None:
    """Once this fails, the guard has had its time."""
    with Service(environment(postgres.url()), tmp_path / "log") as service:
        result = endless.attack(service.port, *KINDS[kind], processes(service), size=CONTROL)
    assert result.closed == 0
    assert result.grown > GROWTH


def answers(service: Service, sent: bytes) -> list[bytes]:
    """The status codes of all that comes until the server closes or a second has gone by."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(sent)
        received = connection.recv(1 << 16)
        connection.settimeout(1)
        try:
            while piece := connection.recv(1 << 16):
                received += piece
        except TimeoutError:
            received += b"HTTP/1.1 OPEN"
        except ConnectionResetError:
            pass
    return [each[:4].strip() for each in received.split(b"HTTP/1.1 ")[1:]]


def padded(size: int) -> bytes:
    """A request whose head has this size."""
    start = _GET + b"X: "
    return start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"


class TestLimits:
    def test_a_head_of_the_limit_is_served(self, guarded: Service) -> None:
        assert answers(guarded, padded(LIMIT)) == [b"200", b"OPEN"]

    def test_a_byte_more_is_refused(self, guarded: Service) -> None:
        assert answers(guarded, padded(LIMIT + 1)) == [b"431"]

    def test_in_a_second_request_too(self, guarded: Service) -> None:
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=60) as connection:
            for size, status in ((LIMIT, b"200"), (LIMIT, b"200"), (LIMIT + 1, b"431")):
                connection.sendall(padded(size))
                assert connection.recv(1 << 16).split()[1] == status

    def test_in_small_pieces(self, guarded: Service) -> None:
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sent = padded(LIMIT)
            for at in range(0, LIMIT, 1000):
                connection.sendall(sent[at : at + 1000])
            assert connection.recv(1 << 16).split()[1] == b"200"

    def test_number_of_headers(self, guarded: Service) -> None:
        assert answers(guarded, _GET + b"a: b\r\n" * (FIELDS - 1) + b"\r\n") == [b"200", b"OPEN"]
        assert answers(guarded, _GET + b"a: b\r\n" * FIELDS + b"\r\n") == [b"431"]

    def test_requests_sent_ahead_are_answered(self, guarded: Service) -> None:
        """A pipelining client has its answers, and starts again once it is told to close."""
        assert answers(guarded, (_GET + b"\r\n") * 33) == [b"200"] * 33 + [b"OPEN"]
        assert answers(guarded, (_GET + b"\r\n") * 1000) == [b"200"] * 34

    def test_answers_that_are_due_come_first(self, guarded: Service) -> None:
        assert answers(guarded, (_GET + b"\r\n") * 3 + padded(3 * LIMIT)) == [b"200"] * 3

    def test_bodies_have_no_such_limit(self, guarded: Service, user: str) -> None:
        with guarded.client(user) as client:
            title = "a" * 200
            sent = (b'{"title": "%s"' % title.encode()) + b" " * 60_000 + b"}"
            answer = client.post(
                f"/api/{user}/tasks",
                content=iter([sent[at : at + 7] for at in range(0, len(sent), 7)]),
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code == 201, answer.text


def test_another_limit(postgres: Postgres, logs: Path, tmp_path: Path) -> None:
    settings = in_environment(environment(postgres.url(), REQUEST_HEAD_LIMIT="1000"), tmp_path)
    with Service(settings, logs / "limit.log") as service:
        assert answers(service, padded(1000)) == [b"200", b"OPEN"]
        assert answers(service, padded(1001)) == [b"431"]
