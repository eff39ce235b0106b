"""lock.py: the two forms, `bazel run //:lock`, and the committed lock."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import small_disk
from tests.uv.index import Index, make_wheel, sha256
from uv.private.lock import relock
from uv.private.lock_form import FormError, portable
from uv.private.pinned_uv import UvError

PYPROJECT = """\
[project]
name = "project"
version = "1"
requires-python = "==3.13.*"
dependencies = ["top"]
"""


@pytest.fixture(autouse=True)
def settings(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv's settings: the test's index, and nothing of the user."""
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(
        "PATH", "/usr/bin:/bin"
    )  # the fewer Pythons, the sooner uv has seen them all
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


def command(uv: Path, *arguments: str) -> list[str]:
    """What `bazel run //:lock -- arguments` starts."""
    return [sys.executable, "-m", "uv.private.lock", f"--uv={uv}", "--folder=", *arguments]


def run(uv: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`bazel run //:lock -- arguments` in this workspace."""
    environ = os.environ | {"BUILD_WORKSPACE_DIRECTORY": str(project)}
    return subprocess.run(
        command(uv, *arguments), env=environ, capture_output=True, text=True, check=False
    )


def refused(uv: Path, project: Path, *arguments: str) -> str:
    """What it says when it can't; the project is then what it was, to the last file."""
    before = snapshot(project)
    done = run(uv, project, *arguments)
    assert done.returncode == 1, done.stderr
    assert snapshot(project) == before
    assert "127.0.0.1" not in done.stderr
    assert done.stderr.startswith("uv.lock stays as it is. ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("uv.lock stays as it is. ").rstrip("\n")


def snapshot(folder: Path) -> dict[str, bytes]:
    """Path → content of every file below the folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r'^name = "(.*)"\nversion = "(.*)"$', lock.read_text(), re.MULTILINE))


def plain(uv: Path, project: Path, *options: str) -> str:
    """The lock as `uv lock` itself writes it."""
    command = [str(uv), "lock", "--quiet", f"--python={sys.executable}", *options]
    subprocess.run(command, cwd=project, check=True)
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
    lock = '[[package]]\nname = "b"\nsource = {{ registry = "{}" }}\nwheels = [\n    {{ {} }},\n]\n'
    assert portable(
        lock.format("https://pypi.example", f'url = "{url}", {digest}, size = 1')
    ) == lock.format("wheelhouse", f'path = "b-1+cpu-py3-none-any.whl", {digest}')


def test_an_address_that_must_stay_is_refused() -> None:
    lock = (
        'version = 1\n[[package]]\nname = "mine"\nsource = { git = "https://git.example/mine" }\n'
    )
    with pytest.raises(FormError, match=r"^mine: comes from an address of its own"):
        portable(lock)


def test_a_plain_lock_is_what_uv_writes(uv: Path, index: Index, project: Path) -> None:
    """Byte for byte: anew, with a further dependency, and upgraded."""
    (index.folder / "leaf-1.0.tar.gz").write_bytes(b"a source distribution")
    twin = project.parent / "twin"
    twin.mkdir()
    more = PYPROJECT.replace('"top"', '"top", "late"')
    locks = set()
    for pyproject, options in ((PYPROJECT, []), (more, []), (more, ["--upgrade"])):
        for folder in (project, twin):
            (folder / "pyproject.toml").write_text(pyproject)
        done = run(uv, project, *options)
        assert done.returncode == 0, done.stderr
        locks.add(plain(uv, twin, *options))
        assert (project / "uv.lock").read_text() == plain(uv, twin)
        for name in ("leaf", "late"):
            make_wheel(index.folder, name, "2.0")
    assert len(locks) == 3


def test_the_form_stays_unless_the_option_asks_for_another(
    uv: Path, index: Index, project: Path
) -> None:
    """And whichever way it goes, the pins are kept."""
    lock = project / "uv.lock"
    run(uv, project)
    plain_lock = lock.read_text()
    make_wheel(index.folder, "leaf", "2.0")

    assert run(uv, project, "--form=portable").returncode == 0
    assert lock.read_text() == portable(plain_lock)
    assert run(uv, project).returncode == 0
    assert lock.read_text() == portable(plain_lock)
    (project / "pyproject.toml").write_text(PYPROJECT.replace('"top"', '"top", "leaf"'))
    assert run(uv, project).returncode == 0
    assert index.url not in lock.read_text()
    assert versions(lock)["leaf"] == "1.0"
    (project / "pyproject.toml").write_text(PYPROJECT)

    (project / "wheelhouse").mkdir()
    assert run(uv, project, "--form=plain").returncode == 0
    assert lock.read_text() == plain_lock


def test_a_lock_with_other_line_ends_keeps_its_form(uv: Path, index: Index, project: Path) -> None:
    lock = project / "uv.lock"
    run(uv, project, "--form=portable")
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    make_wheel(index.folder, "leaf", "2.0")
    done = run(uv, project, "-P", "leaf")
    assert done.returncode == 0, done.stderr
    assert b"127.0.0.1" not in lock.read_bytes()
    assert versions(lock)["leaf"] == "2.0"


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_system_without_hard_links(
    uv: Path, index: Index, project: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """A copy is kept instead; a part of one replaces nothing."""
    run(uv, project, "--form=portable")
    before = snapshot(project)

    def no_link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def cut_short(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:9])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", no_link)
    if not whole:
        monkeypatch.setattr(shutil, "copy2", cut_short)
    index.status = 500
    with pytest.raises(UvError if whole else OSError):
        relock(str(uv), project, ["--upgrade"], "keep")
    assert snapshot(project) == before


def test_a_lock_of_a_folder_beside_an_index_is_no_portable_one(
    uv: Path, index: Index, project: Path
) -> None:
    """It names the folder that the portable form names, and the index's address: that stays."""
    (project / "wheelhouse").mkdir()
    (index.folder / "leaf-1.0-py3-none-any.whl").rename(
        project / "wheelhouse" / "leaf-1.0-py3-none-any.whl"
    )
    (project / "pyproject.toml").write_text(f'{PYPROJECT}[tool.uv]\nfind-links = ["wheelhouse"]\n')
    for _ in range(2):
        assert run(uv, project).returncode == 0
        lock = (project / "uv.lock").read_text()
        assert 'source = { registry = "wheelhouse" }' in lock
        assert f'source = {{ registry = "{index.url}" }}' in lock


# A folder or a page of links: uv locks what is there without a hash.


@pytest.mark.parametrize("form", ["plain", "portable"])
@pytest.mark.parametrize("place", ["absolute", "relative", "page", "environment"])
def test_hashes_of_find_links(
    uv: Path, index: Index, project: Path, place: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index.folder, "leaf", "1.0", {"other": ""}, tag="cp313-cp313-manylinux_2_17_aarch64")
    digests = {file.name: sha256(file) for file in index.folder.iterdir()}
    settings = ""
    if place == "page":
        links = index.url.replace("/simple", "/links")
    else:
        links = "a b" if place == "relative" else str(project / "links")
        index.folder.rename(project / links)
        index.folder.mkdir()
    if place == "environment":
        monkeypatch.setenv("UV_FIND_LINKS", links)
    else:
        settings = f"[tool.uv]\nno-index = true\nfind-links = ['{links}']\n"
    (project / "pyproject.toml").write_text(PYPROJECT + settings)
    for outcome in ("written", "unchanged"):
        done = run(uv, project, f"--form={form}")
        assert done.returncode == 0, done.stderr
        assert done.stderr.endswith(f"uv.lock is {outcome}.\n")
        lock = (project / "uv.lock").read_text()
        found = re.findall(r'"(?:[^"]*/)?([^"/]*\.whl)", hash = "sha256:(.*)"', lock)
        assert dict(found) == digests
        assert index.url not in lock
    if form == "plain":
        checked = subprocess.run([uv, "lock", "--check", f"--python={sys.executable}"], cwd=project)
        assert checked.returncode == 0


def test_a_lock_of_uvs_without_hashes_is_completed(uv: Path, index: Index, project: Path) -> None:
    settings = f"[tool.uv]\nno-index = true\nfind-links = ['{index.folder}']\n"
    (project / "pyproject.toml").write_text(PYPROJECT + settings)
    assert "hash" not in plain(uv, project)
    assert run(uv, project).returncode == 0
    assert (project / "uv.lock").read_text().count('hash = "sha256:') == 2


# bazel run //:lock


def test_writes_the_lock(uv: Path, project: Path) -> None:
    done = run(uv, project)
    assert done.returncode == 0, done.stderr
    assert versions(project / "uv.lock") == {"leaf": "1.0", "project": "1", "top": "1.0"}
    assert (project / "uv.lock").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("form", ["plain", "portable"])
def test_keeps_pins_until_told_otherwise(uv: Path, index: Index, project: Path, form: str) -> None:
    run(uv, project, f"--form={form}")
    first = (project / "uv.lock").stat()
    for name in ("top", "leaf"):
        make_wheel(index.folder, name, "2.0", requires=("leaf",) if name == "top" else ())

    assert run(uv, project).stderr.endswith("uv.lock is unchanged.\n")
    assert (project / "uv.lock").stat().st_mtime_ns == first.st_mtime_ns

    assert "Updated leaf v1.0 -> v2.0" in run(uv, project, "--upgrade-package", "leaf").stderr
    assert versions(project / "uv.lock") == {"leaf": "2.0", "project": "1", "top": "1.0"}

    assert run(uv, project, "--upgrade").returncode == 0
    assert versions(project / "uv.lock") == {"leaf": "2.0", "project": "1", "top": "2.0"}


def test_an_unsatisfiable_requirement(uv: Path, project: Path) -> None:
    run(uv, project)
    (project / "pyproject.toml").write_text(PYPROJECT.replace('"top"', '"nowhere"'))
    assert refused(uv, project) == (
        "No solution found when resolving dependencies: Because nowhere was not found in the "
        "package registry and your project depends on nowhere, we can conclude that your project's "
        "requirements are unsatisfiable."
    )


PYPROJECTS = {
    "a syntax error": (
        PYPROJECT.replace('"top"]', '"top"').encode(),
        "Failed to parse: pyproject.toml: TOML parse error at line 5, column 22: unclosed array, "
        "expected `]`.",
    ),
    "not UTF-8": (b"[project]\nname = '\xff'\n", "stream did not contain valid UTF-8."),
    "nothing": (None, "There is no "),
    "another uv": (
        f"{PYPROJECT}[tool.uv]\nrequired-version = '==0.1.0'\n".encode(),
        "required-version of [tool.uv] asks for uv ==0.1.0, and the uv pinned here is",
    ),
    "another Python": (
        PYPROJECT.replace("==3.13.*", "==3.99.*").encode(),
        "This machine has no Python that the project takes (Python ==3.99.*). Put one on PATH",
    ),
    "a folder that is not there": (
        f"{PYPROJECT}[tool.uv.sources]\ntop = {{ path = '../top' }}\n".encode(),
        "Distribution not found at: <address>.",
    ),
}


@pytest.mark.parametrize("case", PYPROJECTS)
def test_a_pyproject_that_cannot_be_used(uv: Path, project: Path, case: str) -> None:
    content, problem = PYPROJECTS[case]
    run(uv, project)
    (project / "pyproject.toml").unlink()
    if content is not None:
        (project / "pyproject.toml").write_bytes(content)
    assert problem in refused(uv, project)


def test_a_requirement_that_is_none(uv: Path, project: Path) -> None:
    run(uv, project)
    (project / "pyproject.toml").write_text(PYPROJECT.replace('"top"', '"top=>1"'))
    assert refused(uv, project).startswith(
        "pyproject.toml has a requirement that is not valid (PEP 508), or "
    )


def test_a_build_backend_that_fails(uv: Path, index: Index, project: Path) -> None:
    backend = "def build_editable(*_):\n    print('x')\n    int('?')\n"
    make_wheel(index.folder, "backend", "1.0", {"backend.py": backend})
    run(uv, project)
    dynamic = PYPROJECT.replace("dependencies = ", 'dynamic = ["dependencies"] # ')
    system = '[build-system]\nrequires = ["backend"]\nbuild-backend = "backend"\n'
    (project / "pyproject.toml").write_text(dynamic + system)
    assert refused(uv, project).endswith(
        "failed (exit status: 1): ValueError: invalid literal for int() with base 10: '?'."
    )


@pytest.mark.parametrize(
    ("status", "why"), [(401, "401"), (500, "500"), (0, "Connection refused (os error 111)")]
)
def test_an_index_that_gives_nothing(
    uv: Path, index: Index, project: Path, monkeypatch: pytest.MonkeyPatch, status: int, why: str
) -> None:
    run(uv, project)
    address = "127.0.0.1:9" if not status else index.url.partition("://")[2].partition("/")[0]
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://fake-user:fake-password@{address}/simple")
    index.status = status or 200
    said = refused(uv, project, "--upgrade")
    if status != 401:  # then uv says it
        assert said.startswith("The package index that this machine is configured for can't be")
    assert why in said
    assert "fake-" not in said


BROKEN = {
    "no TOML": (lambda lock: "{{{ no TOML\n" + lock),
    "a merge conflict": (
        lambda lock: lock.replace("[[package]]", "<<<<<<< HEAD\n=======\n>>>>>>> x\n[[package]]", 1)
    ),
    "a newer format": (lambda lock: lock.replace("version = 1", "version = 99", 1)),
    "cut short": (lambda lock: lock[:-20]),
}


@pytest.mark.parametrize("form", ["plain", "portable"])
@pytest.mark.parametrize("case", BROKEN)
def test_an_unreadable_lock_keeps_its_pins(
    uv: Path, index: Index, project: Path, case: str, form: str
) -> None:
    run(uv, project, f"--form={form}")
    good = (project / "uv.lock").read_text()
    (project / "uv.lock").write_text(BROKEN[case](good))
    make_wheel(index.folder, "leaf", "2.0")
    done = run(uv, project)
    assert done.returncode == 0, done.stderr
    assert "uv.lock can't be read: keeping the versions found in it.\n" in done.stderr
    assert (project / "uv.lock").read_text() == good


@pytest.mark.parametrize("broken", [b"", b"\xff\xfe", b"{{{"])
def test_a_lock_without_pins(uv: Path, project: Path, broken: bytes) -> None:
    (project / "uv.lock").write_bytes(broken)
    done = run(uv, project)
    assert done.returncode == 0, done.stderr
    assert versions(project / "uv.lock") == {"leaf": "1.0", "project": "1", "top": "1.0"}


def test_a_read_only_lock(uv: Path, project: Path) -> None:
    run(uv, project)
    (project / "uv.lock").chmod(0o444)
    assert refused(uv, project, "--upgrade") == "It is read-only. Run `chmod u+w uv.lock`."


def test_a_lock_that_is_a_link_stays_one(uv: Path, project: Path) -> None:
    (project / "kept").mkdir()
    (project / "uv.lock").symlink_to("kept/uv.lock")
    assert run(uv, project, "--form=portable").returncode == 0
    assert (project / "uv.lock").readlink() == Path("kept/uv.lock")
    assert versions(project / "kept" / "uv.lock")


def test_two_at_once(uv: Path, project: Path) -> None:
    with (project / "pyproject.toml").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert refused(uv, project).startswith("Another `bazel run //:lock` is at work on it.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_the_lock_as_it_is(
    uv: Path, project: Path, index: Index, number: signal.Signals
) -> None:
    """It comes while uv waits for the index, and again while the old lock is put back."""
    run(uv, project)
    before = snapshot(project)
    asked = len(index.requests)
    index.pause = 30.0
    environ = os.environ | {"BUILD_WORKSPACE_DIRECTORY": str(project)}
    running = subprocess.Popen(
        command(uv, "--upgrade"), env=environ, stderr=subprocess.PIPE, text=True
    )
    for _ in range(200):
        if len(index.requests) > asked:
            break
        time.sleep(0.05)
    running.send_signal(number)
    running.send_signal(number)
    index.pause = 0.0
    _, said = running.communicate(timeout=20)
    assert said == "uv.lock stays as it is: interrupted.\n"
    assert running.returncode == 128 + number
    assert snapshot(project) == before


# On a disk with so many free pages: a copy of the project, and a lock anew.
ON_A_FULL_DISK = """\
import os, pathlib, subprocess, sys
source, disk, pages = map(pathlib.Path, sys.argv[1:4])
for name in ("pyproject.toml", "uv.lock"):
    (disk / name).write_bytes((source / name).read_bytes())
free = os.statvfs(disk)
(disk / "filler").write_bytes(bytes((free.f_bavail - int(str(pages))) * free.f_bsize))
os.environ["BUILD_WORKSPACE_DIRECTORY"] = str(disk)
done = subprocess.run(sys.argv[4:], stderr=subprocess.PIPE, text=True)
assert sorted(os.listdir(disk)) == ["filler", "pyproject.toml", "uv.lock"], os.listdir(disk)
assert (disk / "uv.lock").read_bytes() == (source / "uv.lock").read_bytes()
print(done.returncode, done.stderr, end="")
"""


@pytest.mark.parametrize("pages", [0, 1])
def test_a_full_disk(uv: Path, index: Index, project: Path, tmp_path: Path, pages: int) -> None:
    """There is no room for uv's lock, or for that and the portable one made of it."""
    run(uv, project)
    make_wheel(index.folder, "leaf", "2.0")
    disk = tmp_path / "disk"
    disk.mkdir()
    small = [sys.executable, "-I", small_disk.__file__, str(disk), "400000"]
    inside = [sys.executable, "-c", ON_A_FULL_DISK, str(project), str(disk), str(pages)]
    done = subprocess.run(
        [*small, *inside, *command(uv, "--upgrade", "--form=portable")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == small_disk.SKIPPED:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    code, _, said = done.stdout.partition(" ")
    assert code == "1"
    assert (
        said == "uv.lock stays as it is. The disk is full. Free some space, then run this again.\n"
    )


def test_an_address_that_a_portable_lock_needs(uv: Path, project: Path, index: Index) -> None:
    """uv has written its own lock by then: the old one comes back."""
    run(uv, project, "--form=portable")
    address = index.url.replace("/simple", "/files/leaf-1.0-py3-none-any.whl")
    (project / "pyproject.toml").write_text(
        PYPROJECT.replace('"top"', f'"top", "leaf @ {address}"')
    )
    assert refused(uv, project).startswith("leaf, project: comes from an address of its own")


def test_a_python_that_is_not_here_is_needed(uv: Path, project: Path) -> None:
    """Without requires-python it is what the lock holds for: another would narrow it."""
    (project / "pyproject.toml").write_text(PYPROJECT.replace("requires-python", "#"))
    run(uv, project)
    (project / ".python-version").write_text("3.99\n")
    assert refused(uv, project, "--upgrade") == (
        "Nothing says requires-python, and the Python that .python-version names is not here. "
        "Write requires-python into pyproject.toml."
    )


# Workspaces: uv sees all of them.

MEMBER = """\
[project]
name = "{name}"
dynamic = ["version"]
requires-python = "==3.13.*"
readme = "README.md"
dependencies = [{requires}]

[build-system]
requires = ["backend"]
build-backend = "backend"

[tool.uv.sources]
common = {{ workspace = true }}
beside = {{ path = "../../../beside", editable = true }}
"""

# Reads the version and the readme beside the member's pyproject.toml, as a real one does.
BACKEND = """\
import pathlib, tomllib

def prepare_metadata_for_build_wheel(folder, settings=None):
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    pathlib.Path(project["readme"]).read_text()
    name, version = project["name"], pathlib.Path("VERSION").read_text().strip()
    info = pathlib.Path(folder, f"{name}-{version}.dist-info")
    info.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {project['requires-python']}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
    (info / "METADATA").write_text("\\n".join(lines) + "\\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nTag: py3-none-any\\n")
    return info.name

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
"""

VIRTUAL_ROOT = """\
[tool.uv.workspace]
members = ["packages/*"]
"""


@pytest.fixture
def members(index: Index, project: Path) -> Path:
    """A virtual root with two members, one of which needs the other and a folder outside."""
    make_wheel(index.folder, "backend", "1.0", {"backend.py": BACKEND})
    for name, requires in (("app", '"top", "common", "beside"'), ("common", '"leaf"')):
        folder = project / "packages" / name
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(MEMBER.format(name=name, requires=requires))
        (folder / "README.md").write_text("")
        (folder / "VERSION").write_text("1.5\n")
    beside = project.parent / "beside"
    beside.mkdir()
    (beside / "pyproject.toml").write_text(PYPROJECT.replace('project"', 'beside"', 1))
    (project / "pyproject.toml").write_text(VIRTUAL_ROOT)
    return project


@pytest.mark.parametrize("form", ["plain", "portable"])
def test_a_virtual_root_keeps_its_members(uv: Path, index: Index, members: Path, form: str) -> None:
    assert run(uv, members, f"--form={form}").returncode == 0
    first = (members / "uv.lock").read_text()
    assert set(re.findall('^name = "(.*)"$', first, re.MULTILINE)) == {
        "app",
        "beside",
        "common",
        "leaf",
        "top",
    }
    assert 'source = { editable = "../beside" }' in first
    make_wheel(index.folder, "leaf", "2.0")
    done = run(uv, members)
    assert done.returncode == 0, done.stderr
    assert "Removed" not in done.stderr
    assert (members / "uv.lock").read_text() == first


def test_a_member_has_no_lock_of_its_own(uv: Path, members: Path) -> None:
    member = members / "packages" / "app"
    message = refused(uv, member)
    assert message.startswith(f"{member / 'pyproject.toml'} belongs to the workspace of {members}")
    assert message.endswith("Call uv_lock() in that folder.")


def test_a_project_in_a_subfolder_of_another_is_its_own(
    uv: Path, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.replace('"top"', '"nowhere"'))
    assert run(uv, project).returncode == 0
    assert not (tmp_path / "uv.lock").exists()


def test_groups_without_a_project(uv: Path, project: Path) -> None:
    (project / "pyproject.toml").write_text("[dependency-groups]\ndev = ['top']\n")
    done = run(uv, project)
    assert done.returncode == 0, done.stderr
    assert versions(project / "uv.lock") == {"leaf": "1.0", "top": "1.0"}


def test_settings_of_the_workspace_count(uv: Path, index: Index, members: Path) -> None:
    make_wheel(index.folder, "leaf", "2.0")
    (members / "uv.toml").write_text('resolution = "lowest"\n')
    assert run(uv, members).returncode == 0
    assert versions(members / "uv.lock")["leaf"] == "1.0"


def test_a_python_that_is_not_here_is_not_needed(uv: Path, project: Path) -> None:
    pyproject = PYPROJECT.replace("==3.13.*", ">=3.11")
    (project / "pyproject.toml").write_text(pyproject)
    (project / ".python-version").write_text("3.99\n")
    done = run(uv, project)
    assert done.returncode == 0, done.stderr
    assert 'requires-python = ">=3.11"' in (project / "uv.lock").read_text()


# The committed lock.


def test_the_committed_lock_names_no_address() -> None:
    assert "//" not in re.sub(r"(?m)^#.*$", "", Path("uv.lock").read_text())
