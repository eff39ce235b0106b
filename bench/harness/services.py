"""Engines of the run's own: a dockerd, podman stores and registries, all on loopback."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from harness.measure import Failed, run

# What podman 4 needs where ulimits cannot be raised and the cgroup hierarchy is hybrid.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "cni"
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
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            # Ctrl-C is for the benchmark, which stops its services in good order.
            start_new_session=True,
        )
        try:
            for _ in range(300):
                if ready():
                    return
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
            raise Failed(f"{command[0]} did not start: {log.read_text(errors='replace')[-500:]}")
        except BaseException:
            self.stop()
            raise

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


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def registry(folder: Path) -> tuple[Service, str]:
    """Start an empty registry; return it and its ``host:port``."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: 127.0.0.1:{port}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
    )
    service = Service(["docker-registry", "serve", config], folder / "log", lambda: _listens(port))
    return service, f"127.0.0.1:{port}"


class Docker:
    """A dockerd with its own data, whose BuildKit the peer is built with."""

    # Debian's docker.io brings a client whose BuildKit needs no plug-in.
    client = "/usr/bin/docker"

    def __init__(self, folder: Path) -> None:
        """Start dockerd below `folder`."""
        folder.mkdir(parents=True)
        socket_path = folder / "docker.sock"
        self.env = {"DOCKER_HOST": f"unix://{socket_path}", "DOCKER_BUILDKIT": "1"}
        self._service = Service(
            [
                "dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec",
                "--pidfile", folder / "pid", "--host", f"unix://{socket_path}",
                # No network of its own: the machine's firewall stays as it is.
                "--bridge=none", "--iptables=false", "--ip-masq=false",
            ],
            folder / "log",
            socket_path.exists,
        )  # fmt: skip

    def __call__(self, *words: str | Path) -> str:
        """Run one docker command."""
        return run([self.client, *words], env=self.env)

    def stop(self) -> None:
        """End the daemon."""
        self._service.stop()


class Podman:
    """A podman with its own store, through environment and flags alone."""

    def __init__(self, folder: Path) -> None:
        """Prepare the store below `folder`; podman has no daemon."""
        folder.mkdir(parents=True)
        conf = folder / "containers.conf"
        conf.write_text(_CONTAINERS_CONF)
        self._store = folder / "root"
        self.env = {"CONTAINERS_CONF": str(conf), "TMPDIR": str(folder)}
        self.words = ["podman", "--root", str(self._store), "--runroot", str(folder / "run")]

    def __call__(self, *words: str | Path) -> str:
        """Run one podman command."""
        return run([*self.words, *words], env=self.env)

    def stop(self) -> None:
        """End every container of this store and take its mounts away."""
        for words in (["rm", "--all", "--force", "--time", "0"], ["rmi", "--all", "--force"]):
            self(*words)
        if os.path.ismount(self._store / "overlay"):
            run(["umount", self._store / "overlay"])


def missing_tools(peers: list[str], base_is_there: bool) -> list[str]:
    """Return the Debian packages to install before the benchmark can run."""
    needs = {name: name for name in ("hyperfine", "skopeo", "docker-registry", "podman", "runc")}
    if "buildkit" in peers:
        needs["dockerd"] = "docker.io"
    if not base_is_there:
        needs["mmdebstrap"] = "mmdebstrap"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return sorted(
        package
        for tool, package in needs.items()
        if not any((Path(folder) / tool).exists() for folder in path.split(":"))
    )
