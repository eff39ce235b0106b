"""Private engines for one benchmark run: a dockerd, a podman store and registries, all on loopback."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from harness.measure import Failed, run

# What podman 4 needs where ulimits cannot be raised and the cgroup hierarchy is hybrid: harmless elsewhere.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """A program in the background, stopped by its process id on `stop`."""

    def __init__(self, command: list[str | Path], log: Path, ready: Callable[[], bool]) -> None:
        """Start the command and wait at most 30 s until `ready()`."""
        self._log = log.open("ab")
        self._process = subprocess.Popen([str(word) for word in command], stdout=self._log, stderr=self._log)
        for _ in range(300):
            if ready():
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise Failed(f"{command[0]} did not start: see {log}")

    def stop(self) -> None:
        """Ask it to end, wait, and insist after 20 s."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()


def listens(port: int) -> bool:
    """Say whether something accepts connections on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def registry(folder: Path) -> tuple[Service, str]:
    """Start an empty registry; return it and its ``host:port``."""
    folder.mkdir(parents=True)
    port = free_port()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n"
    )
    service = Service(
        ["docker-registry", "serve", config], folder / "log", lambda: listens(port)
    )
    return service, f"127.0.0.1:{port}"


class Docker:
    """A dockerd with its own data, whose BuildKit the peer is built with."""

    def __init__(self, folder: Path) -> None:
        """Start dockerd below `folder`."""
        folder.mkdir(parents=True)
        socket_path = folder / "docker.sock"
        self.env = {"DOCKER_HOST": f"unix://{socket_path}", "DOCKER_BUILDKIT": "1"}
        # Debian's docker.io brings a client whose BuildKit needs no plug-in.
        self.client = "/usr/bin/docker"
        self.service = Service(
            [
                "dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec",
                "--pidfile", folder / "pid", "--host", f"unix://{socket_path}",
            ],
            folder / "log",
            socket_path.exists,
        )  # fmt: skip

    def __call__(self, *words: str | Path) -> str:
        """Run one docker command."""
        return run([self.client, *words], env=self.env)


class Podman:
    """A podman with its own store, through environment and flags alone."""

    def __init__(self, folder: Path) -> None:
        """Prepare the store below `folder`; podman has no daemon."""
        folder.mkdir(parents=True)
        conf = folder / "containers.conf"
        conf.write_text(_CONTAINERS_CONF)
        policy = folder / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.env = {"CONTAINERS_CONF": str(conf), "TMPDIR": str(folder)}
        self.words = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run")]

    def __call__(self, *words: str | Path) -> str:
        """Run one podman command."""
        return run([*self.words, *words], env=self.env)


def missing_tools(peers: list[str]) -> list[str]:
    """Return the Debian packages to install before the benchmark can run."""
    needs = {"hyperfine": "hyperfine", "skopeo": "skopeo", "docker-registry": "docker-registry", "podman": "podman"}
    if "buildkit" in peers:
        needs["dockerd"] = "docker.io"
    needs["runc"] = "runc"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return sorted(
        package
        for tool, package in needs.items()
        if not any((Path(folder) / tool).exists() for folder in path.split(":"))
    )
