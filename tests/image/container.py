"""A container of the kernel's own parts, so that an image can be started where no engine is.

It is as restricted as a pod under Kubernetes' restricted standard: user 65532, no capability, no
new privileges, a read-only root with a writable /tmp, and a network with nothing but a loopback
interface. It needs no privilege but that user namespaces are allowed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = 65532  # and the group
PORT = 8000
_INSIDE = Path(__file__).with_name("namespaces.py")


class Container:
    """Runs commands on an unpacked root file system, each in a container of its own.

    For another CPU's root: `emulator` is a static program at the root's own top, with its options.
    It runs binaries, not scripts, and one process: what that starts would need the kernel's help.
    """

    def __init__(
        self,
        root: Path,
        environment: dict[str, str],
        workdir: str = "/",
        emulator: tuple[str, ...] = (),
    ) -> None:
        self.root = root
        self._environment = environment
        self._workdir = workdir
        self._emulator = emulator
        self._seconds = 300 if emulator else 60

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a command for a minute, emulated five; skips where no container can be made."""
        done = subprocess.run(
            self._enter(command, variables),
            capture_output=True,
            check=False,
            text=True,
            timeout=self._seconds,
        )
        if done.stderr.startswith("unshare: "):
            pytest.skip(
                f"NOTHING was started, user namespaces are forbidden: {done.stderr.strip()}"
            )
        return done

    def program(self, name: str) -> str:
        """Where the image's PATH has it, as seen from inside."""
        for folder in self._environment["PATH"].split(":"):
            if os.path.lexists(f"{self.root}{folder}/{name}"):
                return f"{folder}/{name}"
        raise FileNotFoundError(name)

    @contextmanager
    def running(
        self, *command: str, log: Path, **variables: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A command that goes on within the block: SIGTERM and exit code are the process's."""
        self.run("python3", "-c", "")  # skips
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._enter(command, variables), stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield process
        finally:
            # With it dies process 1, and with that all that is in the container.
            process.kill()
            process.wait()

    def _enter(self, command: tuple[str, ...], variables: dict[str, str]) -> list[str]:
        environment = json.dumps(self._environment | variables)
        root = str(self.root.resolve())
        if self._emulator:
            command = (*self._emulator, self.program(command[0]), *command[1:])
        return _inside("enter", root, str(USER), self._workdir, environment, *command)


def ask(process: subprocess.Popen[bytes], path: str, seconds: float) -> tuple[int, str, float]:
    """Status, body and seconds waited, of a GET within a container's network.

    Raises:
        AssertionError: no good answer came within `seconds`.
    """
    done = subprocess.run(
        _inside("ask", str(process.pid), str(PORT), path, str(seconds)),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    status, body, waited = json.loads(done.stdout)
    return status, body, waited


def process_one(process: subprocess.Popen[bytes]) -> Path:
    """The folder of /proc that tells of the container's process 1."""
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return Path("/proc", child)


def _inside(*arguments: str) -> list[str]:
    return [sys.executable, "-I", str(_INSIDE), *arguments]
