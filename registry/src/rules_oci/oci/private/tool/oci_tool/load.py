"""Load an image into the container engine of this machine; what `bazel run` of an oci_load does.

In this order: the rule's `loader`; docker, podman or nerdctl on PATH; the engine's socket by its
API (Docker Engine API, `POST /images/load`, which podman's service answers as well). The socket is
for an environment that has no engine of its own, as the one that mirror mode runs Bazel in.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from oci_tool import archive, layout

_COMMANDS = ("docker", "podman", "nerdctl")
_CHUNK = 1 << 20
_NO_ENGINE = (
    "no container engine found: neither docker, podman nor nerdctl on PATH nor a socket of one; "
    "set DOCKER_HOST=unix:///path/of/the.sock or the rule's `loader`"
)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class _Writer(threading.Thread):
    """Writes the tar to a stream in the background and keeps what went wrong."""

    def __init__(self, spec: archive.Spec, path: str | int) -> None:
        super().__init__(daemon=True)
        self._spec = spec
        self._path = path
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with open(self._path, "wb") as stream:
                archive.write(self._spec, stream)
        except BrokenPipeError:
            pass  # The reader ended early and says why itself.
        except Exception as error:
            self.error = error


def find_command(spec: Mapping[str, str], root: str) -> str | None:
    """The program to load with: the rule's loader, or an engine's command on PATH."""
    if spec.get("loader"):
        return os.path.join(root, spec["loader"])
    return next(filter(None, map(shutil.which, _COMMANDS)), None)


def find_endpoint(environ: Mapping[str, str]) -> str | None:
    """Address of an engine's API: DOCKER_HOST, or the first usual socket that is there."""
    if host := environ.get("DOCKER_HOST"):
        return host
    runtime = environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    usual = (
        "/var/run/docker.sock",
        f"{runtime}/docker.sock",
        "/run/podman/podman.sock",
        f"{runtime}/podman/podman.sock",
    )
    return next((f"unix://{path}" for path in usual if os.path.exists(path)), None)


def load_by_command(command: str, spec: archive.Spec) -> None:
    """Run `<command> load --input <pipe>`; SystemExit carries its exit code."""
    with tempfile.TemporaryDirectory(prefix="oci_load-") as folder:
        fifo = os.path.join(folder, "image.tar")
        os.mkfifo(fifo)
        writer = _Writer(spec, fifo)
        writer.start()
        code = subprocess.call([command, "load", "--input", fifo])
        if code:
            raise SystemExit(f"rules_oci: {command} load ended with exit code {code}")
        writer.join()
    if writer.error:
        raise writer.error


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def connect(endpoint: str) -> http.client.HTTPConnection:
    """Connection to `unix:///path` or `tcp://host:port`; ValueError for anything else."""
    scheme, _, rest = endpoint.partition("://")
    if scheme == "unix":
        return _UnixConnection(rest)
    if scheme in ("tcp", "http"):
        return http.client.HTTPConnection(rest.rstrip("/"))
    raise ValueError(f"DOCKER_HOST={endpoint}: only unix:// and tcp:// are understood here")


def load_by_api(endpoint: str, spec: archive.Spec) -> str:
    """Send the tar to an engine's API and return what it says; ValueError when it refuses."""
    reader, pipe = os.pipe()
    writer = _Writer(spec, pipe)
    writer.start()
    connection = connect(endpoint)
    with open(reader, "rb") as stream:
        try:
            headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
            body = _chunks(stream)
            connection.request("POST", "/images/load?quiet=1", body, headers, encode_chunked=True)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except OSError as error:
            raise ValueError(f"container engine at {endpoint}: {error}") from None
        finally:
            connection.close()
    writer.join()
    if writer.error:
        raise writer.error
    messages = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    errors = [str(m.get("error") or m.get("message")) for m in messages if "stream" not in m]
    if response.status != http.client.OK or errors:
        reason = "; ".join(errors) or text.strip() or response.reason
        raise ValueError(f"container engine at {endpoint} refused the image: {reason}")
    return "".join(str(message["stream"]) for message in messages)


def main(arguments: list[str]) -> None:
    """`load RUNFILES SPEC`: SPEC is the runfiles path of an `archive.Spec` with the loader."""
    root, spec_path, *rest = arguments
    if rest:
        raise ValueError(f"oci_load takes no arguments, got {' '.join(rest)}")
    document = layout.read_json(os.path.join(root, spec_path))
    spec: archive.Spec = {
        "image": os.path.join(root, document["image"]),
        "repo_tags": os.path.join(root, document["repo_tags"]),
        "format": document["format"],
    }
    archive.members(spec)  # What is wrong with the image is said before the engine is started.
    if command := find_command(document, root):
        load_by_command(command, spec)
    elif endpoint := find_endpoint(os.environ):
        print(load_by_api(endpoint, spec), end="")
    else:
        raise ValueError(_NO_ENGINE)
