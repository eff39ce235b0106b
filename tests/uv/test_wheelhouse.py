"""wheelhouse.py: the folder that a portable lock names, and plain uv that installs from it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.uv.index import Index, make_wheel, sha256
from uv.private.lock import relock

PYPROJECT = """\
[project]
name = "project"
version = "1"
requires-python = "==3.13.*"
dependencies = ["top"]

[dependency-groups]
dev = ["tool"]
"""


@pytest.fixture
def project(uv: Path, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a portable lock; what Bazel downloads lies in `downloads`."""
    make_wheel(index.folder, "top", "1.0", requires=("leaf",))
    make_wheel(index.folder, "leaf", "1.0")
    make_wheel(index.folder, "tool", "1.0")
    for name, value in (index.environ(tmp_path) | {"PATH": "/usr/bin:/bin"}).items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    relock(str(uv), folder, [], "portable")
    shutil.copytree(index.folder, tmp_path / "downloads")
    return folder


def run(project: Path, *, source_only: str = "") -> subprocess.CompletedProcess[str]:
    """`bazel run //:wheelhouse` in this workspace, with what `locked_wheels` gives it."""
    lock = (project / "uv.lock").read_text()
    entries = [
        {"file": file, "path": None if file == source_only else f"downloads/{file}", "sha256": sha}
        for file, sha in re.findall(r'"(?:[^"]*/)?([^"/]*)", hash = "sha256:(.*?)"', lock)
    ]
    (project.parent / "list.json").write_text(json.dumps(entries))
    command = [sys.executable, "-m", "uv.private.wheelhouse", "--list=list.json", "--folder="]
    environ = os.environ | {
        "BUILD_WORKSPACE_DIRECTORY": str(project),
        "PYTHONPATH": str(Path.cwd()),
    }
    return subprocess.run(
        command, cwd=project.parent, env=environ, capture_output=True, text=True, check=False
    )


def sync(uv: Path, project: Path) -> list[str]:
    """What plain `uv sync --frozen --offline` installs, without a cache, a setting or an index."""
    environ = {"HOME": str(project / "home"), "PATH": "/usr/bin:/bin", "UV_NO_CACHE": "1"}
    command = [str(uv), "sync", "--frozen", "--offline", f"--python={sys.executable}"]
    done = subprocess.run(
        command, cwd=project, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return re.findall(r"^ \+ (\S+)", done.stderr, re.MULTILINE)


def test_uv_installs_from_it_here_and_where_it_is_copied(
    uv: Path, index: Index, project: Path, tmp_path: Path
) -> None:
    done = run(project)
    assert done.returncode == 0, done.stderr
    wheelhouse = project / "wheelhouse"
    assert done.stdout == f"{wheelhouse} holds 3 wheels of uv.lock, 3 of them new.\n"
    assert {file.name: sha256(file) for file in wheelhouse.iterdir()} == {
        file.name: sha256(file) for file in index.folder.iterdir()
    }
    index.status = 500
    asked = len(index.requests)
    assert sync(uv, project) == ["leaf==1.0", "tool==1.0", "top==1.0"]
    away = tmp_path / "away" / "project"
    away.mkdir(parents=True)
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(project / name, away)
    shutil.copytree(wheelhouse, away / "wheelhouse")
    wheelhouse.rename(project / "gone")
    assert sync(uv, away) == ["leaf==1.0", "tool==1.0", "top==1.0"]
    assert len(index.requests) == asked


def test_what_is_there_stays_and_what_is_damaged_is_replaced(uv: Path, project: Path) -> None:
    run(project)
    wheelhouse = project / "wheelhouse"
    (wheelhouse / "mine.whl").write_text("")
    (wheelhouse / "leaf-1.0-py3-none-any.whl").write_text("damaged")
    kept = (wheelhouse / "top-1.0-py3-none-any.whl").stat().st_mtime_ns
    assert run(project).stdout.endswith("holds 3 wheels of uv.lock, 1 of them new.\n")
    assert (wheelhouse / "top-1.0-py3-none-any.whl").stat().st_mtime_ns == kept
    assert (wheelhouse / "mine.whl").exists()
    assert sync(uv, project) == ["leaf==1.0", "tool==1.0", "top==1.0"]


def test_another_file_than_the_locked_one(project: Path) -> None:
    (project.parent / "downloads/leaf-1.0-py3-none-any.whl").write_text("another")
    done = run(project)
    assert done.returncode == 1
    assert done.stderr == (
        "leaf-1.0-py3-none-any.whl is not the file that uv.lock pins by sha256. "
        "Run `bazel clean --expunge`, then this again.\n"
    )
    assert not [file for file in (project / "wheelhouse").iterdir() if "leaf" in file.name]
    assert not list((project / "wheelhouse").glob(".*"))


def test_a_folder_that_cannot_be_made(project: Path) -> None:
    (project / "wheelhouse").write_text("a file")
    done = run(project)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{project / 'wheelhouse'} is not complete. File exists: ")
    assert done.stderr.count("\n") == 1


def test_what_a_wheelhouse_is_of_no_use_for(uv: Path, project: Path) -> None:
    done = run(project, source_only="leaf-1.0-py3-none-any.whl")
    assert "sources alone, which uv has to build: leaf-1.0-py3-none-any.whl." in done.stdout
    relock(str(uv), project, [], "plain")
    assert run(project).stdout.endswith("`uv_lock(portable = True)` changes that.\n")
