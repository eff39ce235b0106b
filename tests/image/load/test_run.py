"""The engine's command line for `bazel run //image:run`."""

import argparse
from pathlib import Path

import pytest
from load import run
from load.containerd import Containerd
from load.docker import Docker
from load.engine import Engine
from load.errors import LoadError
from load.podman import Podman

from tests.image.load import tiny


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("docker", "podman"):
        tiny.program(tmp_path / "programs", name, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    monkeypatch.setattr("load.host._INSIDE", str(tmp_path / "not-inside"))
    return tmp_path / "programs"


def _words(engine: Engine, folder: Path, env_file: str | None = None) -> list[str]:
    options = argparse.Namespace(
        memory="256m", port="18000", env_file=env_file, engine_option=[], command=[]
    )
    return run.command(engine, tiny.image(folder / "image"), "app:latest", options)


@pytest.mark.parametrize("engine", [Podman(), Docker("unix:///some.sock")])
def test_a_container_is_restricted(tmp_path: Path, engine: Engine) -> None:
    words = " ".join(_words(engine, tmp_path))
    for option in (
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--memory 256m",
        "--memory-swap 256m",
        "--pids-limit 128",
        "--publish 127.0.0.1:18000:8000",
    ):
        assert option in words
    assert words.endswith(" app:latest")


def test_the_variables_file_is_the_users(tmp_path: Path) -> None:
    """Relative to where the user is: `bazel run` starts elsewhere."""
    (tmp_path / ".env").write_text("NAME=value\n")
    words = _words(Podman(), tmp_path, ".env")
    assert words[words.index("--env-file") + 1] == str(tmp_path / ".env")


def test_a_missing_variables_file_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"--env-file: .*/\.env can't be read: No such file"):
        _words(Podman(), tmp_path, ".env")


@pytest.mark.parametrize("line", ["NAME='fake value'", 'NAME="fake value"', "export NAME=fake"])
def test_what_only_a_shell_understands_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"# 'Quotes' here are none.\n{line}\n")
    with pytest.raises(LoadError, match=r"line 2: engines take `export` and quotes") as refused:
        _words(Podman(), tmp_path, ".env")
    assert "fake" not in str(refused.value)


def test_a_node_runs_pods_only(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"containerd runs pods, .*: bazel run //deploy:apply"):
        _words(Containerd(), tmp_path)


def test_without_the_engines_client(tmp_path: Path, programs: Path) -> None:
    (programs / "docker").unlink()
    with pytest.raises(LoadError, match="no program docker can be started from here"):
        _words(Docker("unix:///some.sock"), tmp_path)
