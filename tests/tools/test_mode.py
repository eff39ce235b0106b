"""The choice of the mode, and how it is kept."""

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from frontdoor import main, probe, workspace
from frontdoor.problem import Problem

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


def test_arguments_that_only_look_alike_are_bazels(machine: Machine, bazelisk: str) -> None:
    machine.user_bazelrc.write_text("common --config=hub\n")
    done = machine.run("--modest=mirror", "info", BAZEL_REAL=bazelisk)
    assert (done.returncode, done.stdout) == (3, "--modest=mirror|info|")


def test_the_doctor_takes_no_command(machine: Machine) -> None:
    done = machine.run("--doctor", "build", "//x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tools/bazel: --doctor stands alone, without build; --mode=hub")


@pytest.mark.parametrize("argument", ["--mode=cloud", "--mode=", "--mode"])
def test_no_such_mode(machine: Machine, argument: str) -> None:
    done = machine.run(argument)
    assert done.returncode == 2
    assert done.stderr.startswith(f"tools/bazel: {argument}: no such mode; --mode=hub and")
    assert not machine.user_bazelrc.exists()


def test_a_user_bazelrc_that_cannot_be_written(machine: Machine) -> None:
    machine.user_bazelrc.mkdir()
    assert "user.bazelrc (Is a directory): make" in machine.error("--mode=hub")


def test_a_user_bazelrc_that_cannot_be_read(machine: Machine) -> None:
    machine.user_bazelrc.symlink_to(machine.user_bazelrc)
    message = machine.error("info")
    assert "user.bazelrc can't be read (Too many levels of symbolic links), and it" in message


def test_a_user_bazelrc_that_is_not_utf_8(machine: Machine) -> None:
    machine.user_bazelrc.write_bytes(b"# Gr\xfc\xdfe\ncommon --config=hub\n")
    machine.run("--mode=mirror")
    assert machine.user_bazelrc.read_bytes() == b"common --config=mirror\n# Gr\xfc\xdfe\n"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert workspace.home().startswith("/")
    monkeypatch.setattr("os.getuid", lambda: 3_000_000_000)
    with pytest.raises(Problem, match=r"^HOME is not set, and user 3000000000 has no .*: set HOME"):
        workspace.home()


def test_a_working_folder_that_was_removed(machine: Machine) -> None:
    gone = machine.home / "gone"
    gone.mkdir()
    script = 'rmdir "$PWD" && exec "$0" info'
    done = subprocess.run(
        ["/bin/sh", "-c", script, machine.checkout / "tools/bazel"],
        cwd=gone,
        env=machine.environment({}),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "tools/bazel: the working folder was removed: go to one that is there\n",
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied; tools/bazel --do"),
        (OSError("odd"), "failed: odd; tools/bazel --doctor says what is wrong"),
        (OSError(28, "No space left on device"), "the disk is full ("),
    ],
)
def test_any_fault_of_the_machine_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    message: str,
) -> None:
    def run(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(main, "_run", run)
    assert main.main(["info"]) == 1
    assert capsys.readouterr().err.startswith(f"tools/bazel: {message}")


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


def test_what_http_client_calls_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment, for one, is parsed when it is used."""
    monkeypatch.setattr(probe, "ADDRESSES", ("http://proxy:port/",))
    assert probe.choose() == ("mirror", "proxy:port does not answer (nonnumeric port: 'port')")
