"""What a lock can say, as whole images: each holds what uv installs, and its application starts.

All images are made in one build, for one platform, on a base of two files.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.image.base.layout import Layout
from tests.image.consumer.workspace import BASE, BUILD, write_tar
from tests.uv.shaped import SITE, Case, Shapes, files, serve_both

CASES = {
    "workspace": Case("workspace"),
    "api": Case("workspace", ("--package=api",), 'package = "api"'),
    "worker": Case("workspace", (), "", "packages/worker"),
    "virtual_root": Case("virtual_root", ("--package=api",), 'package = "api"'),
    "roots": Case("roots"),
    "choices": Case("choices"),
    "sources": Case("sources"),
    "namespaces": Case("namespaces"),
}


class Image(NamedTuple):
    """An image of a case: arguments of fastapi_image(), and what its application answers."""

    case: str
    answers: Any
    # The folder of the sources' project, those of its folders that go to the working directory,
    # and what lies there then.
    project: str
    roots: tuple[str, ...]
    packed: tuple[str, ...]
    application: str = "main:app"
    more: str = ""
    # A set of the lock besides `runtime`: attributes of `uv.set`, and options that say the same.
    uv_set: str = ""
    options: tuple[str, ...] = ()
    # The version of a project that is installed in its place, with its console script.
    version: str = ""
    script: str = ""


class Sources(NamedTuple):
    """What `Image` says of sources, for several images of one application."""

    project: str
    roots: tuple[str, ...] = ("",)
    packed: tuple[str, ...] = ("main.py",)
    application: str = "main:app"
    more: str = ""


def _member(name: str, folder: str) -> Sources:
    packed = (f"{name}/__init__.py", f"{name}/main.py")
    return Sources(folder, ("src",), packed, f"{name}.main:app")


API = _member("api", "workspace/packages/api")
WORKER = _member("worker", "workspace/packages/worker")
FACTORY = Sources("choices", application="main:create_app", more="factory = True")
SHOP = Sources(
    "roots",
    ("services/shop/src", "libs/shared/src", ""),
    ("shop/__init__.py", "shop/main.py", "shared/__init__.py", "config/price.txt"),
    "shop.main:app",
)
CHOICES = {"more": "1.0", "ring_a": "1.0", "tool": None, "version": None}

IMAGES = {
    "root": Image("workspace", ["api", "common", "1.0"], *Sources("workspace")),
    "member_by_package": Image("api", ["api", "common", "1.0"], *API),
    "member_by_pyproject": Image(
        "worker",
        ["worker", "common", "1.0"],
        *WORKER._replace(more='pyproject = "//workspace/packages/worker:pyproject.toml"'),
        version="1",
        script="work",
    ),
    "member_by_set": Image(
        "workspace",
        ["worker", "common", "1.0"],
        *WORKER,
        uv_set='package = "worker"',
        options=("--package=worker",),
    ),
    "member_of_a_virtual_root": Image(
        "virtual_root", ["api", "common", "1.0"], *_member("api", "virtual_root/api")
    ),
    "two_roots": Image(
        "roots",
        ["shared", "1.0", "7"],
        *SHOP._replace(more='pyproject = "//roots:pyproject.toml"'),
        version="1.2",
        script="sell",
    ),
    "default_groups": Image("choices", CHOICES, *FACTORY),
    "an_older_version": Image(
        "choices",
        CHOICES | {"version": "1.0"},
        *FACTORY,
        uv_set='extras = ["old"]',
        options=("--extra=old",),
    ),
    "a_newer_version": Image(
        "choices",
        CHOICES | {"tool": "1.0", "version": "2.0"},
        *FACTORY,
        uv_set='extras = ["new", "postgres"], groups = ["server"]',
        options=("--extra=new", "--extra=postgres", "--group=server"),
    ),
    "built_distributions": Image(
        "sources",
        ["1.0", "1.0", "from-git", "in-folder", "in-folder-editable", "sdist-only"],
        *Sources("sources"),
    ),
    "a_shared_namespace": Image("namespaces", ["one", "two"], *Sources("namespaces")),
}

MODULE = 'bazel_dep(name = "rules_oci", version = "2.3.0")\n' + "".join(
    f'uv.set(lock = "{image.case}", name = "{name}", {image.uv_set})\n'
    for name, image in IMAGES.items()
    if image.uv_set
)
PACKAGE = """\
exports_files(["pyproject.toml"])

filegroup(
    name = "all",
    srcs = glob(
        [
            "**/*.py",
            "config/**",
        ],
        allow_empty = True,
    ),
    visibility = ["//visibility:public"],
)
"""
# Runs a console script of an image on the test's own interpreter, with the image's packages alone.
START = """\
import runpy, site, sys
site.addsitedir(sys.argv[1])
del sys.argv[:2]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _call(name: str, image: Image) -> str:
    roots = [f"{image.project}/{root}".rstrip("/") for root in image.roots]
    return f"""
fastapi_image(
    name = "{name}",
    srcs = ["//{image.project}:all"],
    application = "{image.application}",
    bases = BASES,
    dependencies = "{name if image.uv_set else "runtime"}",
    platforms = ["linux_amd64"],
    pypi = "@{image.case}",
    strip_prefix = {json.dumps(roots)},
    {image.more}
)
"""


class Unpacked(NamedTuple):
    """An image, and the folder that its layers are unpacked into."""

    layout: Layout
    root: Path

    def start(self, program: str, *arguments: str) -> str:
        """What a console script says, started in the working directory."""
        environment = self.root / "app/.venv"
        command = [sys.executable, "-I", "-S", "-B", "-c", START, str(environment / SITE)]
        done = subprocess.run(
            [*command, str(environment / "bin" / program), *arguments],
            cwd=self.root / "app",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shapes(uv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shapes]:
    """All shapes, locked, and their images built."""
    if shutil.which("bazel") is None:
        pytest.skip("there is no bazel on the test's PATH")
    folder = tmp_path_factory.mktemp("images")
    calls = "".join(_call(name, image) for name, image in IMAGES.items())
    with serve_both(folder) as (index, other):
        made = Shapes(
            *(folder, uv, index, other, CASES),
            module=MODULE,
            files={"BUILD.bazel": BUILD + calls},
            package=PACKAGE,
        )
        write_tar(made.root / "base_amd64.tar.gz", BASE)
        done = made.bazel("build", "--keep_going", *(f"//:{name}_linux_amd64" for name in IMAGES))
        made.bazel("shutdown")
        assert done.returncode == 0, done.stderr
        yield made


@pytest.fixture(params=list(IMAGES), scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def unpacked(shapes: Shapes, name: str, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    layout = Layout(shapes.root / f"bazel-bin/{name}_linux_amd64")
    root = tmp_path_factory.mktemp(name)
    layout.unpack(root)
    # The image's paths, where they are unpacked.
    for path in (root / "app/.venv" / SITE).glob("*.pth"):
        lines = path.read_text().splitlines()
        path.write_text("".join(f"{root if line[:1] == '/' else ''}{line}\n" for line in lines))
    return Unpacked(layout, root)


def test_an_image_holds_what_uv_installs(shapes: Shapes, name: str, unpacked: Unpacked) -> None:
    """Distribution by distribution and file for file, but for what this repository adds."""
    image, case = IMAGES[name], CASES[IMAGES[name].case]
    expected = shapes.installed(case, case.options + image.options)
    held = files(unpacked.root / "app/.venv")
    added = {"fastapi_image_guard.py", "fastapi_image_guard.pth"}
    if image.version:
        project = image.application.partition(".")[0]
        info = f"{project}-{image.version}.dist-info"
        added |= {f"{info}/METADATA", f"{info}/entry_points.txt", f"_{project}.pth"}
    assert held.keys() - expected.keys() == added
    assert {path: held[path] for path in held.keys() - added} == expected


def test_an_image_holds_the_sources_of_one_project(name: str, unpacked: Unpacked) -> None:
    app = unpacked.root / "app"
    packed = {str(path.relative_to(app)) for path in app.rglob("*") if path.is_file()}
    assert set(IMAGES[name].packed) == {
        path for path in packed if not path.startswith(".venv/") and not path.endswith(".pyc")
    }


def test_an_image_starts(name: str, unpacked: Unpacked) -> None:
    config = unpacked.layout.config["config"]
    said = unpacked.start(*config["Entrypoint"], *config["Cmd"])
    assert json.loads(said) == IMAGES[name].answers


@pytest.mark.parametrize("name", [name for name in IMAGES if IMAGES[name].script], indirect=True)
def test_the_console_script_of_a_project(name: str, unpacked: Unpacked) -> None:
    """It tells the project's own version, too."""
    image = IMAGES[name]
    assert unpacked.start(image.script).split() == [*image.answers, image.version]
