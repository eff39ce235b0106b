"""create_venv, sync_venv and pip_compile run uv on the base's interpreter; no index is asked."""

import os
import pathlib
import subprocess
import zipfile

import pytest

from tests.registry import layouts

CREATE = layouts.FOLDER / "venv.sh"
SYNC = layouts.FOLDER / "venv_sync.sh"
COMPILE = layouts.FOLDER / "requirements.sh"
CHECK = layouts.FOLDER / "requirements_test.sh"


@pytest.fixture
def workspace(tmp_path: pathlib.Path) -> pathlib.Path:
    """An empty workspace, and beside it a folder with two versions of a wheel."""
    (tmp_path / "wheels").mkdir()
    for version in ("1.0", "2.0"):
        info = f"demo-{version}.dist-info"
        path = tmp_path / "wheels" / f"demo-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr("demo.py", f"version = '{version}'\n")
            wheel.writestr(f"{info}/METADATA", f"Name: demo\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace"


def run(
    program: pathlib.Path, workspace: pathlib.Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a program as `bazel run` does, with nothing but the folder of wheels as an index."""
    environment = {
        "BUILD_WORKSPACE_DIRECTORY": str(workspace),
        "HOME": str(workspace.parent),
        "PATH": os.environ["PATH"],
        "RUNFILES_DIR": os.environ["RUNFILES_DIR"],
        "UV_CACHE_DIR": str(workspace.parent / "cache"),
        "UV_FIND_LINKS": str(workspace.parent / "wheels"),
        "UV_OFFLINE": "1",
        "UV_NO_CONFIG": "1",
        "UV_LINK_MODE": "copy",
    } | more
    return subprocess.run(
        [program.absolute(), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def demo_version(venv: pathlib.Path) -> str:
    """Version of the package that is installed in an environment."""
    code = "import demo, sys, extra; assert sys.prefix != sys.base_prefix; print(demo.version)"
    return subprocess.check_output([venv / "bin" / "python", "-c", code], text=True).strip()


def test_create(workspace: pathlib.Path) -> None:
    for _ in range(2):  # The second time it is made anew.
        result = run(CREATE, workspace)
        assert result.returncode == 0, result.stderr
        assert f"source {workspace}/.environment/bin/activate" in result.stdout
        assert demo_version(workspace / ".environment") == "1.0"
        left = workspace / ".environment" / "left"
        assert not left.exists()
        left.touch()


def test_create_elsewhere(workspace: pathlib.Path) -> None:
    assert run(CREATE, workspace, "other/place").returncode == 0
    assert demo_version(workspace / "other" / "place") == "1.0"


def test_sync_keeps_the_environment(workspace: pathlib.Path) -> None:
    assert run(CREATE, workspace).returncode == 0
    left = workspace / ".environment" / "left"
    left.touch()
    result = run(SYNC, workspace)
    assert result.returncode == 0, result.stderr
    assert left.exists()


@pytest.mark.parametrize("place", [".", "/", "x/.."])
def test_no_place_for_an_environment(place: str, workspace: pathlib.Path) -> None:
    result = run(CREATE, workspace, place)
    assert result.returncode == 1
    assert result.stderr == f"rules_uv: {place} is no place for a virtual environment\n"


def test_two_places_for_an_environment(workspace: pathlib.Path) -> None:
    result = run(CREATE, workspace, "one", "two")
    assert result.returncode == 1
    assert result.stderr == (
        "rules_uv: one argument at most: the path of the virtual environment\n"
    )


def test_an_environment_without_a_workspace(workspace: pathlib.Path) -> None:
    result = run(CREATE, workspace, BUILD_WORKSPACE_DIRECTORY="")
    assert result.returncode == 1
    assert result.stderr == (
        "rules_uv: BUILD_WORKSPACE_DIRECTORY is not set: start this by bazel run\n"
    )


def test_folder_that_is_no_environment_is_kept(workspace: pathlib.Path) -> None:
    (workspace / ".environment").mkdir()
    (workspace / ".environment" / "mine").touch()
    result = run(CREATE, workspace)
    assert result.returncode == 1
    assert result.stderr.endswith("rules_uv: uv venv ended with exit code 2\n")
    assert (workspace / ".environment" / "mine").exists()


def test_uv_fails(workspace: pathlib.Path) -> None:
    for wheel in (workspace.parent / "wheels").iterdir():
        wheel.unlink()
    result = run(CREATE, workspace)
    assert result.returncode == 1
    assert result.stderr.endswith("rules_uv: uv pip install ended with exit code 1\n")


def test_check_finds_what_is_out_of_date(workspace: pathlib.Path) -> None:
    """The committed file pins 1.0; uv keeps a pin that fits, and misses one that is gone."""
    assert run(CHECK, workspace).returncode == 0
    (workspace.parent / "wheels" / "demo-1.0-py3-none-any.whl").unlink()
    result = run(CHECK, workspace)
    assert result.returncode == 1
    assert "+demo==2.0" in result.stderr
    assert result.stderr.endswith("is out of date: run bazel run //tests/registry:requirements\n")
