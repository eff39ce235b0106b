"""Bazel killed, started twice, or out of disk: the build afterwards gives the same digest."""

import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest

from tests import small_disk
from tests.image.consumer.workspace import Workspace
from tests.nested import fill, tools

TARGETS = ("//:image", "//:image_index")

# How a line begins that Bazel says in each phase; of actions `--subcommands` says when each starts.
PHASES = {
    "the module graph": r"Computing main repo mapping",
    "loading": r"Loading:",
    "analysis": r"Analyzing: .*\d+ targets? configured",
    "actions": r"SUBCOMMAND: ",
    "the last actions": r"SUBCOMMAND: # //:image_(linux|index)",
}


@pytest.fixture(scope="module")
def expected(workspace: Workspace) -> str:
    """The index's digest of a build that nothing disturbed."""
    workspace.write()
    done = workspace.bazel("build", *TARGETS)
    assert done.returncode == 0, done.stderr
    return workspace.digest()


def _kill_when(workspace: Workspace, phase: str, output: str) -> bool:
    """Builds, and kills server and client when the phase is reached; whether it was."""
    seen = False
    options = ("--subcommands", "--show_progress_rate_limit=0")
    with workspace.start("build", *options, *TARGETS, output=output) as build:
        assert build.stderr is not None
        for line in build.stderr:
            if re.match(PHASES[phase], line):
                server = workspace.folder / output / "server/server.pid.txt"
                os.kill(int(server.read_text()), signal.SIGKILL)
                build.kill()
                seen = True
                break
    return seen


def test_killed_in_each_phase(workspace: Workspace, expected: str) -> None:
    """One after the other, each on what those before it left; the next test has the fetching."""
    reached = [phase for phase in PHASES if _kill_when(workspace, phase, "killed")]
    assert reached == list(PHASES)
    done = workspace.bazel("build", *TARGETS, output="killed")
    workspace.bazel("shutdown", output="killed")
    assert done.returncode == 0, done.stderr
    assert workspace.digest() == expected


def test_killed_while_a_wheel_is_downloaded(workspace: Workspace, expected: str) -> None:
    """The index answers nothing until Bazel is gone: the wheel is there in part, or not at all."""
    index, asked, killed = workspace.index, threading.Event(), threading.Event()

    def hold(content: bytes) -> bytes:
        asked.set()
        killed.wait(60)
        return content

    cache, workspace.cache = workspace.cache, workspace.folder / "empty cache"
    fill(workspace.cache, tools())
    index.damage = hold
    try:
        with workspace.start("build", *TARGETS, output="fetching") as build:
            assert asked.wait(120)
            server = workspace.folder / "fetching/server/server.pid.txt"
            os.kill(int(server.read_text()), signal.SIGKILL)
            build.kill()
        killed.set()
        index.damage = bytes
        done = workspace.bazel("build", *TARGETS, output="fetching")
    finally:
        killed.set()
        index.damage = bytes
        workspace.cache = cache
    workspace.bazel("shutdown", output="fetching")
    assert done.returncode == 0, done.stderr
    assert workspace.digest() == expected


def test_two_builds_at_once_in_one_checkout(workspace: Workspace, expected: str) -> None:
    """The second waits for the first, and says so."""
    builds = [workspace.start("build", *TARGETS, output="twice") for _ in range(2)]
    said = [build.communicate()[1] for build in builds]
    workspace.bazel("shutdown", output="twice")
    assert [build.returncode for build in builds] == [0, 0], said
    assert len([text for text in said if "Another command" in text]) == 1, said
    assert workspace.digest() == expected


def test_two_builds_at_once_that_share_a_cache(workspace: Workspace, expected: str) -> None:
    cache, workspace.cache = workspace.cache, workspace.folder / "shared cache"
    fill(workspace.cache, tools())
    try:
        # `bazel-bin` is the checkout's: each has its own links.
        builds = [
            workspace.start("build", f"--symlink_prefix={name}-", *TARGETS, output=name)
            for name in ("one", "other")
        ]
        said = [build.communicate()[1] for build in builds]
    finally:
        workspace.cache = cache
    for name in ("one", "other"):
        workspace.bazel("shutdown", output=name)
    assert [build.returncode for build in builds] == [0, 0], said
    assert [workspace.digest(links=f"{name}-bin") for name in ("one", "other")] == [expected] * 2


def test_a_full_disk(workspace: Workspace, expected: str) -> None:
    """All of Bazel's output lies on it: an action finds no room."""
    disk = workspace.folder / "small"
    disk.mkdir(exist_ok=True)
    output = "small/output"
    within = (sys.executable, "-I", small_disk.__file__, str(disk), "700000")
    # The server lives within, so it has to go before the disk does.
    ends = ("/bin/sh", "-c", '"$@"; code=$?; kill "$(cat "$0")"; exit $code')
    server = str(workspace.folder / output / "server/server.pid.txt")
    done = workspace.bazel("build", *TARGETS, output=output, within=(*within, *ends, server))
    if done.returncode == small_disk.SKIPPED:
        pytest.skip(f"NOTHING was built, user namespaces are forbidden: {done.stderr}")
    assert done.returncode != 0
    assert re.search(r"No space left on device|the disk is full", done.stderr), done.stderr
    again = workspace.bazel("build", *TARGETS, output=output)
    workspace.bazel("shutdown", output=output)
    assert again.returncode == 0, again.stderr
    assert workspace.digest() == expected
    assert Path(workspace.root, "bazel-bin").resolve().is_relative_to(workspace.folder / output)
