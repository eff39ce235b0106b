"""The projects of shapes/ as one module with a lock for each, and what uv installs of them.

Their locks are made here, against two indexes on loopback.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

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


class Shapes(Bazel):
    """One module with a lock for each case; `module` is added to its MODULE.bazel.

    `package` is the BUILD file of every project and member, `files` the module's own: path → text.
    """

    def __init__(
        self,
        folder: Path,
        uv: Path,
        index: Index,
        other: Index,
        cases: Mapping[str, Case],
        *,
        module: str,
        files: Mapping[str, str],
        package: str = "",
    ) -> None:
        root = folder / "ws"
        super().__init__(folder, root, index.environ(folder))
        self.uv, self.index = uv, index
        for shape in {case.shape for case in cases.values()}:
            shutil.copytree(Path("tests/uv/shapes", shape), root / shape)
        git = _git(folder / "git")
        for path in root.rglob("pyproject.toml"):
            text = path.read_text().replace("OTHER", other.url).replace("GIT", f"file://{git}")
            path.write_text(text.replace("ORIGIN", index.url.removesuffix("/simple")))
            (path.parent / "BUILD.bazel").write_text(package)
        for project in root.iterdir():
            if project.name in ("indexes", "sources"):
                (project / "wheels").mkdir()
                make_wheel(project / "wheels", "local-wheel", "1.0")
            self.run_uv("lock", "--quiet", f"--python={sys.executable}", folder=project)
        (root / "MODULE.bazel").write_text(
            self.module("shapes")
            + "\n".join(
                [
                    'bazel_dep(name = "rules_python", version = "2.3.2")',
                    'uv = use_extension("@fastapi_image//uv:extensions.bzl", "uv")',
                    *(_tag(name, case) for name, case in cases.items()),
                    *(f'use_repo(uv, "{name}")' for name in cases),
                    module,
                ]
            )
        )
        for name, content in files.items():
            (root / name).write_text(content)

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


# Does with an application what uvicorn does before it serves, and prints what that returns.
UVICORN = """\
import importlib, json, sys

def main():
    module, _, attribute = sys.argv[1].partition(":")
    sys.path.insert(0, "")
    app = getattr(importlib.import_module(module), attribute)
    print(json.dumps((app() if "--factory" in sys.argv else app)()))
"""
UVICORN_SCRIPT = "[console_scripts]\nuvicorn = uvicorn:main\n"

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
    script = {"uvicorn-1.0.dist-info/entry_points.txt": UVICORN_SCRIPT, "uvicorn.py": UVICORN}
    make_wheel(index, "uvicorn", "1.0", script)
    for name in ("one", "two"):
        make_wheel(index, f"google-{name}", "1.0", {f"google/{name}.py": f"name = {name!r}\n"})
    for arch in ("x86_64", "aarch64"):
        tag = f"cp313-cp313-manylinux_2_28_{arch}"
        content = {"torchlike.py": "cpu = True\n"}
        make_wheel(other, "torchlike", "2.9.1+cpu", content, tag=tag)


@contextmanager
def serve_both(folder: Path) -> Iterator[tuple[Index, Index]]:
    """The index of the shapes' packages, and the one that a project names beside it."""
    served, others = folder / "served", folder / "others"
    served.mkdir()
    others.mkdir()
    _fill(served, others)
    with serve(served) as index, serve(others) as other:
        yield index, other
