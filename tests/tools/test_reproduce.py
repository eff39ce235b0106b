"""tools/verify-reproducible on a stand-in for Bazel: what it varies, says, returns and leaves."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.tools.machine import Machine


class Verification:
    """A checkout whose image depends on one thing."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.work = machine, folder / "work"
        self.work.mkdir()
        tools = machine.checkout / "tools"
        shutil.copytree(
            "tools/reproduce", tools / "reproduce", ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copy("tools/verify-reproducible", tools)
        shutil.copy("tests/tools/bazel_standin.py", tools / "bazel")
        (tools / "bazel").chmod(0o755)
        machine.user_bazelrc.write_text("common --config=hub\n")

    def start(self, depends: str, *arguments: str) -> subprocess.Popen[str]:
        (self.machine.checkout / "depends").write_text(depends)
        return subprocess.Popen(
            [
                self.machine.checkout / "tools/verify-reproducible",
                f"--work={self.work}",
                *arguments,
            ],
            env=self.machine.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, depends: str, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and messages; nothing may be left behind."""
        with self.start(depends, *arguments) as process:
            output, errors = process.communicate(timeout=60)
        assert "Traceback" not in errors, errors
        if "--keep" not in arguments:
            assert list(self.work.iterdir()) == []
        return process.returncode, output, errors


@pytest.fixture
def verification(machine: Machine, tmp_path: Path) -> Verification:
    return Verification(machine, tmp_path)


def test_equal_builds(verification: Verification) -> None:
    code, output, errors = verification.run("nothing")
    assert code == 0, errors
    assert [line.split()[1] for line in output.splitlines()] == ["bill.json", "image"]
    assert errors.splitlines()[-1] == (
        "tools/verify-reproducible: 2 digests are equal in both builds"
    )


@pytest.mark.parametrize("depends", ["umask", "path", "zone", "home", "hash seed", "language"])
def test_an_image_that_depends_on_its_surroundings(
    verification: Verification, depends: str
) -> None:
    code, output, errors = verification.run(depends)
    assert code == 1
    assert re.search(r"^sha256:\w+  image, then sha256:\w+$", output, re.M)
    assert "1 of 2 digests differ" in errors
    assert re.search(r'reproducible: image: config: Env\[0\]: .*" / .*"$', errors, re.M), errors


def test_what_differed_is_read_from_inside_the_build(verification: Verification) -> None:
    _, _, errors = verification.run("nothing")
    (differed,) = re.findall(r"these differed: (.*)", errors)
    for name in ("umask", "path", "zone", "home", "hash seed", "language"):
        assert name in differed.split(", ")
    assert "not varied: clock: in mirror mode only" in errors


def test_every_action_comes_from_the_cache(verification: Verification) -> None:
    code, output, errors = verification.run("nothing", "--cache")
    assert (code, output) == (0, "")
    assert errors.splitlines()[-1] == (
        "tools/verify-reproducible: 2 of 2 actions came from the first build's cache"
    )


@pytest.mark.parametrize("depends", ["umask", "path", "home", "language"])
def test_an_action_whose_input_depends_on_its_surroundings(
    verification: Verification, depends: str
) -> None:
    code, output, errors = verification.run(depends, "--cache")
    assert code == 1
    assert "1 of 2 actions came from the first build's cache" in errors
    assert output == "Layer //image:dependent (dependent.tar.gz): other inputs: python/os.pyc\n"


def test_an_expected_digest(verification: Verification) -> None:
    _, output, _ = verification.run("nothing")
    digest = next(line.split()[0] for line in output.splitlines() if line.endswith("  image"))
    for once in ([], ["--once"]):
        code, _, errors = verification.run("nothing", "--expect", digest, *once)
        assert (code, errors.splitlines()[-1]) == (
            0,
            f"tools/verify-reproducible: {digest} is image of these sources",
        )
    other = "sha256:" + "0" * 64
    code, output, errors = verification.run("nothing", "--once", "--expect", other)
    assert code == 1
    assert f"{other} is nothing that these sources give" in errors
    assert f"{digest}  image" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--expect", "sha256:12"],
            "--expect sha256:12: a digest is sha256: and 64 of 0-9 and a-f",
        ),
        (["--cache", "--once"], "--cache compares no digest: give it without --once and --expect"),
        (["--once"], "--once has nothing to compare with: give --expect too"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_wrong_usage(verification: Verification, arguments: list[str], message: str) -> None:
    code, output, errors = verification.run("nothing", *arguments)
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert message in errors


def test_a_failed_build(verification: Verification) -> None:
    code, _, errors = verification.run("failure")
    assert code == 3
    assert errors == (
        "tools/verify-reproducible: the first build failed: ERROR: no such thing as //image\n"
    )


def test_no_mode(verification: Verification) -> None:
    verification.machine.user_bazelrc.unlink()
    code, _, errors = verification.run("nothing")
    assert code == 3
    assert "no mode is chosen yet: tools/bazel --mode=hub or --mode=mirror" in errors


def test_a_work_folder_that_is_not_there(verification: Verification) -> None:
    code, _, errors = verification.run("nothing", "--work=/nowhere")
    assert (code, errors.count("\n")) == (3, 1)
    assert "/nowhere" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(verification: Verification, number: signal.Signals) -> None:
    with verification.start("for ever") as process:
        end = time.monotonic() + 60
        while not list(verification.work.glob("*/began")):
            assert time.monotonic() < end, "the first build never began"
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "tools/verify-reproducible: interrupted; nothing is left behind\n"
    # Bazel was told, and the folder went after it.
    assert [path.name for path in verification.work.iterdir()] == ["was-interrupted"]


def test_kept_builds(verification: Verification) -> None:
    _, _, errors = verification.run("nothing", "--keep")
    (kept,) = verification.work.iterdir()
    assert f"what was built is in {kept}" in errors
    assert (kept / "first/home/was-shut-down").exists()
    modes = [
        (kept / checkout / "tools/bazel").stat().st_mode & 0o777
        for checkout in ("first/checkout", "second/another check out/of the sources")
    ]
    assert modes == [0o755, 0o700]


def test_diffoscope_is_asked_where_it_is(verification: Verification) -> None:
    script = '[ ! -L "$4" ] && [ -f "$4" ] && echo "diffoscope of $4"; seq 100'
    verification.machine.program("diffoscope", script)
    _, output, errors = verification.run("umask")
    assert "diffoscope of /" in output
    assert "41 further lines of diffoscope's are left out" in errors


def test_ignored_files_are_not_copied(verification: Verification) -> None:
    checkout = verification.machine.checkout
    for name in (".venv/big", "bazel-out/big", "app/__pycache__/x.pyc", "app/main.py"):
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    verification.run("nothing", "--keep")
    (kept,) = verification.work.iterdir()
    copied = {
        path.relative_to(kept / "first/checkout") for path in kept.glob("first/checkout/**/*")
    }
    assert Path("app/main.py") in copied
    assert not any("big" in path.name or path.suffix == ".pyc" for path in copied)


def test_what_is_lent_is_never_removed(tmp_path: Path) -> None:
    """The private root file system is shown in a folder that is then removed."""
    lent, work = tmp_path / "lent", tmp_path / "a work"
    lent.mkdir()
    (lent / "precious").touch()
    shown, link = work / "home/shown", work / "home/link"
    shown.mkdir(parents=True)
    link.symlink_to(lent)
    # In a process of its own: its mounts are gone with it.
    script = (
        "import os, sys; from frontdoor import namespace; from reproduce import machine\n"
        "assert machine.isolate()\n"
        "namespace.bind(sys.argv[1], sys.argv[2])\n"
        "assert os.listdir(sys.argv[2]) == ['precious']\n"
        "try: os.unlink(sys.argv[2] + '/precious')\n"
        "except OSError: machine.remove(sys.argv[3])\n"
    )
    if os.getuid() != 0:
        pytest.skip("only root mounts: the lent folder was NOT tested")
    subprocess.run(
        ["/usr/bin/python3", "-c", script, lent, shown, work],
        env={"PYTHONPATH": "tools"},
        check=True,
    )
    assert not work.exists()
    assert [path.name for path in lent.iterdir()] == ["precious"]
