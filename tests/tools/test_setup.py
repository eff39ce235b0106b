"""Mirror mode's set-up: once, by one run at a time, whole or not at all."""

import os
import signal
from pathlib import Path

import pytest
from frontdoor import recipe

from tests.tools.archive import MIRROR, Archive

STAGES = ("update", "plan", "download", "unpack")


def test_the_first_run_sets_up_and_goes_on(archive: Archive) -> None:
    first = archive.run()
    assert first.returncode == 7, first.stderr
    lines = first.stderr.splitlines()
    assert "setting up mirror mode, once: Bazel and its tools from Debian forky in " in lines[0]
    assert "9 packages, " in lines[1]
    assert lines[-1].startswith("tools/bazel: mirror mode is set up: Bazel 7.7.1, ")
    archive.assert_whole()
    stages = archive.stages()
    second = archive.run()
    assert (second.returncode, second.stderr) == (7, "")
    assert archive.stages() == stages


def test_what_is_made_of_the_packages(archive: Archive) -> None:
    archive.run()
    tree = archive.tree
    bundle = tree / "etc/ssl/certs/ca-certificates.crt"
    assert bundle.read_text() == "certificate a\ncertificate b\n"
    assert (tree / "usr/bin/awk").readlink() == Path("mawk")
    library = f"../../lib/{os.uname().machine}-linux-gnu/libzstd-jni.so"
    assert (tree / "usr/share/bazel/libzstd-jni.so").readlink() == Path(library)
    assert not (tree / "usr/share/man").exists()
    for folder in ("python3.99", "python3.99/json", "python3/dist-packages"):
        (file,) = (tree / "usr/lib" / folder).glob("*.compiled")
        assert file.read_text().startswith("-I -S -m compileall -q "), folder
    assert not (tree / "etc/bazel").exists()
    assert (tree / "usr/bin/bazel").stat().st_mode & 0o7777 == 0o755
    assert archive.machine.cache.stat().st_mode & 0o777 == 0o700


def test_apt_gets_the_machines_configuration_for_fetching_only(archive: Archive) -> None:
    archive.run()
    configuration = (archive.machine.home / "apt.conf").read_text()
    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in configuration
    assert 'Dir::Etc::netrc "/etc/apt/auth.conf";' in configuration
    assert "IndexTargets" not in configuration
    assert "Post-Invoke" not in configuration


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_moment_the_next_run_recovers(archive: Archive, stage: str) -> None:
    process = archive.start(stage)
    process.kill()
    process.communicate()
    archive.go_on()
    assert recipe.key() not in archive.left()
    assert archive.run().returncode == 7
    archive.assert_whole()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_ended_by_a_signal_it_cleans_up(archive: Archive, number: int, code: int) -> None:
    process = archive.start("unpack")
    process.send_signal(number)
    archive.go_on()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert errors.splitlines()[-1].endswith("; the same command goes on from here")
    assert archive.left() == ["fetching", "lock"]


def test_two_first_runs_at_once(archive: Archive) -> None:
    first = archive.start("update")
    second = archive.machine.start("info", FASTAPI_IMAGE_DEBIAN_MIRROR=MIRROR)
    assert second.stderr is not None
    assert second.stderr.readline() == (
        "tools/bazel: another run is at work on the set-up of mirror mode; waiting for it\n"
    )
    archive.go_on()
    assert second.communicate(timeout=60)[1] == ""
    first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (7, 7)
    assert archive.stages().count("update") == 1
    archive.assert_whole()


@pytest.mark.parametrize("record", ["", "bazel 7.7.1\n", "\x00\x00\x00"])
def test_a_record_that_is_not_whole(archive: Archive, record: str) -> None:
    final = archive.machine.cache / recipe.key()
    (final / "tree/usr").mkdir(parents=True)
    (final / "made").write_text(record)
    assert archive.run().returncode == 7
    archive.assert_whole()


def test_what_a_lost_run_left_is_removed(archive: Archive) -> None:
    locked = archive.machine.cache / "tmp-1/tree/locked"
    locked.mkdir(parents=True)
    (locked / "file").touch()
    locked.chmod(0o500)
    archive.run()
    archive.assert_whole()
