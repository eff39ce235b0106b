"""`bazel run` of an oci_load gives the image to an engine, whichever way there is to one."""

import http.server
import json
import os
import pathlib
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator

import pytest

from tests.registry import layouts

LOADER = layouts.FOLDER / "load_everything.sh"
LOADER_OF_ITS_OWN = layouts.FOLDER / "load_with_loader.sh"
LOADER_OF_AN_INDEX = layouts.FOLDER / "load_index.sh"
WRONG_FORMAT = layouts.FOLDER / "load_index_as_docker.sh"
TARBALL = (layouts.FOLDER / "load_everything" / "tarball.tar").read_bytes()


@pytest.fixture
def environment(tmp_path: pathlib.Path) -> dict[str, str]:
    """Environment in which there is no engine, whatever the machine has."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "readlink"):  # What the interpreter's launcher needs.
        (programs / name).symlink_to(str(shutil.which(name)))
    return {
        "LOADED": str(tmp_path),
        "PATH": str(programs),
        "RUNFILES_DIR": os.environ["RUNFILES_DIR"],
        "XDG_RUNTIME_DIR": str(tmp_path),
    }


def run(
    loader: pathlib.Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a loader as `bazel run` does."""
    command = [str(loader.absolute()), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def put_engine(environment: dict[str, str], name: str, *, exit_code: int | None = None) -> None:
    """Put a command of this name on PATH: one that keeps what it gets, or one that only fails."""
    keep = f"{sys.executable} -I {pathlib.Path('tests/registry/fake_loader.py').absolute()}"
    program = pathlib.Path(environment["PATH"], name)
    program.write_text(
        f'#!/bin/sh\n{f"exec {keep}" if exit_code is None else f"exit {exit_code} #"} "$@"\n'
    )
    program.chmod(0o755)


@pytest.mark.parametrize("engine", ["docker", "podman", "nerdctl"])
def test_engine_on_path(engine: str, environment: dict[str, str], tmp_path: pathlib.Path) -> None:
    put_engine(environment, engine)
    result = run(LOADER, environment)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "arguments").read_text() == "load --input"
    assert (tmp_path / "image.tar").read_bytes() == TARBALL


def test_docker_comes_before_podman(environment: dict[str, str], tmp_path: pathlib.Path) -> None:
    put_engine(environment, "podman", exit_code=9)
    put_engine(environment, "docker")
    assert run(LOADER, environment).returncode == 0
    assert (tmp_path / "image.tar").exists()


def test_loader_attribute(environment: dict[str, str], tmp_path: pathlib.Path) -> None:
    put_engine(environment, "docker", exit_code=9)
    # The rule's loader is a py_binary, whose own start wants more of PATH.
    environment["PATH"] += os.pathsep + os.environ["PATH"]
    result = run(LOADER_OF_ITS_OWN, environment)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "image.tar").read_bytes() == TARBALL


def test_index_as_oci_archive(environment: dict[str, str], tmp_path: pathlib.Path) -> None:
    put_engine(environment, "docker")
    result = run(LOADER_OF_AN_INDEX, environment)
    assert result.returncode == 0, result.stderr
    tarball = (layouts.FOLDER / "load_index" / "tarball.tar").read_bytes()
    assert (tmp_path / "image.tar").read_bytes() == tarball


def test_engine_fails_without_reading(environment: dict[str, str]) -> None:
    put_engine(environment, "docker", exit_code=7)
    result = run(LOADER, environment)
    assert result.returncode == 1
    assert result.stderr.endswith("docker load ended with exit code 7\n")


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers `POST /images/load` as the Docker Engine API does."""

    daemon_threads = True
    answer: tuple[int, str] = (200, json.dumps({"stream": "Loaded image: everything\n"}) + "\r\n")
    received: bytes = b""


class Handler(http.server.BaseHTTPRequestHandler):
    """Reads a chunked body (RFC 9112, 7.1)."""

    server: Engine
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert self.path.startswith("/images/load")
        body = []
        while size := int(self.rfile.readline(), 16):
            body.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        self.server.received = b"".join(body)
        status, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at what was received."""


@pytest.fixture
def engine(environment: dict[str, str]) -> Iterator[Engine]:
    """A container engine that is there by its socket alone."""
    # The path of a socket may have 107 bytes: the test's own folder lies too deep.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = f"{folder}/engine.sock"
        with Engine(path, Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            environment["DOCKER_HOST"] = f"unix://{path}"
            yield server
            server.shutdown()


def test_socket(environment: dict[str, str], engine: Engine) -> None:
    result = run(LOADER, environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Loaded image: everything\n"
    assert engine.received == TARBALL


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, json.dumps({"errorDetail": {}, "error": "no space left"})),
        (500, json.dumps({"message": "no space left"})),
        (500, "no space left"),
    ],
)
def test_engine_behind_the_socket_refuses(
    status: int, text: str, environment: dict[str, str], engine: Engine
) -> None:
    engine.answer = status, text
    result = run(LOADER, environment)
    assert result.returncode == 1
    assert result.stderr == (
        f"rules_oci: container engine at {environment['DOCKER_HOST']} refused the image: "
        "no space left\n"
    )


def test_socket_of_nobody(environment: dict[str, str], tmp_path: pathlib.Path) -> None:
    environment["DOCKER_HOST"] = f"unix://{tmp_path}/no.sock"
    result = run(LOADER, environment)
    assert result.returncode == 1
    assert result.stderr.startswith(f"rules_oci: container engine at unix://{tmp_path}/no.sock: ")
    assert result.stderr.count("\n") == 1


def test_unknown_kind_of_endpoint(environment: dict[str, str]) -> None:
    environment["DOCKER_HOST"] = "ssh://nobody@host.example"
    result = run(LOADER, environment)
    assert result.returncode == 1
    assert result.stderr == (
        "rules_oci: DOCKER_HOST=ssh://nobody@host.example: "
        "only unix:// and tcp:// are understood here\n"
    )


@pytest.mark.skipif(
    any(pathlib.Path(p).exists() for p in ("/var/run/docker.sock", "/run/podman/podman.sock")),
    reason="this machine has an engine, which has nothing to do with this test",
)
def test_no_engine(environment: dict[str, str]) -> None:
    result = run(LOADER, environment)
    assert result.returncode == 1
    assert result.stderr.startswith("rules_oci: no container engine found: ")
    assert "DOCKER_HOST=unix:///" in result.stderr


def test_format_that_does_not_fit(environment: dict[str, str]) -> None:
    result = run(WRONG_FORMAT, environment)
    assert result.returncode == 1
    assert result.stderr == (
        "rules_oci: format docker is for the image of one platform, "
        "this is application/vnd.oci.image.index.v1+json\n"
    )


def test_arguments_are_refused(environment: dict[str, str]) -> None:
    result = run(LOADER, environment, "--tag", "x")
    assert result.returncode == 1
    assert result.stderr == "rules_oci: oci_load takes no arguments, got --tag x\n"
