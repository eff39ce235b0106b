"""A lock or a pyproject.toml that can't be used: one line that says what, where and what to do.

The reader says it; that Bazel shows it, //tests/uv:extension_test knows. Each remedy is tried.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.uv.index import Index, serve
from tests.uv.project import PYPROJECT, make_wheels
from tests.uv.reading import read, refusal, request

ANEW = " Restore it, or delete it and run `uv lock`."


class Project(NamedTuple):
    """A locked project, and the index that it was locked against."""

    root: Path
    served: Index
    text: str

    def lock(self) -> int:
        """Run `uv lock`; returns its exit code."""
        return subprocess.run(
            [Path(os.environ["UV"]).resolve(), "lock", "--quiet", f"--python={sys.executable}"],
            cwd=self.root,
            env=self.served.environ(self.root),
            check=False,
        ).returncode

    def refusal(self) -> str:
        return refusal(request(self.root, self.root / "uv.lock", self.root / "home"))

    def runtime(self) -> list[str]:
        answer = read(request(self.root, self.root / "uv.lock", self.root / "home"))
        found: list[str] = answer["platforms"]["linux_amd64"]["sets"]["runtime"]
        return found


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "served").mkdir()
    (folder / "project").mkdir()
    make_wheels(folder / "served")
    with serve(folder / "served") as index:
        (folder / "project/pyproject.toml").write_text(PYPROJECT)
        made = Project(folder / "project", index, "")
        assert made.lock() == 0
        yield made._replace(text=(folder / "project/uv.lock").read_text())


@pytest.fixture
def project(locked: Project) -> Project:
    """The project as it was locked."""
    (locked.root / "pyproject.toml").write_text(PYPROJECT)
    (locked.root / "uv.lock").write_text(locked.text)
    return locked


def _package(lock: str, name: str) -> str:
    """The lock's table of a package, to its end."""
    return lock[lock.index(f'[[package]]\nname = "{name}"') :].partition("\n\n")[0]


_MORE = 'name = "more"\nversion = "1.0"'

NOT_VALID: dict[str, tuple[Callable[[str], str], str]] = {
    "no TOML": (lambda lock: "{{{", "Invalid statement (at line 1, column 1)."),
    "a requirements file": (
        lambda lock: "# a comment\nfastapi==1.0\n",
        "Invalid value (at line 2, column 9).",
    ),
    "empty": (lambda lock: "", "it states no version of its format."),
    "Poetry's": (
        lambda lock: '[[package]]\nname = "x"\nversion = "1"\n[metadata]\nlock-version = "2.0"\n',
        "it states no version of its format.",
    ),
    "another version": (
        lambda lock: lock.replace(_MORE, _MORE.replace("1.0", "2")),
        "The entry for package `more` (2) has wheel `more-1.0-py3-none-any.whl` with inconsistent "
        "version (1.0), which indicates a malformed wheel.",
    ),
    "a version that is none": (
        lambda lock: lock.replace(_MORE, _MORE.replace("1.0", "x")),
        "expected version to start with a number, but no leading ASCII digits were found.",
    ),
    "a package twice": (
        lambda lock: f"{lock}\n{_package(lock, 'more')}\n",
        "Dependency `more` has missing `source` field but has more than one matching package.",
    ),
    "a package taken out": (
        lambda lock: lock.replace(_package(lock, "more"), ""),
        "Dependency `more` has missing `source` field but has more than one matching package.",
    ),
    "a hash that is cut short": (
        lambda lock: re.sub(r'(more-1.0-\S+", hash = "sha256:)[0-9a-f]{64}', r"\1abc", lock),
        "Invalid hash digest length (expected 64 hexadecimal characters, found 3).",
    ),
    "a merge conflict": (
        lambda lock: lock.replace("[[package]]", "<<<<<<< HEAD\n[[package]]", 1),
        "Invalid statement (at line 5, column 1).",
    ),
    "a name that is a path": (
        lambda lock: lock.replace('"more"', '"../more"'),
        'Not a valid package or extra name: "../more".',
    ),
}


@pytest.mark.parametrize("case", NOT_VALID)
def test_a_lock_that_is_none(project: Project, case: str) -> None:
    edit, problem = NOT_VALID[case]
    (project.root / "uv.lock").write_text(edit(project.text))
    line = project.refusal()
    assert line.startswith("uv.lock is not a valid uv.lock: ")
    assert problem in line
    assert line.endswith(ANEW)
    assert "UV_" not in line  # a hint for who has called uv
    # Why the remedy isn't `uv lock` alone.
    assert project.lock() != 0
    (project.root / "uv.lock").unlink()
    assert project.lock() == 0
    assert project.runtime()


def test_a_lock_that_is_not_utf8(project: Project) -> None:
    (project.root / "uv.lock").write_bytes(project.text.encode().replace(b'"leaf"', b'"le\xff"'))
    line = project.refusal()
    assert re.fullmatch(
        r"uv\.lock is not a valid uv\.lock: it is not UTF-8 \(byte \d+\)\." + re.escape(ANEW), line
    )


@pytest.mark.parametrize("version", [2, 99])
def test_a_newer_format(project: Project, version: int) -> None:
    text = project.text.replace("version = 1\n", f"version = {version}\n", 1)
    (project.root / "uv.lock").write_text(text)
    assert project.refusal() == (
        f"uv.lock has version {version} of the lock's format; the uv pinned here reads version 1. "
        "Update this module, or delete the lock and run `uv lock` of an older uv."
    )


@pytest.mark.parametrize("revision", [None, 0, 1, 2, 3, 4, 5, 99])
def test_any_revision_of_the_format(project: Project, revision: int | None) -> None:
    """A revision adds what an older uv can do without."""
    line = "" if revision is None else f"revision = {revision}\n"
    (project.root / "uv.lock").write_text(re.sub(r"revision = \d+\n", line, project.text))
    assert len(project.runtime()) == 7


def test_another_projects_lock(project: Project) -> None:
    (project.root / "pyproject.toml").write_text(PYPROJECT.replace('"project"', '"shop"'))
    assert project.refusal() == (
        "uv.lock has no `shop`, which pyproject.toml makes a project of: it is another project's "
        "lock, or older. Run `uv lock`."
    )
    assert project.lock() == 0
    assert project.runtime()


PYPROJECTS = {
    "a syntax error": (
        PYPROJECT.replace("\n[dep", "[dep").replace("'win32'\"]", "'win32'\""),
        "pyproject.toml is not a valid pyproject.toml: Unclosed array (at line 6, column 1). "
        "Correct it.",
    ),
    "no name": (
        PYPROJECT.replace('name = "project"\n', ""),
        "pyproject.toml is not a valid pyproject.toml: TOML parse error at line 1, column 1; "
        "`pyproject.toml` is using the `[project]` table, but the required `project.name` field is "
        "not set. Correct it.",
    ),
    "nothing for uv": (
        "[tool.poetry]\nname = 'x'\n",
        "project/pyproject.toml has neither a [project] table nor dependency groups nor a "
        "[tool.uv.workspace], so it says nothing of what to install: add one, or name another as "
        "`pyproject`.",
    ),
    "another Python": (
        PYPROJECT.replace("==3.13.*", "==3.12.*"),
        f"requires-python is `==3.12.*`, and the base has Python {platform.python_version()}: "
        "loosen it and write the lock anew with `uv lock`, or say another `python` in uv.lock(…) "
        "of MODULE.bazel.",
    ),
    "a group that isn't there": (
        PYPROJECT.replace("dev = [", "dev = [{ include-group = 'nope' },"),
        "uv can't use uv.lock with pyproject.toml, it says: Project `project` has malformed "
        "dependency groups; Failed to find group `nope` included by `dev`.",
    ),
}


@pytest.mark.parametrize("case", PYPROJECTS)
def test_a_pyproject_that_cannot_be_used(project: Project, case: str) -> None:
    text, line = PYPROJECTS[case]
    (project.root / "pyproject.toml").write_text(text)
    assert project.refusal() == line


@pytest.mark.parametrize(
    "text",
    [
        PYPROJECT.replace('"native"', '"native>=2"'),
        PYPROJECT.replace("dependencies = [", 'dependencies = ["new-one",'),
        PYPROJECT.replace('version = "1"', 'dynamic = ["version"]'),
        PYPROJECT
        + '[tool.uv]\nrequired-version = ">=99"\nexclude-newer = "2000-01-01T00:00:00Z"\n',
        PYPROJECT + "[tool.uv]\nnonsense = 3\n",
    ],
)
def test_frozen_is_frozen(project: Project, text: str) -> None:
    """That the lock fits is a test of its own."""
    before = project.runtime()
    (project.root / "pyproject.toml").write_text(text)
    assert project.runtime() == before


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"package": "nope"}, "Could not find root package `nope`"),
        ({"extras": ["nope"]}, "Extra `nope` is not defined in the `optional-dependencies` table"),
        ({"groups": ["nope"]}, "Group `nope` is not defined in the project's `dependency-groups`"),
    ],
)
def test_a_choice_that_is_none(project: Project, choice: dict[str, object], words: str) -> None:
    """It fails what uses the set, and nothing else."""
    asked = request(project.root, project.root / "uv.lock", project.root / "home")
    asked["sets"] = {"wrong": asked["runtime"] | choice}
    sets = read(asked)["platforms"]["linux_amd64"]["sets"]
    assert len(sets["runtime"]) == 7
    line = sets["wrong"]["error"]
    assert line.startswith(f"the set wrong can't be installed on linux/amd64, uv says: {words}")
    assert line.endswith("extras, groups and package of uv.lock(…) in MODULE.bazel")


def test_a_lock_of_another_folder(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "uv.lock"
    other.write_text(project.text)
    line = refusal(request(project.root, other, project.root / "home"))
    assert line == (
        "uv reads project/uv.lock for project/pyproject.toml, its workspace's, and not "
        f"{other}: name that one as `lock`, or the pyproject.toml beside this one as `pyproject`."
    )


# A hash that is missing matters where it is the chosen file's.


def _without_hash(lock: str, file: str, other: str = "") -> str:
    edited = re.sub(rf'({re.escape(file)}"), hash = "sha256:[0-9a-f]{{64}}"', rf"\1{other}", lock)
    assert edited != lock
    return edited


def _errors(project: Project, name: str) -> dict[str, str | None]:
    answer = read(request(project.root, project.root / "uv.lock", project.root / "home"))
    (found,) = (each for each in answer["distributions"].values() if each["name"] == name)
    return {platform: each.get("error") for platform, each in found["artifacts"].items()}


@pytest.mark.parametrize("other", ["", f', hash = "md5:{"0" * 32}"'])
def test_a_file_without_the_hash_that_counts(project: Project, other: str) -> None:
    file = "native-1.0-cp313-cp313-manylinux_2_17_aarch64.whl"
    (project.root / "uv.lock").write_text(_without_hash(project.text, file, other))
    assert _errors(project, "native") == {
        "linux_amd64": None,
        "linux_arm64": f"{file} is locked without a sha256, so nothing says that a download is the "
        "file that was locked. Lock it from an index that gives hashes, or by `bazel run //:lock`",
    }


def test_a_group_that_is_not_used_has_no_effect(project: Project) -> None:
    """A wheel without a hash, none for any platform, a source distribution, a Git repository."""
    tool = _package(project.text, "tool")
    for changed in (
        _without_hash(tool, "tool-1.0-py3-none-any.whl"),
        tool.replace("py3-none-any", "cp313-cp313-win_amd64"),
        re.sub(
            r"wheels = \[\n.*\n\]",
            'sdist = { url = "https://index.example/tool-1.0.tar.gz", '
            f'hash = "sha256:{"0" * 64}" }}',
            tool,
        ),
    ):
        assert changed != tool
        (project.root / "uv.lock").write_text(project.text.replace(tool, changed))
        answer = read(request(project.root, project.root / "uv.lock", project.root / "home"))
        sets = answer["platforms"]["linux_amd64"]["sets"]
        assert len(sets["runtime"]) == 7
        kinds = [
            answer["distributions"][each]["artifacts"]["linux_amd64"]["kind"]
            for each in sets["runtime"]
        ]
        assert set(kinds) == {"wheel"}
