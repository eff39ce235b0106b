"""The module extension, in a Bazel workspace of its own with an index on the loopback interface.

It has this repository's uv/ and registry/, and the test's own wheels, pyproject.toml and lock.
"""

import contextlib
import locale
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.uv.index import make_wheel
from tests.uv.project import PYPROJECT
from tests.uv.workspace import Workspace
from uv.private.lock_form import portable

pytestmark = pytest.mark.usefixtures("restored")


SETS = ("runtime_linux_amd64", "runtime_linux_arm64", "dev_linux_amd64")


def test_facts_of_a_lock(workspace: Workspace) -> None:
    done = workspace.build(*(f"@pypi//:{name}" for name in SETS))
    assert done.returncode == 0, done.stderr
    for name in SETS:
        golden = Path(f"tests/uv/golden/{name}.json").read_text()
        assert workspace.listing(name).splitlines() == golden.splitlines(), workspace.listing(name)


def test_a_plain_lock_gives_the_same(workspace: Workspace) -> None:
    targets = [f"@pypi//:{name}" for name in SETS]
    assert workspace.build(*targets).returncode == 0
    portable_lock = (workspace.root / "uv.lock").read_text()
    listings = [workspace.listing(name) for name in SETS]
    (workspace.root / "uv.lock").unlink()
    subprocess.run(
        [workspace.uv, "lock", "--quiet", f"--python={sys.executable}"],
        cwd=workspace.root,
        env=workspace.environ,
        check=True,
    )
    plain_lock = (workspace.root / "uv.lock").read_text()
    assert workspace.index.url in plain_lock
    assert portable(plain_lock) == portable_lock
    workspace.index.requests.clear()
    done = workspace.build(*targets)
    assert done.returncode == 0, done.stderr
    assert [workspace.listing(name) for name in SETS] == listings
    assert workspace.index.requests == []  # all of it lies in the repository cache


def test_libraries_import_with_extras_cycles_and_odd_names(workspace: Workspace) -> None:
    done = workspace.bazel("run", "//:imports")
    assert done.returncode == 0, done.stderr
    native, names = done.stdout.splitlines()
    assert native == f"{os.uname().machine} built"
    assert names == "leaf more native odd ring-a ring-b top"


def _reads_any_name() -> bool:
    """Debian's Bazel reads names beyond ASCII only where its client's locale is installed."""
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "en_US.ISO-8859-1")
        locale.setlocale(locale.LC_CTYPE, "")
        return True
    return not Path("/usr/share/bazel").is_dir()


@pytest.mark.skipif(not _reads_any_name(), reason="Bazel's JVM lacks the locale en_US.ISO-8859-1")
def test_names_beyond_ascii(workspace: Workspace) -> None:
    make_wheel(
        workspace.index.folder, "beyond", "1.0", {"beyond/ü →.txt": "x", "beyond/__init__.py": ""}
    )
    workspace.write(PYPROJECT.replace('"native"', '"native", "beyond"'))
    done = workspace.build("@pypi//:runtime_linux_amd64", "@pypi//beyond", "//:imports")
    assert done.returncode == 0, done.stderr
    runfiles = workspace.root / "bazel-bin/imports.runfiles/fastapi_image~~uv~pypi"
    (found,) = runfiles.glob("beyond/*/lib/python3.13/site-packages/beyond/ü →.txt")
    assert found.read_text() == "x"


def test_a_bump_fetches_one_distribution_and_an_unchanged_lock_none(workspace: Workspace) -> None:
    assert workspace.build().returncode == 0
    before = workspace.stamps()
    workspace.bazel("shutdown")
    workspace.index.status = 500
    assert workspace.build().returncode == 0
    assert workspace.stamps() == before

    workspace.index.status = 200
    make_wheel(workspace.index.folder, "leaf", "1.1")
    workspace.write(PYPROJECT, upgrade=("leaf",))
    done = workspace.build()
    assert done.returncode == 0, done.stderr
    after = workspace.stamps()
    assert {name for name in after if after[name] != before.get(name)} == {
        "leaf-1.1-py3-none-any.whl"
    }
    assert '"version": "1.1"' in workspace.listing("runtime_linux_amd64")


def test_a_platform_is_on_its_own(workspace: Workspace) -> None:
    """amd64 asks for nothing of arm64, and builds where there is nothing of it."""
    make_wheel(workspace.index.folder, "amd-only", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    workspace.write(PYPROJECT.replace('"odd"', '"amd-only", "native"'))
    workspace.bazel("clean", "--expunge")
    workspace.index.requests.clear()
    done = workspace.build("@pypi//:runtime_linux_amd64", "@pypi//:runtime")
    assert done.returncode == 0, done.stderr
    asked = [path for path in workspace.index.requests if "linux" in path]
    assert asked
    assert not [path for path in asked if "aarch64" in path]
    message = workspace.error("@pypi//:runtime_linux_arm64")
    assert message == (
        "@@fastapi_image~~uv~pypi//:runtime_linux_arm64: amd-only 1.0 has no wheel for linux/arm64 "
        "and Python 3.13 in the lock, and no source distribution. Take a version that has one, or "
        "build for the other platform alone (`platforms` of fastapi_image)."
    )


def test_a_file_that_cannot_be_had_is_not_there_in_part(workspace: Workspace) -> None:
    make_wheel(workspace.index.folder, "late", "1.0")
    workspace.write(PYPROJECT.replace('"odd"', '"late"'))
    workspace.index.status = 403
    assert workspace.error().startswith(
        "late 1.0: late-1.0-py3-none-any.whl can't be had: the index that this machine is "
        "configured for answers 403 Forbidden. Try again"
    )
    assert not (workspace.repository_of("late-1.0-py3-none-any.whl") / "BUILD.bazel").exists()
    workspace.index.status = 200
    assert workspace.build().returncode == 0


def test_a_collision_is_one_line_or_an_error(workspace: Workspace) -> None:
    for name in ("clash-a", "clash-b"):
        make_wheel(
            workspace.index.folder, name, "1.0", {"clash/same.py": "", "clash/x.py": f"{name!r}\n"}
        )
    workspace.write(PYPROJECT.replace('"odd"', '"clash-a", "clash-b"'))
    done = workspace.build()
    assert done.returncode == 0, done.stderr
    path = "lib/python3.13/site-packages/clash/x.py"
    assert [line for line in done.stderr.splitlines() if "clash-a" in line and "x.py" in line], (
        done.stderr
    )
    module = workspace.root / "MODULE.bazel"
    text = module.read_text()
    module.write_text(text.replace('name = "pypi",', 'name = "pypi", collisions = "error",'))
    try:
        done = workspace.build()
    finally:
        module.write_text(text)
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if "clash-a" in line and path in line]


# The pinned uv: every other test has it from outside.


@pytest.fixture
def no_uv(workspace: Workspace) -> Iterator[None]:
    """@uv is fetched, and no index has it."""
    kept = workspace.overrides.pop("uv_tools~uv")
    yield
    workspace.overrides["uv_tools~uv"] = kept


@pytest.mark.usefixtures("no_uv")
def test_a_uv_of_the_pinned_version_on_path(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "uv").write_text("#!/bin/sh\necho uv 0.0.1\n")
    (tmp_path / "uv").chmod(0o755)
    path = f"--repo_env=PATH={tmp_path}:/usr/bin:/bin"
    message = workspace.error("@uv//:uv", path)
    assert re.match(
        r"uv \S+: its wheel can't be had: the index that this machine is configured for doesn't "
        r"have this package.*Or put a uv of exactly version",
        message,
    )
    (tmp_path / "uv").unlink()
    (tmp_path / "uv").symlink_to(workspace.uv.resolve())
    done = workspace.build("@uv//:uv", path)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("no_uv")
def test_another_uv_is_one_of_those_that_are_pinned(workspace: Workspace) -> None:
    message = workspace.error("@uv//:uv", "--repo_env=FASTAPI_IMAGE_UV=0.0.1")
    assert re.match(r"FASTAPI_IMAGE_UV=0.0.1: the versions that are pinned are \d\S+, \d", message)
