"""The choice of the mode, and how it is kept."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from frontdoor import main, probe, workspace

from tests.tools.machine import Machine

PRINTS = 'printf "%s|" "$@"; exit 3'


@pytest.fixture
def bazelisk(machine: Machine) -> str:
    """What Bazelisk names in BAZEL_REAL; prints its arguments and exits with 3."""
    return str(machine.program("real", PRINTS))


@pytest.mark.parametrize("mode", ["hub", "mirror"])
def test_mode_alone_is_kept_and_starts_nothing(machine: Machine, mode: str, bazelisk: str) -> None:
    done = machine.run(f"--mode={mode}", BAZEL_REAL=bazelisk)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"tools/bazel: mode {mode}, kept in user.bazelrc\n"
    assert machine.user_bazelrc.read_text() == f"common --config={mode}\n"


def test_mode_with_a_command_starts_bazel(machine: Machine, bazelisk: str) -> None:
    done = machine.run("--mode=hub", "build", "//a b", BAZEL_REAL=bazelisk)
    assert (done.returncode, done.stdout) == (3, "build|//a b|")


def test_a_kept_mode_is_not_mentioned_again(machine: Machine, bazelisk: str) -> None:
    machine.user_bazelrc.write_text("common --config=hub\n")
    done = machine.run("--host_jvm_args=-Xmx1g", "info", "", BAZEL_REAL=bazelisk)
    assert (done.returncode, done.stdout) == (3, "--host_jvm_args=-Xmx1g|info||")
    assert done.stderr == ""


def test_the_users_own_lines_stay(machine: Machine) -> None:
    machine.user_bazelrc.write_text("build -c opt\ncommon --config=hub\ntest --config=hubris\n")
    machine.run("--mode=mirror")
    expected = "common --config=mirror\nbuild -c opt\ntest --config=hubris\n"
    assert machine.user_bazelrc.read_text() == expected


@pytest.mark.parametrize("argument", ["--mode=cloud", "--mode=", "--mode"])
def test_no_such_mode(machine: Machine, argument: str) -> None:
    done = machine.run(argument)
    assert done.returncode == 2
    assert done.stderr.startswith(f"tools/bazel: {argument}: no such mode; --mode=hub and")
    assert not machine.user_bazelrc.exists()


def test_a_user_bazelrc_that_cannot_be_written(machine: Machine) -> None:
    machine.user_bazelrc.mkdir()
    assert "user.bazelrc (Is a directory): make" in machine.error("--mode=hub")


def test_a_bazel_that_cannot_be_started(machine: Machine) -> None:
    message = machine.error("--mode=hub", "info", BAZEL_REAL=str(machine.home / "none"))
    assert message.endswith(
        "/home/none cannot be started (No such file or directory): reinstall it"
    )


def test_the_first_choice_is_said_once_and_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    started: list[list[str]] = []

    def start(_checkout: str, arguments: list[str]) -> int:
        started.append(arguments)
        return 0

    monkeypatch.setattr(workspace, "checkout", lambda: str(tmp_path))
    monkeypatch.setattr(probe, "choose", lambda: ("mirror", "example.com does not answer"))
    monkeypatch.setattr("frontdoor.mirror.start", start)
    # Bazelisk's Bazel knows nothing of the private root file system.
    monkeypatch.setenv("BAZEL_REAL", "/real/bazel")
    main.main(["info"])
    main.main(["info"])
    assert started == [["info"]] * 2
    assert capsys.readouterr().err == (
        "tools/bazel: mode mirror: example.com does not answer"
        " (kept in user.bazelrc; tools/bazel --mode=hub changes it)\n"
    )
    assert (tmp_path / "user.bazelrc").read_text() == "common --config=mirror\n"


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(403 if self.path == "/blocked" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("paths", "mode", "why"),
    [
        (("/a", "/b"), "hub", "the Bazel Central Registry and GitHub answer"),
        (("/a", "/blocked"), "mirror", "refuses (HTTP 403)"),
    ],
)
def test_the_open_internet_answers_or_not(
    monkeypatch: pytest.MonkeyPatch, server: str, paths: tuple[str, ...], mode: str, why: str
) -> None:
    monkeypatch.setattr(probe, "ADDRESSES", tuple(server + path for path in paths))
    chosen, reason = probe.choose()
    assert chosen == mode
    assert reason.endswith(why)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ADDRESSES", ("http://127.0.0.1:9/", "http://host.invalid/"))
    mode, why = probe.choose()
    assert mode == "mirror"
    assert why.startswith("127.0.0.1:9 does not answer (")
    assert "refused" in why
