"""lock.py: the portable form, `bazel run //:lock`, and the committed lock."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.uv.index import Index, make_wheel, sha256
from uv.private.lock import LockError, check, portable, resolve

PYPROJECT = """\
[project]
name = "project"
version = "1"
requires-python = "==3.13.*"
dependencies = ["top"]
"""


@pytest.fixture(autouse=True)
def environment(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv's settings: the test's index, and nothing of the user."""
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


@pytest.fixture
def project(index: Index, tmp_path: Path) -> Path:
    """A project whose dependency `top` requires `leaf`; both are on the index in version 1.0."""
    make_wheel(index.folder, "top", "1.0", requires=("leaf; sys_platform != 'win32'",))
    make_wheel(index.folder, "leaf", "1.0")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


def run(uv: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`bazel run //:lock -- arguments` in this workspace."""
    command = [
        sys.executable,
        "uv/private/lock.py",
        f"--uv={uv}",
        "--lock=uv.lock",
        "--pyproject=pyproject.toml",
    ]
    environ = os.environ | {"BUILD_WORKSPACE_DIRECTORY": str(project)}
    return subprocess.run(
        [*command, *arguments], env=environ, capture_output=True, text=True, check=False
    )


def versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r'^name = "(.*)"\nversion = "(.*)"$', lock.read_text(), re.MULTILINE))


def plain(uv: Path, project: Path) -> str:
    """The lock as `uv lock` itself writes it."""
    subprocess.run([uv, "lock", "--quiet", f"--python={sys.executable}"], cwd=project, check=True)
    return (project / "uv.lock").read_text()


# The form.


def test_portable_form(uv: Path, index: Index, project: Path) -> None:
    (index.folder / "leaf-1.0.tar.gz").write_bytes(b"a source distribution")
    lock = portable(plain(uv, project))
    leaf, source = (
        sha256(index.folder / name) for name in ("leaf-1.0-py3-none-any.whl", "leaf-1.0.tar.gz")
    )
    assert (
        f"""\
[[package]]
name = "leaf"
version = "1.0"
source = {{ registry = "wheelhouse" }}
sdist = {{ path = "leaf-1.0.tar.gz", hash = "sha256:{source}" }}
wheels = [
    {{ path = "leaf-1.0-py3-none-any.whl", hash = "sha256:{leaf}" }},
]
"""
        in lock
    )
    assert "//" not in lock
    assert portable(lock) == lock


def test_portable_form_says_the_same_as_the_plain_one(uv: Path, project: Path) -> None:
    make_wheel(project.parent / "served", "leaf", "1.0", tag="cp313-cp313-manylinux_2_17_aarch64")

    def facts() -> list[Any]:
        command = [str(uv), "tree", "--frozen", "--format=json", "--preview-features=json-output"]
        command += ["--python-platform=aarch64-manylinux_2_40", f"--python={sys.executable}"]
        said = subprocess.run(
            command, cwd=project, capture_output=True, text=True, check=True
        ).stdout
        return [
            [
                node.get("name"),
                node.get("version"),
                [dependency["id"].partition("@")[0] for dependency in node["dependencies"]],
                [(wheel["filename"], wheel["hashes"]) for wheel in node.get("wheels", [])],
            ]
            for node in json.loads(said)["resolution"].values()
        ]

    text = plain(uv, project)
    before = facts()
    (project / "uv.lock").write_text(portable(text))
    assert facts() == before
    assert len([node for node in before if node[3]]) == 2


def test_a_local_version_is_decoded() -> None:
    digest = f'hash = "sha256:{"0" * 64}"'
    url = "https://pypi.example/a/b-1%2Bcpu-py3-none-any.whl#x"
    line = f'    {{ url = "{url}", {digest}, size = 1 }},\n'
    assert portable(line) == f'    {{ path = "b-1+cpu-py3-none-any.whl", {digest} }},\n'


def test_an_address_that_must_stay_is_refused() -> None:
    lock = (
        'version = 1\n[[package]]\nname = "mine"\nsource = { git = "https://git.example/mine" }\n'
    )
    with pytest.raises(LockError, match=r"^mine: comes from an address of its own"):
        portable(lock)


# bazel run //:lock


def test_writes_the_lock(uv: Path, project: Path) -> None:
    done = run(uv, project)
    assert done.returncode == 0, done.stderr
    assert versions(project / "uv.lock") == {"leaf": "1.0", "project": "1", "top": "1.0"}
    assert (project / "uv.lock").stat().st_mode & 0o777 == 0o644
    check(str(uv), project)


def test_keeps_pins_until_told_otherwise(uv: Path, index: Index, project: Path) -> None:
    run(uv, project)
    first = (project / "uv.lock").stat()
    for name in ("top", "leaf"):
        make_wheel(index.folder, name, "2.0", requires=("leaf",) if name == "top" else ())

    assert run(uv, project).stderr.endswith("uv.lock is unchanged.\n")
    assert (project / "uv.lock").stat().st_mtime_ns == first.st_mtime_ns

    assert "Updated leaf v1.0 -> v2.0" in run(uv, project, "--upgrade-package", "leaf").stderr
    assert versions(project / "uv.lock") == {"leaf": "2.0", "project": "1", "top": "1.0"}

    assert run(uv, project, "--upgrade").returncode == 0
    assert versions(project / "uv.lock") == {"leaf": "2.0", "project": "1", "top": "2.0"}


def test_a_failure_leaves_the_lock_as_it_is(uv: Path, project: Path) -> None:
    run(uv, project)
    before = (project / "uv.lock").read_text()
    (project / "pyproject.toml").write_text(PYPROJECT.replace('"top"', '"nowhere"'))
    done = run(uv, project)
    assert done.returncode == 1
    assert done.stderr.startswith("uv.lock stays as it is. No solution found")
    assert "nowhere was not found" in done.stderr
    assert "127.0.0.1" not in done.stderr
    assert (project / "uv.lock").read_text() == before
    assert {path.name for path in project.iterdir()} == {"pyproject.toml", "uv.lock"}


PYPROJECTS = {
    "a syntax error": (
        PYPROJECT.replace('"top"]', '"top"').encode(),
        "uv.lock stays as it is. Failed to parse: pyproject.toml\n"
        "  cause: TOML parse error at line 5, column 22\n",
    ),
    "a requirement that is none": (
        PYPROJECT.replace('"top"', '"top=>1"').encode(),
        "uv.lock stays as it is. pyproject.toml has a requirement that is none (PEP 508)",
    ),
    "not UTF-8": (b"[project]\nname = '\xff'\n", "is not UTF-8: byte 18 is wrong.\n"),
    "nothing": (None, "uv.lock stays as it is. There is no "),
}


@pytest.mark.parametrize("case", PYPROJECTS)
def test_a_pyproject_that_cannot_be_read(uv: Path, project: Path, case: str) -> None:
    content, problem = PYPROJECTS[case]
    run(uv, project)
    before = (project / "uv.lock").read_text()
    (project / "pyproject.toml").unlink()
    if content is not None:
        (project / "pyproject.toml").write_bytes(content)
    done = run(uv, project)
    assert done.returncode == 1
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert (project / "uv.lock").read_text() == before


@pytest.mark.parametrize(
    "broken", [b"{{{ no TOML", b"version = 99\nrequires-python = '==3.13.*'\n", b"", b"\xff\xfe"]
)
def test_an_unreadable_lock_is_resolved_from_scratch(
    uv: Path, project: Path, broken: bytes
) -> None:
    (project / "uv.lock").write_bytes(broken)
    done = run(uv, project)
    assert done.returncode == 0, done.stderr
    assert "uv.lock can't be read: resolving from scratch." in done.stderr
    check(str(uv), project)


# The committed lock.


def test_lock_fits_pyproject(uv: Path, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).write_text(Path(name).read_text())
    check(str(uv), tmp_path)
    assert "//" not in re.sub(r"(?m)^#.*$", "", (tmp_path / "uv.lock").read_text())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"fastapi>=', '"fastapi>=999'),
        ("dependencies = [", 'dependencies = ["flask",'),
        ('requires-python = "==3.13.*"', 'requires-python = ">=3.12"'),
    ],
)
def test_a_changed_pyproject_does_not_fit(uv: Path, tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "uv.lock").write_text(Path("uv.lock").read_text())
    pyproject = Path("pyproject.toml").read_text()
    assert old in pyproject
    (tmp_path / "pyproject.toml").write_text(pyproject.replace(old, new, 1))
    with pytest.raises(LockError):
        check(str(uv), tmp_path)


def test_the_known_revision_is_the_one_that_uv_writes(uv: Path, project: Path) -> None:
    known = re.search(r"^_REVISION = (\d+)$", Path("uv/private/lock.bzl").read_text(), re.MULTILINE)
    lock, _ = resolve(str(uv), PYPROJECT, None, [])
    assert known is not None
    assert f"revision = {known[1]}\n" in lock
