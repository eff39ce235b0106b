"""The repository rules of //image/base, in a real Bazel with a mirror and layouts of our own."""

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.base.layout import base
from tests.image.base.nested_bazel import Workspace
from tests.image.base.sources import Mirror, gzipped, serve, to_usr_local, write_layout

pytestmark = pytest.mark.skipif(
    shutil.which("bazel") is None, reason="tests find no bazel on this machine's PATH"
)

_MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
# What MODULE.bazel has from oci.pull is a folder here, the same one for all.
_MODULE = """
use_repo(base, "bases", "debian_3_13_amd64", "debian_3_13_arm64")
use_repo(base, "debian_python_3_13", "hub_python_3_13")
local = use_repo_rule("@bazel_tools//tools/build_defs/repo:local.bzl", "local_repository")
""" + "".join(
    f'local(name = "python_{python}_slim_{platform}", path = "layout")\n'
    for python in ("3_11", "3_12", "3_13", "3_14")
    for platform in ("linux_amd64", "linux_arm64_v8")
)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with serve(tmp_path / "mirror") as running:
        yield running


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path_factory.mktemp("bazel"), _MODULE)
    yield workspace
    workspace.close()


def write_lock(workspace: Workspace, mirror: Mirror) -> None:
    text = json.dumps({"packages": {"amd64": mirror.packages, "arm64": []}})
    (workspace.folder / "image/base/debian_3_13.lock.json").write_text(text)


def fetch(mirror: Mirror, **environment: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The arguments of `Workspace.bazel` that need the packages."""
    return (
        ("fetch", "--repo=@debian_3_13_amd64"),
        {"FASTAPI_IMAGE_DEBIAN_MIRROR": mirror.address, **environment},
    )


def test_locked_packages_are_downloaded(workspace: Workspace, mirror: Mirror) -> None:
    mirror.lock("one", "debian", "pool/main/o/one.deb", b"1").write_bytes(b"1")
    # A point release moved this security update into the main archive.
    mirror.lock("two", "debian-security", "pool/updates/main/t/two.deb", b"2")
    moved = mirror.folder / "debian/pool/main/t/two.deb"
    moved.parent.mkdir(parents=True)
    moved.write_bytes(b"2")
    write_lock(workspace, mirror)
    arguments, environment = fetch(mirror)
    done = workspace.bazel(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    folder = workspace.repository("_main~base~debian_3_13_amd64")
    assert (folder / "one.deb").read_bytes() + (folder / "two.deb").read_bytes() == b"12"


def test_packages_that_the_mirror_no_longer_serves(workspace: Workspace, mirror: Mirror) -> None:
    mirror.lock("here", "debian", "pool/main/h/here.deb", b"here").write_bytes(b"here")
    mirror.lock("gone", "debian", "pool/main/g/gone.deb", b"gone")
    mirror.lock("other", "debian", "pool/main/o/other.deb", b"other").write_bytes(b"changed")
    write_lock(workspace, mirror)
    arguments, environment = fetch(mirror)
    said = workspace.error(*arguments, **environment)
    assert "gone 1.0-1 (amd64), other 1.0-1 (amd64)" in said
    assert "here" not in said
    assert said.endswith("refresh the lock: bazel run //image/base:lock")


@pytest.mark.parametrize("broken", ["<<<<<<< HEAD\n{", "[]", '{"packages": {}}'])
def test_a_lock_that_is_none(workspace: Workspace, mirror: Mirror, broken: str) -> None:
    (workspace.folder / "image/base/debian_3_13.lock.json").write_text(broken)
    arguments, environment = fetch(mirror)
    assert workspace.error(*arguments, **environment) == (
        "@@//image/base:debian_3_13.lock.json is no lock of Debian packages: write it anew by "
        "bazel run //image/base:lock"
    )


def test_a_machine_without_a_mirror(workspace: Workspace, mirror: Mirror) -> None:
    mirror.lock("one", "debian", "pool/main/o/one.deb", b"other content")
    write_lock(workspace, mirror)
    arguments, _ = fetch(mirror)
    assert workspace.error(*arguments).startswith("FASTAPI_IMAGE_DEBIAN_MIRROR is not set: give")


@pytest.mark.parametrize("place", ["usr", "usr/local"])
def test_an_interpreter_from_a_layout(workspace: Workspace, place: str) -> None:
    layout = base(f"linux_{_MACHINE}")
    local = place == "usr/local"
    layers = [to_usr_local(layer) for layer in layout.layers()] if local else gzipped(layout)
    write_layout(workspace.folder / "layout", layers)
    done = workspace.bazel("fetch", "--repo=@hub_python_3_13")
    assert done.returncode == 0, done.stderr
    repository = workspace.repository("_main~base~hub_python_3_13")
    says = "import ssl, sqlite3, sys; print(sys.executable, sys.prefix, ssl.__file__)"
    python = repository / "bin/python3"
    printed = subprocess.run([python, "-I", "-c", says], capture_output=True, check=True, text=True)
    assert printed.stdout.split() == [
        str(python),
        str(repository),
        str(repository / "lib/python3.13/ssl.py"),
    ]


def library_layer(*names: str) -> bytes:
    """A layer with empty files of these names in the interpreter's library."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo("usr/lib/python3.13/" + name))
    return output.getvalue()


def test_what_a_layer_deletes_is_not_in_the_interpreter(workspace: Workspace) -> None:
    below = library_layer("gone.py", "gone/one.py", "opaque/two.py", "opaque/deep/three.py")
    above = library_layer(".wh.gone.py", ".wh.gone", "opaque/.wh..wh..opq", "opaque/new.py")
    layers = [below, *gzipped(base(f"linux_{_MACHINE}")), above]
    write_layout(workspace.folder / "layout", layers)
    done = workspace.bazel("fetch", "--repo=@hub_python_3_13")
    assert done.returncode == 0, done.stderr
    library = workspace.repository("_main~base~hub_python_3_13") / "lib/python3.13"
    assert (library / "ssl.py").exists()
    assert not (library / "gone.py").exists()
    assert not (library / "gone").exists()
    assert [path.name for path in (library / "opaque").glob("*.py")] == ["new.py"]
    assert not (library / "opaque/deep").exists()
    assert not list(library.rglob(".wh.*"))


def test_a_layout_without_python(workspace: Workspace) -> None:
    layout = base(f"linux_{_MACHINE}")
    write_layout(workspace.folder / "layout", gzipped(layout)[:1])
    said = workspace.error("fetch", "--repo=@hub_python_3_13")
    assert said.startswith("the base has no CPython 3.13: neither /usr/local/lib/python3.13 nor")


def test_a_layout_that_is_no_debian(workspace: Workspace) -> None:
    write_layout(workspace.folder / "layout", [])
    said = workspace.error("fetch", "--repo=@hub_python_3_13")
    assert said.startswith("the base has no /usr/lib/")


def missing(workspace: Workspace, target: str, mode: str) -> str:
    return workspace.error("build", "--nobuild", target, FASTAPI_IMAGE_MODE=mode)


def test_a_base_that_mirror_mode_has_not(workspace: Workspace) -> None:
    for target in ("python_3_12", "python_3_12_linux_arm64"):
        assert missing(workspace, f"@bases//:{target}", "mirror") == (
            "mirror mode has no base with Python 3.12, as no Debian release has it: let "
            "requires-python in pyproject.toml allow 3.13 or 3.14 or 3.11 and lock anew, build in "
            "hub mode (tools/bazel --mode=hub), or give fastapi_image() bases and an interpreter "
            "of your own"
        )


def test_a_mode_that_there_is_not(workspace: Workspace) -> None:
    assert missing(workspace, "@bases//:python_3_13", "offline") == (
        "FASTAPI_IMAGE_MODE=offline: the modes are hub and mirror; tools/bazel sets it"
    )


def test_a_name_for_each_base_of_the_mode(workspace: Workspace) -> None:
    """Other than in the build that this test runs in: what hub mode would pull."""
    done = workspace.bazel("fetch", "--repo=@bases", FASTAPI_IMAGE_MODE="hub")
    assert done.returncode == 0, done.stderr
    names = (workspace.repository("_main~base~bases") / "BUILD.bazel").read_text()
    for python in ("3_11", "3_12", "3_13", "3_14"):
        for name, actual in {
            f"python_{python}": f"@hub_python_{python}//:python",
            f"runtimes_{python}": f"@hub_python_{python}//:runtimes",
            f"python_{python}_linux_amd64": f"@python_{python}_slim_linux_amd64",
            f"python_{python}_linux_arm64": f"@python_{python}_slim_linux_arm64_v8",
        }.items():
            assert f'alias(\n    name = "{name}",\n    actual = "{actual}",\n)' in names


def tree(folder: Path) -> dict[str, tuple[str, str]]:
    """Path → mode, and a link's target or the hash of a file's content."""
    found = {}
    # Bazel itself writes the one file that is left out, after the rule.
    for path in {folder, *folder.rglob("*")} - {folder / "REPO.bazel"}:
        if path.is_symlink():
            content = str(path.readlink())
        else:
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (oct(path.lstat().st_mode), content)
    return found


def test_an_interpreter_is_the_same_in_every_output_base(
    workspace: Workspace, mirror: Mirror, tmp_path: Path
) -> None:
    """It is an input of every action, which another checkout must find in a cache."""
    lock = json.loads(Path("image/base/debian_3_13.lock.json").read_bytes())["packages"][_MACHINE]
    files = {path.name: path for path in Path("..").glob(f"*debian_3_13_{_MACHINE}/*.deb")}
    for package in lock:
        file = mirror.folder / package["archive"] / package["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(files[package["name"] + ".deb"].resolve())
    other = Workspace(
        tmp_path / "another place",
        _MODULE,
        umask=0o077,
        environment={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONOPTIMIZE": "2"},
    )
    layers = [to_usr_local(layer) for layer in base(f"linux_{_MACHINE}").layers()]
    try:
        trees = []
        for each in (workspace, other):
            packages = {"amd64": [], "arm64": []} | {_MACHINE: lock}
            written = each.folder / "image/base/debian_3_13.lock.json"
            written.write_text(json.dumps({"packages": packages}))
            write_layout(each.folder / "layout", layers)
            repositories = ("--repo=@hub_python_3_13", "--repo=@debian_python_3_13")
            done = each.bazel("fetch", *repositories, FASTAPI_IMAGE_DEBIAN_MIRROR=mirror.address)
            assert done.returncode == 0, done.stderr
            trees.append(
                [
                    tree(each.repository(f"_main~base~{name}_python_3_13"))
                    for name in ("debian", "hub")
                ]
            )
    finally:
        other.close()
    for one, two in zip(*trees, strict=True):
        assert len(one) > 1000
        assert {path for path in one | two if one.get(path) != two.get(path)} == set()
