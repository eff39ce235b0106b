"""What the front door says after `test`, and that it is not in the way until then."""

import signal
import time
from pathlib import Path

import pytest

from tests.tools.machine import Machine

LOG = """\
//tests/image:emulation_test                                            SKIPPED
//tests/runtime:docker_test                                             SKIPPED
//tests/runtime:podman_test                                    \x1b[0m\x1b[35mSKIPPED\x1b[0m
//tests/other:windows_test                                              SKIPPED
//tests/runtime:containerd_test                                         PASSED in 15.1s
"""
SAID = (
    "tools/bazel: did not run, as they need container engines or an emulator:"
    " //tests/image:emulation_test, //tests/runtime:docker_test, //tests/runtime:podman_test\n"
    "tools/bazel: .ci/engines installs podman, Docker, containerd and qemu (as root)"
    " and runs them\n"
)


@pytest.fixture
def log(machine: Machine) -> Path:
    """Bazel's own record of the last command, of long ago."""
    machine.user_bazelrc.write_text("common --config=hub\n")
    out = machine.home / "base/execroot/_main/bazel-out"
    out.mkdir(parents=True)
    (machine.checkout / "bazel-out").symlink_to(out)
    (machine.checkout / ".ci").mkdir()
    (machine.checkout / ".ci/engines").touch()
    return machine.home / "base/command.log"


def _bazel(machine: Machine, log: Path, text: str) -> str:
    (machine.home / "text").write_text(text)
    return str(machine.program("real", f'cp "{machine.home}/text" "{log}"; exit 3'))


def test_what_was_skipped_is_named_with_the_command(machine: Machine, log: Path) -> None:
    done = machine.run("--nosystem_rc", "test", "//...", BAZEL_REAL=_bazel(machine, log, LOG))
    assert (done.returncode, done.stderr) == (3, SAID)


@pytest.mark.parametrize("text", ["", "//tests/runtime:docker_test   PASSED in 1.0s\n"])
def test_nothing_was_skipped(machine: Machine, log: Path, text: str) -> None:
    done = machine.run("test", "//...", BAZEL_REAL=_bazel(machine, log, text))
    assert (done.returncode, done.stderr) == (3, "")


def test_an_older_commands_record_does_not_count(machine: Machine, log: Path) -> None:
    log.write_text(LOG)
    time.sleep(2)
    done = machine.run("test", "//...", BAZEL_REAL=str(machine.program("real", "exit 0")))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["build", "run"])
def test_other_commands_become_bazel(machine: Machine, log: Path, command: str) -> None:
    done = machine.run(command, "//:test", BAZEL_REAL=_bazel(machine, log, LOG))
    assert (done.returncode, done.stderr) == (3, "")


def test_the_end_by_a_signal_is_said_as_shells_do(machine: Machine, log: Path) -> None:
    real = machine.program("real", "kill -KILL $$")
    assert machine.run("test", BAZEL_REAL=str(real)).returncode == 128 + signal.SIGKILL


def test_a_signal_reaches_bazel(machine: Machine, log: Path) -> None:
    """SIGTERM to the front door alone, as a supervisor sends it."""
    real = machine.program("real", "trap 'exit 8' TERM; echo ready; while :; do sleep 0.1; done")
    with machine.start("test", BAZEL_REAL=str(real)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(30) == 8
