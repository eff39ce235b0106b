"""Everything that a lock can say: each set holds what uv installs, file for file.

The projects are in shapes/. Their locks are made here, against two indexes on loopback.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.nested import Bazel
from tests.uv.index import Index, make_wheel, serve
from tests.uv.project import make_wheels

SITE = "lib/python3.13/site-packages"
GLIBC = 40


class Case(NamedTuple):
    """A set of a shape: attributes of `uv.lock`, and the options of `uv sync` that say the same."""

    shape: str
    options: tuple[str, ...] = ()
    attributes: str = ""
    # Folder of pyproject.toml; the lock is the shape's.
    project: str = ""


CASES = {
    "workspace": Case("workspace"),
    "workspace_api": Case("workspace", ("--package=api",), 'package = "api"'),
    "workspace_worker": Case("workspace", (), "", "packages/worker"),
    "virtual_root": Case("virtual_root"),
    "virtual_root_api": Case("virtual_root", ("--package=api",), 'package = "api"'),
    "choices": Case("choices"),
    "choices_bare": Case("choices", ("--no-default-groups",), "default_groups = False"),
    "choices_new": Case(
        "choices",
        ("--extra=new", "--extra=postgres", "--group=server"),
        'extras = ["new", "postgres"], groups = ["server"]',
    ),
    "choices_old": Case("choices", ("--extra=old",), 'extras = ["old"]'),
    "indexes": Case("indexes"),
    "sources": Case("sources"),
    "settings": Case("settings"),
    "namespaces": Case("namespaces"),
}

# Sets that come with each group and extra of a project, and with `uv.set`.
SETS = {
    ("choices", "dev"): ("--group=dev",),
    ("choices", "server"): ("--group=server",),
    ("choices", "extra_old"): ("--extra=old",),
    ("workspace", "worker"): ("--package=worker",),
}

UV_SET = 'uv.set(lock = "workspace", name = "worker", package = "worker")\n'

BUILD = """\
load("@rules_python//python:defs.bzl", "py_binary")

py_binary(
    name = "imports",
    srcs = ["imports.py"],
    deps = ["@namespaces//google-one", "@namespaces//google-two"],
)
"""

IMPORTS = """\
import google.one, google.two
print(google.one.name, google.two.name)
"""


class Shapes(Bazel):
    """One module with a lock for each case."""

    def __init__(self, folder: Path, uv: Path, index: Index, other: Index) -> None:
        root = folder / "ws"
        super().__init__(folder, root, index.environ(folder))
        self.uv, self.index = uv, index
        shutil.copytree("tests/uv/shapes", root)
        git = _git(folder / "git")
        for path in root.rglob("pyproject.toml"):
            text = path.read_text().replace("OTHER", other.url).replace("GIT", f"file://{git}")
            path.write_text(text.replace("ORIGIN", index.url.removesuffix("/simple")))
        for shape in ("indexes", "sources"):
            (root / shape / "wheels").mkdir()
            make_wheel(root / shape / "wheels", "local-wheel", "1.0")
        for project in root.iterdir():
            self.run_uv("lock", "--quiet", f"--python={sys.executable}", folder=project)
        for member in root.rglob("pyproject.toml"):
            (member.parent / "BUILD.bazel").touch()
        self.module_file = self.module("shapes") + "\n".join(
            [
                'bazel_dep(name = "rules_python", version = "2.3.2")',
                'uv = use_extension("@fastapi_image//uv:extensions.bzl", "uv")',
                *(_tag(name, case) for name, case in CASES.items()),
                UV_SET,
                *(f'use_repo(uv, "{name}")' for name in CASES),
                "",
            ]
        )
        (root / "MODULE.bazel").write_text(self.module_file)
        (root / "BUILD.bazel").write_text(BUILD)
        (root / "imports.py").write_text(IMPORTS)

    def run_uv(
        self, *arguments: str, folder: Path, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.uv, *arguments],
            cwd=folder,
            env=self.environ | (environ or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    def installed(self, case: Case, options: tuple[str, ...]) -> dict[str, str]:
        """What uv really installs: path in site-packages → SHA-256."""
        environment = self.folder / "environment"
        shutil.rmtree(environment, ignore_errors=True)
        self.run_uv(
            *("sync", "--frozen", "--no-install-project", "--no-editable", "--quiet"),
            *(() if "--group=dev" in options else ("--no-dev",)),
            *(f"--python={sys.executable}", f"--python-platform=x86_64-manylinux_2_{GLIBC}"),
            *options,
            folder=self.root / case.shape / case.project,
            environ={"UV_PROJECT_ENVIRONMENT": str(environment)},
        )
        return files(environment)

    def tree(self, name: str, set_name: str) -> dict[str, str]:
        """What the set's environment holds."""
        repository = self.root / f"bazel-bin/external/fastapi_image~~uv~{name}"
        return files(repository / f"{set_name}_linux_amd64.environment")


def _tag(name: str, case: Case) -> str:
    attributes = f", {case.attributes}" if case.attributes else ""
    project = "/".join(part for part in (case.shape, case.project) if part)
    return (
        f'uv.lock(name = "{name}", lock = "//{case.shape}:uv.lock", '
        f'pyproject = "//{project}:pyproject.toml"{attributes})'
    )


def files(environment: Path) -> dict[str, str]:
    """Path in site-packages → SHA-256, but for what says how and by whom it was installed."""
    site = environment / SITE
    left_out = ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json")
    return {
        str(path.relative_to(site)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in site.rglob("*")
        if path.is_file()
        and not (path.parent.suffix == ".dist-info" and path.name in left_out)
        and not (path.parent.suffix == ".dist-info" and path.match("uv_*.json"))
        and not path.name.startswith("_virtualenv")
        and "__pycache__" not in path.parts
    }


PROJECT = """\
[project]
name = "{name}"
version = "1.0"
requires-python = ">=3.13"
dependencies = ["leaf"]

[build-system]
requires = ["uv_build>=0.13,<0.14"]
build-backend = "uv_build"
"""


def _git(folder: Path) -> Path:
    """A bare repository with a project in a folder of its own."""
    work = folder / "work"
    project = work / "python lib"
    (project / "src/from_git").mkdir(parents=True)
    (project / "pyproject.toml").write_text(PROJECT.format(name="from-git"))
    (project / "src/from_git/__init__.py").write_text("name = 'from-git'\n")
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for command in (
        ("init", "--quiet", "--initial-branch=main", str(work)),
        ("-C", str(work), "add", "--all"),
        (*identity, "-C", str(work), "commit", "--quiet", "--message=x"),
        ("clone", "--quiet", "--bare", str(work), str(folder / "repository.git")),
    ):
        subprocess.run(["git", *command], env=environ, check=True)
    return folder / "repository.git"


def _sdist(folder: Path) -> None:
    metadata = "Metadata-Version: 2.4\nName: sdist-only\nVersion: 1.0\nRequires-Dist: leaf\n"
    with tarfile.open(folder / "sdist_only-1.0.tar.gz", "w:gz") as tar:
        for name, text in {
            "PKG-INFO": metadata,
            "pyproject.toml": PROJECT.format(name="sdist-only"),
            "src/sdist_only/__init__.py": "name = 'sdist-only'\n",
        }.items():
            entry = tarfile.TarInfo(f"sdist_only-1.0/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))


def _fill(index: Path, other: Path) -> None:
    make_wheels(index)
    for version in ("1.0", "2.0"):
        make_wheel(index, "version", version)
    make_wheel(index, "torchlike", "2.9.1")
    make_wheel(index, "by-address", "1.0", requires=("leaf",))
    _sdist(index)
    for name in ("one", "two"):
        make_wheel(index, f"google-{name}", "1.0", {f"google/{name}.py": f"name = {name!r}\n"})
    for arch in ("x86_64", "aarch64"):
        tag = f"cp313-cp313-manylinux_2_28_{arch}"
        content = {"torchlike.py": "cpu = True\n"}
        make_wheel(other, "torchlike", "2.9.1+cpu", content, tag=tag)


@pytest.fixture(scope="module")
def shapes(uv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shapes]:
    """All shapes, locked, and their environments built."""
    if shutil.which("bazel") is None:
        pytest.skip("there is no bazel on the test's PATH")
    folder = tmp_path_factory.mktemp("shapes")
    served, others = folder / "served", folder / "others"
    served.mkdir()
    others.mkdir()
    _fill(served, others)
    with serve(served) as index, serve(others) as other:
        made = Shapes(folder, uv, index, other)
        sets = [(name, "runtime") for name in CASES] + list(SETS)
        done = made.bazel(
            "build",
            "--keep_going",
            *(f"@{name}//:{each}_linux_amd64.environment" for name, each in sets),
        )
        try:
            assert done.returncode == 0, done.stderr
            yield made
        finally:
            made.bazel("shutdown")


@pytest.mark.parametrize(
    ("name", "held", "options"),
    [
        *((name, "runtime", case.options) for name, case in CASES.items()),
        *((name, held, options) for (name, held), options in SETS.items()),
    ],
)
def test_a_set_holds_what_uv_installs(
    shapes: Shapes, name: str, held: str, options: tuple[str, ...]
) -> None:
    expected = shapes.installed(CASES[name], options)
    assert shapes.tree(name, held) == expected
    assert expected or name == "virtual_root"


def names(shapes: Shapes, name: str, held: str = "runtime") -> set[str]:
    return {path.partition("/")[0] for path in shapes.tree(name, held) if ".dist-info/" in path}


def test_what_uv_installs_is_what_each_shape_is_for(shapes: Shapes) -> None:
    """Lest two empty environments be the same."""
    assert {"common-1.dist-info", "more-1.0.dist-info"} <= names(shapes, "workspace_api")
    assert "tool-1.0.dist-info" not in names(shapes, "workspace_api")
    assert "more-1.0.dist-info" not in names(shapes, "workspace_worker")
    assert names(shapes, "workspace_worker") == names(shapes, "workspace", "worker") - {
        "worker-1.dist-info"
    }
    assert "version-1.0.dist-info" in names(shapes, "choices_old")
    assert "version-2.0.dist-info" in names(shapes, "choices_new")
    assert "ring_a-1.0.dist-info" in names(shapes, "choices")  # a default group
    assert "ring_a-1.0.dist-info" not in names(shapes, "choices_bare")
    assert "tool-1.0.dist-info" not in names(shapes, "choices")  # dev
    assert "torchlike-2.9.1+cpu.dist-info" in names(shapes, "indexes")
    assert "version-1.0.dist-info" in names(shapes, "settings")
    assert names(shapes, "sources") >= {
        "by_address-1.0.dist-info",
        "from_git-1.0.dist-info",
        "in_folder-1.dist-info",
        "in_folder_editable-1.dist-info",
        "local_wheel-1.0.dist-info",
        "sdist_only-1.0.dist-info",
    }


def test_a_namespace_of_two_distributions(shapes: Shapes) -> None:
    done = shapes.bazel("run", "//:imports")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["one", "two"]
