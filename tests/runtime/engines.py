"""The engines under test, each with a store of its own that goes away with it."""

import argparse
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from load import host, layout, run
from load.containerd import Containerd
from load.docker import Docker
from load.engine import Engine
from load.podman import Podman

START_TIMEOUT = 30.0  # seconds


def _need(*programs: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("container engines are tested as root: run .ci/engines as root")
    for program in programs:
        if host.find(program) is None:
            pytest.skip(f"no program {program} on this machine: .ci/engines installs it")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Short, as a socket's path has 108 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="engine-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def system(*command: str) -> str:
    """Output of one of the machine's own programs, which has to succeed."""
    done = host.run(command)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@contextlib.contextmanager
def _bridge() -> Iterator[str]:
    """A network for containers, from the range that is set apart for tests (RFC 2544)."""
    number = os.getpid() % 250
    name = f"engine{number}"
    system("ip", "link", "add", name, "type", "bridge")
    try:
        system("ip", "address", "add", f"198.18.{number}.1/24", "dev", name)
        system("ip", "link", "set", name, "up")
        yield name
    finally:
        system("ip", "link", "delete", name)


@contextlib.contextmanager
def _daemon(command: list[str], socket: Path, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = host.start(command, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"{command[0]} does not start here: {log.read_text()[-500:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def podman(data: Path | None = None) -> Iterator[Podman]:
    _need("podman", "runc")
    with _folder() as folder, pytest.MonkeyPatch.context() as patch:
        data = data or folder / "data"
        storage = folder / "storage.conf"
        storage.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{data}"\nrunroot = "{folder}/run"\n'
        )
        patch.setenv("CONTAINERS_STORAGE_CONF", str(storage))
        if "CONTAINERS_CONF" not in os.environ:
            settings = Path("tests/runtime/containers.conf").resolve()
            patch.setenv("CONTAINERS_CONF", str(settings))
        try:
            yield Podman()
        finally:
            host.run(["podman", "rm", "--all", "--force", "--time", "0"])
            host.run(["podman", "pod", "rm", "--all", "--force"])
            host.run(["podman", "rmi", "--all", "--force"])
            host.run(["umount", f"{data}/overlay"])


@contextlib.contextmanager
def docker(data: Path | None = None) -> Iterator[Docker]:
    _need("dockerd", "docker", "docker-proxy", "ip")
    # One that is started beside another for its disk has no containers.
    network = contextlib.nullcontext("none") if data else _bridge()
    with _folder() as folder, network as bridge:
        socket = folder / "docker.sock"
        command = ["dockerd", f"--host=unix://{socket}", f"--data-root={data or folder / 'data'}"]
        command += [f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
        # The machine's firewall and routing stay as they are; a proxy publishes ports.
        command += [f"--bridge={bridge}", "--iptables=false", "--ip-masq=false"]
        command += ["--ip-forward=false"]
        with _daemon(command, socket, folder / "log"):
            yield Docker(f"unix://{socket}")


@contextlib.contextmanager
def containerd(data: Path | None = None) -> Iterator[Containerd]:
    _need("containerd", "ctr", "runc")
    with _folder() as folder, pytest.MonkeyPatch.context() as patch:
        socket = folder / "containerd.sock"
        (folder / "config.toml").write_text(
            f'version = 2\nroot = "{data or folder / "data"}"\nstate = "{folder}/state"\n'
            f'[grpc]\naddress = "{socket}"\n'
        )
        with _daemon(["containerd", "--config", f"{folder}/config.toml"], socket, folder / "log"):
            patch.setenv("CONTAINERD_ADDRESS", str(socket))
            yield Containerd()


def client(engine: Engine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The engine's command line."""
    prefix = ["docker", "--host", engine.endpoint] if isinstance(engine, Docker) else ["podman"]
    done = host.run([*prefix, *arguments], timeout=120)
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def run_command(
    engine: Engine,
    image: layout.Image,
    *options: str,
    memory: str = "256m",
    port: str = "",
    **more: str,
) -> list[str]:
    """The words of `bazel run //image:run`, with options for the engine; `command` replaces Cmd."""
    words = argparse.Namespace(
        memory=memory,
        port=port,
        env_file=more.get("env_file"),
        engine_option=list(options),
        command=more.get("command", "").split(),
    )
    return run.command(engine, image, "todo-backend:latest", words)
