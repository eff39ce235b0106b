"""container_structure_test runs the real program, and fails when the image is not as it says."""

import os
import pathlib
import subprocess

from tests.registry import layouts

FAILING = layouts.FOLDER / "structure_failing.sh"


def run(program: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": os.environ["TEST_TMPDIR"],
        "PATH": os.environ["PATH"],
        "RUNFILES_DIR": os.environ["RUNFILES_DIR"],
        "TMPDIR": os.environ["TEST_TMPDIR"],
    }
    return subprocess.run(
        [program.absolute(), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_missing_file_is_a_failure() -> None:
    result = run(FAILING)
    assert result.returncode == 1
    assert "--- FAIL" in result.stdout
    assert "a file that is not there" in result.stdout


def test_arguments_reach_the_program() -> None:
    result = run(FAILING, "--output", "json")
    assert '"Fail":1' in result.stdout
