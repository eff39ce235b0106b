"""An empty container registry on the loopback, which crane serves."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest


def run(program: str, *arguments: str | pathlib.Path) -> str:
    """Output of a program; fails the test when it is missing or fails."""
    path = shutil.which(program)
    if path is None:
        pytest.fail(f"{program} is not on PATH: nothing has been looked at")
    process = subprocess.run(
        [path, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, f"{program} {arguments}: {process.stderr}"
    return process.stdout


@contextlib.contextmanager
def serve() -> Iterator[str]:
    """Address of the registry, `127.0.0.1:<port>`, while it runs."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    crane = shutil.which("crane")
    if crane is None:
        pytest.fail("crane is not on PATH: nothing has been looked at")
    with subprocess.Popen(
        [crane, "registry", "serve", "--address", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", int(address.split(":")[1])), 1).close()
                    break
                time.sleep(0.05)
            else:
                pytest.fail(f"crane's registry does not answer at {address}")
            yield address
        finally:
            server.terminate()
