"""The image, unpacked and started as its config says, in a container as restricted as its pod."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import pytest

from tests.image.base.layout import Layout
from tests.image.container import Container, ask, process_one

SECRETS = {
    "NEON_DATABASE_URL": "postgresql://todo:fake-password-not-to-be-seen@127.0.0.1:1/none",
    "OPENAI_API_KEY": "sk-fake-not-to-be-seen",
    "BETTER_AUTH_SECRET": "fake-secret-of-32-bytes-not-to-be-seen",
}
START_SECONDS = 30  # SC-003
STOP_SECONDS = 10  # Kubernetes waits for 30 before it kills


@pytest.fixture(scope="module")
def command(image: Layout) -> list[str]:
    config = image.config["config"]
    return [*config["Entrypoint"], *config["Cmd"]]


@contextmanager
def serving(container: Container, command: list[str], folder: Path) -> Iterator[Popen[bytes]]:
    """The image as its config says, with secrets that its log must not hold."""
    log = folder / "server.log"
    with container.running(*command, log=log, **SECRETS) as process:
        yield process
    text = log.read_text()
    print(text)
    assert "Traceback" not in text
    assert "not-to-be-seen" not in text


@pytest.fixture(scope="module")
def server(
    container: Container, command: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Popen[bytes]]:
    """A server that has answered."""
    with serving(container, command, tmp_path_factory.mktemp("log")) as process:
        ask(process, "/health", START_SECONDS)
        yield process


def test_it_answers_in_time_and_ends_at_sigterm(
    container: Container, command: list[str], tmp_path: Path
) -> None:
    with serving(container, command, tmp_path) as process:
        status, body, seconds = ask(process, "/health", START_SECONDS)
        print(f"FIGURE start to /health: {seconds:.2f} s")
        assert status == 200
        assert json.loads(body)["status"] == "ok"
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
        print(f"FIGURE SIGTERM to exit 0: {time.monotonic() - start:.2f} s")


def test_version_answers(server: Popen[bytes], image: Layout) -> None:
    _, body, _ = ask(server, "/version", START_SECONDS)
    assert json.loads(body)["version"] == image.config["config"]["Labels"]["version"]


def test_it_runs_restricted(server: Popen[bytes]) -> None:
    lines = (process_one(server) / "status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["NSpid"].split()[-1] == "1"


def test_two_workers(server: Popen[bytes]) -> None:
    process = process_one(server)
    children = (process / "task" / process.name / "children").read_text().split()
    commands = [Path("/proc", child, "cmdline").read_text() for child in children]
    assert len([line for line in commands if "spawn_main" in line]) == 2


def test_user_root_and_network(container: Container) -> None:
    says = (
        "import errno, json, os, socket\n"
        "found = {'user': os.getresuid(), 'group': os.getresgid(), 'folder': os.getcwd()}\n"
        "found['interfaces'] = [name for _, name in socket.if_nameindex()]\n"
        "for path in '/app/new', '/etc/new', '/new', '/app/main.py', '/tmp/new':\n"
        "    try:\n"
        "        found[path] = open(path, 'a').close()\n"
        "    except OSError as error:\n"
        "        found[path] = errno.errorcode[error.errno]\n"
        "print(json.dumps(found))\n"
    )
    done = container.run("python", "-c", says)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "user": [65532] * 3,
        "group": [65532] * 3,
        "folder": "/app",
        "interfaces": ["lo"],
        "/app/new": "EROFS",
        "/etc/new": "EROFS",
        "/new": "EROFS",
        "/app/main.py": "EROFS",
        "/tmp/new": None,  # noqa: S108
    }


def test_reload_takes_no_value(container: Container, command: list[str]) -> None:
    """Why the command lacks the --reload=false of FR-007: with it nothing would start."""
    done = container.run(*command, "--reload=false", **SECRETS)
    assert done.returncode == 2
    assert "Option '--reload' does not take a value" in done.stderr


def test_missing_variables_end_it_with_one_line(container: Container, command: list[str]) -> None:
    done = container.run(*command)
    assert done.returncode == 78
    (line,) = [line for line in done.stderr.splitlines() if "cannot start" in line]
    assert [name for name in SECRETS if name not in line] == []
    assert "Traceback" not in done.stderr + done.stdout


def test_a_taken_port_ends_it(container: Container, command: list[str]) -> None:
    says = (
        "import os, socket, sys\n"
        "taken = socket.create_server(('0.0.0.0', 8000))\n"
        "taken.set_inheritable(True)\n"
        "os.execvp(sys.argv[1], sys.argv[1:])\n"
    )
    done = container.run("python", "-c", says, *command, **SECRETS)
    assert done.returncode != 0
    assert "address already in use" in done.stderr.lower()
