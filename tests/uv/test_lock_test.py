"""lock_test.py: whether a lock fits, by uv's judgement, from the files that the test is given."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.uv.index import Index, make_wheel
from uv.private.lock import relock

PYPROJECT = """\
[project]
name = "project"
version = "1"
requires-python = "==3.13.*"
dependencies = ["top"]
"""


@pytest.fixture(autouse=True)
def settings(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whoever writes the lock: the test sees none of them."""
    for name, value in index.environ(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture(params=["plain", "portable"])
def form(request: pytest.FixtureRequest) -> str:
    """The lock's form."""
    return str(request.param)


@pytest.fixture
def project(index: Index, tmp_path: Path) -> Path:
    """A project whose dependency is on the index."""
    for name in ("top", "leaf"):
        make_wheel(index.folder, name, "1.0")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


def fits(uv: Path, folder: Path, *files: str) -> str:
    """Run the test, without the index and its cache; what it says when the lock doesn't fit."""
    command = [sys.executable, "-m", "uv.private.lock_test", f"--uv={uv}"]
    command += ["--remedy=bazel run //:lock", "uv.lock", *(files or ("pyproject.toml",))]
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), "UV_NO_CACHE": "1"}
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert done.returncode == (1 if done.stderr else 0)
    assert done.stderr.count("\n") == (1 if done.stderr else 0), done.stderr
    assert done.stderr or done.stdout == "uv.lock fits pyproject.toml.\n"
    return done.stderr


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_lock_that_fits(
    uv: Path, index: Index, project: Path, form: str, elsewhere: bool
) -> None:
    """The index that it names need not answer, nor be configured; uv may be another."""
    relock(str(uv), project, [], form)
    if elsewhere:
        required = "[tool.uv]\nrequired-version = '==0.0.1'\n"
        (project / "pyproject.toml").write_text(PYPROJECT + required)
    index.status = 500
    asked = len(index.requests)
    assert fits(uv, project) == ""
    assert len(index.requests) == asked


CHANGES = {
    "a further dependency": (
        ('["top"]', '["top", "leaf"]'),
        "mismatched requirements for: `project==1` (leaf)",
    ),
    "another bound": (
        ('["top"]', '["top>=1"]'),
        "mismatched requirements for: `project==1` (top)",
    ),
    "a group": (
        ("dependencies", "dependencies"),
        "mismatched dependency groups for: `project==1` (leaf)",
    ),
    "another Python": (("==3.13.*", ">=3.12"), "Python"),
    "a setting": (("", ""), "change in pre-release mode"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_lock_that_does_not_fit(uv: Path, project: Path, form: str, case: str) -> None:
    relock(str(uv), project, [], form)
    change, reason = CHANGES[case]
    text = PYPROJECT.replace(*change, 1)
    text += {
        "a group": "[dependency-groups]\ndev = ['leaf']\n",
        "a setting": "[tool.uv]\nprerelease = 'allow'\n",
    }.get(case, "")
    (project / "pyproject.toml").write_text(text)
    said = fits(uv, project)
    assert re.match(r"uv\.lock does not fit pyproject\.toml: .*Run `bazel run //:lock`\.\n", said)
    assert reason in said
    relock(str(uv), project, [], "keep")
    assert fits(uv, project) == ""


def test_a_version_that_no_index_has(uv: Path, project: Path, form: str) -> None:
    relock(str(uv), project, [], form)
    (project / "pyproject.toml").write_text(PYPROJECT.replace('"top"', '"top>=999"'))
    assert "does not fit pyproject.toml: mismatched requirements" in fits(uv, project)


@pytest.mark.parametrize("content", ["{{{", "version = 99\n", ""])
def test_a_lock_that_is_none(uv: Path, project: Path, content: str) -> None:
    (project / "uv.lock").write_text(content)
    said = fits(uv, project)
    assert said.startswith("uv.lock can't be read: ")
    assert said.endswith("Run `bazel run //:lock`.\n")


def test_a_pyproject_that_is_none(uv: Path, project: Path) -> None:
    relock(str(uv), project, [], "plain")
    (project / "pyproject.toml").write_text("[project")
    assert "can't be judged: Failed to parse: pyproject.toml: TOML parse error" in fits(uv, project)


def test_folders_of_wheels(
    uv: Path, index: Index, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not among the test's files, and need not be there."""
    links = project / "links"
    index.folder.rename(links)
    index.folder.mkdir()
    (project / "pyproject.toml").write_text(
        PYPROJECT + "[tool.uv]\nfind-links = ['links']\nno-index = true\n"
    )
    relock(str(uv), project, [], "plain")
    assert fits(uv, project) == ""

    (project / "pyproject.toml").write_text(PYPROJECT)
    (project / "uv.lock").unlink()
    monkeypatch.setenv("UV_FIND_LINKS", str(links))
    relock(str(uv), project, [], "plain")
    links.rename(project / "gone")
    assert fits(uv, project) == ""


# Workspaces

ROOT = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'


@pytest.fixture
def members(project: Path) -> Path:
    """A virtual root with two members."""
    for name, requires in (("app", '["top", "common"]'), ("common", '["leaf"]')):
        folder = project / "packages" / name
        folder.mkdir(parents=True)
        text = PYPROJECT.replace('project"', f'{name}"', 1).replace('["top"]', requires)
        text += "[tool.uv.sources]\ncommon = { workspace = true }\n"
        (folder / "pyproject.toml").write_text(text)
    (project / "pyproject.toml").write_text(ROOT)
    return project


def test_members(uv: Path, members: Path, form: str) -> None:
    files = ["pyproject.toml", "packages/app/pyproject.toml", "packages/common/pyproject.toml"]
    relock(str(uv), members, [], form)
    assert fits(uv, members, *files) == ""
    assert fits(uv, members, *files[:2]) == (
        "uv.lock names packages/common, which the test does not see. If it is still part of the "
        "project, add it (of a folder, pyproject.toml) to `srcs`; if not, "
        "run `bazel run //:lock`.\n"
    )
    member = members / files[2]
    member.write_text(member.read_text().replace('["leaf"]', "[]"))
    assert "does not fit pyproject.toml: mismatched requirements for: `common==1` (leaf)" in fits(
        uv, members, *files
    )


def test_a_source_outside_of_the_workspace(uv: Path, project: Path) -> None:
    beside = project.parent / "beside"
    beside.mkdir()
    (beside / "pyproject.toml").write_text(PYPROJECT.replace('"project"', '"beside"', 1))
    source = "[tool.uv.sources]\ntop = { path = '../beside' }\n".replace("top", "beside")
    (project / "pyproject.toml").write_text(PYPROJECT.replace('"top"', '"beside"') + source)
    relock(str(uv), project, [], "plain")
    assert fits(uv, project).startswith("uv.lock names ../beside, which lies outside of the Bazel")


def test_a_dynamic_version(uv: Path, index: Index, members: Path) -> None:
    """The test needs no backend for it, and no file that it comes from."""
    backend = """\
import pathlib

def prepare_metadata_for_build_wheel(folder, settings=None):
    version = pathlib.Path("VERSION").read_text().strip()
    info = pathlib.Path(folder, f"common-{version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\\nName: common\\nVersion: {version}\\nRequires-Dist: leaf\\n"
    )
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nTag: py3-none-any\\n")
    return info.name

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
"""
    make_wheel(index.folder, "backend", "1.0", {"backend.py": backend})
    common = members / "packages" / "common"
    text = (common / "pyproject.toml").read_text().replace('version = "1"', 'dynamic = ["version"]')
    text += "[build-system]\nrequires = ['backend']\nbuild-backend = 'backend'\n"
    (common / "pyproject.toml").write_text(text)
    (common / "VERSION").write_text("7\n")
    relock(str(uv), members, [], "plain")
    files = ["pyproject.toml", "packages/app/pyproject.toml", "packages/common/pyproject.toml"]
    assert fits(uv, members, *files) == ""


def test_dynamic_dependencies(
    uv: Path, index: Index, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = """\
import pathlib

def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder, "project-1.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.4\\nName: project\\nVersion: 1\\nRequires-Dist: top\\n"
    )
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nTag: py3-none-any\\n")
    return info.name

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
"""
    make_wheel(index.folder, "backend", "1.0", {"backend.py": backend})
    dynamic = PYPROJECT.replace('dependencies = ["top"]', 'dynamic = ["dependencies"]')
    dynamic += "[build-system]\nrequires = ['backend']\nbuild-backend = 'backend'\n"
    (project / "pyproject.toml").write_text(dynamic)
    relock(str(uv), project, [], "plain")
    assert fits(uv, project) == (
        "uv.lock can't be judged offline, as a build backend has to say what a project requires. "
        "List it in pyproject.toml instead of `dynamic`, or set `network = True`.\n"
    )
    command = [sys.executable, "-m", "uv.private.lock_test", f"--uv={uv}", "--remedy=x"]
    done = subprocess.run(
        [*command, "--network", "uv.lock", "pyproject.toml"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    assert done.returncode == 0
