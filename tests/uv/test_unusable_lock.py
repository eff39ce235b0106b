"""A lock or a pyproject.toml that can't be used: one sentence that says what, where and what to do.

Nothing of it comes to lie anywhere: the build after the repair needs no other help.
"""

import re
from collections.abc import Callable

import pytest

from tests.uv.project import PYPROJECT
from tests.uv.workspace import Workspace

pytestmark = pytest.mark.usefixtures("restored")

RUN = "Run `bazel run //:lock`."

# Whole files.

LOCKS = {
    "not TOML": ("{{{", "can't be parsed, it is no uv lock (TOML parse error at line 1, column 1:"),
    "newer format": ("version = 99\n", "was written by a uv with a newer lock format"),
    "newer revision": (
        'version = 1\nrevision = 99\nrequires-python = "==3.13.*"\n',
        "has revision 99 of the lock format",
    ),
    "another project's": (
        'version = 1\nrevision = 3\nrequires-python = "==3.13.*"\n',
        "does not fit",
    ),
    "empty": ("", "can't be parsed, it is no uv lock (TOML parse error at line 1"),
}


@pytest.mark.parametrize("case", LOCKS)
def test_a_lock_that_cannot_be_used(workspace: Workspace, case: str) -> None:
    content, problem = LOCKS[case]
    (workspace.root / "uv.lock").write_text(content)
    message = workspace.error()
    assert "//:uv.lock" in message
    assert problem in message
    assert message.endswith(RUN)


@pytest.mark.parametrize(("name", "remedy"), [("uv.lock", RUN), ("pyproject.toml", "Write it.")])
def test_a_file_that_is_missing(workspace: Workspace, name: str, remedy: str) -> None:
    content = (workspace.root / name).read_text()
    (workspace.root / name).unlink()
    assert workspace.error() == f"@@//:{name} is missing. {remedy}"
    (workspace.root / name).write_text(content)
    assert workspace.build().returncode == 0


def test_a_lock_that_is_not_utf8(workspace: Workspace) -> None:
    lock = (workspace.root / "uv.lock").read_bytes()
    (workspace.root / "uv.lock").write_bytes(lock.replace(b'"leaf"', b'"le\xff"'))
    message = workspace.error()
    assert "//:uv.lock can't be parsed, it is no uv lock" in message
    assert message.endswith(RUN)


# By hand.


def _package(lock: str, name: str) -> str:
    """The lock's table of a package, to its end."""
    return lock[lock.index(f'[[package]]\nname = "{name}"') :].partition("\n\n")[0]


EDITS: dict[str, tuple[Callable[[str], str], str]] = {
    "another version": (
        lambda lock: lock.replace('name = "more"\nversion = "1.0"', 'name = "more"\nversion = "2"'),
        "(The entry for package `more` (2) has wheel `more-1.0-py3-none-any.whl` with inconsistent "
        "version (1.0)",
    ),
    "a version that is none": (
        lambda lock: lock.replace('name = "more"\nversion = "1.0"', 'name = "more"\nversion = "x"'),
        "expected version to start with a number",
    ),
    "a package twice": (
        lambda lock: f"{lock}\n{_package(lock, 'more')}\n",
        "(Dependency `more` has missing `source` field but has more than one matching package)",
    ),
    "a package in two versions": (
        lambda lock: f"{lock}\n{_package(lock, 'more').replace('1.0', '1.1')}\n",
        "(Dependency `more` has missing `source` field but has more than one matching package)",
    ),
    "a package taken out": (
        lambda lock: lock.replace(_package(lock, "more"), ""),
        "(Dependency `more` has missing `source` field",
    ),
    "a hash that is cut short": (
        lambda lock: re.sub(r'(more-1.0-\S+", hash = "sha256:)[0-9a-f]{64}', r"\1abc", lock),
        "Invalid hash digest length (expected 64 hexadecimal characters, found 3)",
    ),
    "a merge conflict": (
        lambda lock: lock.replace("[[package]]", "<<<<<<< HEAD\n[[package]]", 1),
        "(TOML parse error at line 5, column 9: key with no value, expected `=`)",
    ),
    "a name that is a path": (
        lambda lock: lock.replace('"more"', '"../more"'),
        'Not a valid package or extra name: "../more"',
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_lock_edited_by_hand(workspace: Workspace, case: str) -> None:
    edit, problem = EDITS[case]
    lock = (workspace.root / "uv.lock").read_text()
    (workspace.root / "uv.lock").write_text(edit(lock))
    message = workspace.error()
    assert message.startswith("@@//:uv.lock can't be parsed, it is no uv lock (")
    assert problem in message
    assert message.endswith(RUN)


@pytest.mark.parametrize("kind", ["md5", "none"])
def test_a_lock_without_the_hash_that_counts(workspace: Workspace, kind: str) -> None:
    lock = (workspace.root / "uv.lock").read_text()
    other = f', hash = "md5:{"0" * 32}"' if kind == "md5" else ""
    edited = re.sub(r'(more-1.0-[^"]+"), hash = "sha256:[0-9a-f]{64}"', rf"\1{other}", lock)
    (workspace.root / "uv.lock").write_text(edited)
    message = workspace.error()
    assert message.startswith("more 1.0 is locked without a sha256 for more-1.0-py3-none-any.whl.")
    assert message.endswith(RUN)


def test_a_cycle_that_the_lock_alone_has(workspace: Workspace) -> None:
    """Distributions may require one another, so it is taken as it is, and it ends."""
    lock = (workspace.root / "uv.lock").read_text()
    more = _package(lock, "more")
    cyclic = more.replace("wheels = [", 'dependencies = [\n    { name = "top" },\n]\nwheels = [')
    assert cyclic != more
    (workspace.root / "uv.lock").write_text(lock.replace(more, cyclic))
    done = workspace.bazel("run", "//:imports")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "leaf more native odd ring-a ring-b top"


def test_a_distribution_from_git(workspace: Workspace) -> None:
    lock = (workspace.root / "uv.lock").read_text()
    section = lock.index('name = "leaf"')
    source = f'source = {{ git = "https://git.example/leaf?rev=main#{"0" * 40}" }}'
    changed = lock[section:].replace('source = { registry = "wheelhouse" }', source, 1)
    changed = (
        changed[: changed.index("wheels = [")]
        + changed[changed.index("]\n", changed.index("wheels = [")) + 2 :]
    )
    (workspace.root / "uv.lock").write_text(lock[:section] + changed)
    assert workspace.error().startswith(
        "leaf is locked from git: only distributions from a package index"
    )


# pyproject.toml


def test_pyproject_that_the_lock_does_not_fit(workspace: Workspace) -> None:
    (workspace.root / "pyproject.toml").write_text(PYPROJECT.replace('"native"', '"native>=2"'))
    assert workspace.error().endswith("does not fit @@//:pyproject.toml. Run `bazel run //:lock`.")


PYPROJECTS = {
    "a syntax error": (
        PYPROJECT.replace("\n[dep", "[dep").replace("'win32'\"]", "'win32'\""),
        "can't be parsed, uv says (TOML parse error at line 6, column 1:",
    ),
    "no name": (
        PYPROJECT.replace('name = "project"\n', ""),
        "the required `project.name` field is not set",
    ),
    "a requirement that is none": (
        PYPROJECT.replace('"native"', '"native=>1"'),
        "has a requirement that is none (PEP 508), or declares its dependencies dynamic. Mend it.",
    ),
    "another Python": (
        PYPROJECT.replace("==3.13.*", "==3.12.*"),
        "asks in requires-python for another Python than the image's.",
    ),
}


@pytest.mark.parametrize("case", PYPROJECTS)
def test_a_pyproject_that_cannot_be_used(workspace: Workspace, case: str) -> None:
    content, problem = PYPROJECTS[case]
    (workspace.root / "pyproject.toml").write_text(content)
    message = workspace.error()
    assert message.startswith("@@//:pyproject.toml ")
    assert problem in message
