"""Everything that a lock can say: each set holds what uv installs, file for file.

The projects are in shapes/; test_shape_images.py makes images of them.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.uv.shaped import Case, Shapes, serve_both

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


@pytest.fixture(scope="module")
def shapes(uv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shapes]:
    """All shapes, locked, and their environments built."""
    if shutil.which("bazel") is None:
        pytest.skip("there is no bazel on the test's PATH")
    folder = tmp_path_factory.mktemp("shapes")
    with serve_both(folder) as (index, other):
        files = {"BUILD.bazel": BUILD, "imports.py": IMPORTS}
        made = Shapes(folder, uv, index, other, CASES, module=UV_SET, files=files)
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
