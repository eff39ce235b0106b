"""The module extension, in a Bazel workspace of its own with an index on the loopback interface.

It has this repository's uv/ and registry/, and the test's own wheels, pyproject.toml and lock.
"""

import contextlib
import locale
import os
import re
import shutil
import subprocess
import sys
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
    stamps, listings = workspace.stamps(), [workspace.listing(name) for name in SETS]
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
    done = workspace.build(*targets)
    assert done.returncode == 0, done.stderr
    assert [workspace.listing(name) for name in SETS] == listings
    assert workspace.stamps() == stamps


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
    runfiles = workspace.root / "bazel-bin/imports.runfiles/_main~uv~pypi__beyond"
    assert (runfiles / "site-packages/beyond/ü →.txt").read_text() == "x"


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
    assert {name for name in after if after[name] != before[name]} == {"leaf"}
    assert '"version": "1.1"' in workspace.listing("runtime_linux_amd64")


def test_a_wheel_for_a_platform_that_is_not_built_is_not_missed(workspace: Workspace) -> None:
    make_wheel(workspace.index.folder, "amd-only", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    workspace.write(PYPROJECT.replace('"odd"', '"amd-only"'))
    assert workspace.build("@pypi//:runtime_linux_amd64").returncode == 0
    message = workspace.error("@pypi//:runtime_linux_arm64")
    assert message.startswith("amd-only 1.0: no wheel for linux/arm64 and Python 3.13")
    assert not (workspace.repository("amd-only__linux_arm64") / "listing").exists()


# A distribution that can't be installed: its repository is only there after the repair.


def test_hash_mismatch(workspace: Workspace) -> None:
    lock = (workspace.root / "uv.lock").read_text()
    at = lock.index('path = "more-1.0-py3-none-any.whl", hash = "sha256:') + len(
        'path = "more-1.0-py3-none-any.whl", hash = "sha256:'
    )
    (workspace.root / "uv.lock").write_text(lock[:at] + "0" * 64 + lock[at + 64 :])
    message = workspace.error()
    assert message.startswith(
        "more 1.0: the index serves other bytes under this name than uv.lock pins"
    )
    assert not (workspace.repository("more") / "site-packages").exists()
    (workspace.root / "uv.lock").write_text(lock)
    assert workspace.build().returncode == 0


def test_index_refuses(workspace: Workspace) -> None:
    make_wheel(workspace.index.folder, "late", "1.0")
    workspace.write(PYPROJECT.replace('"odd"', '"late"'))
    workspace.index.status = 503
    assert workspace.error().startswith(
        "late 1.0: the index that this machine is configured for refuses"
    )
    workspace.index.status = 200
    assert workspace.build().returncode == 0


def test_only_a_source_distribution(workspace: Workspace) -> None:
    lock = (workspace.root / "uv.lock").read_text()
    start = lock.index("wheels = [", lock.index('name = "more"'))
    end = lock.index("]\n", start) + 2
    source = f'sdist = {{ path = "more-1.0.tar.gz", hash = "sha256:{"0" * 64}" }}\n'
    (workspace.root / "uv.lock").write_text(lock[:start] + source + lock[end:])
    assert workspace.error().startswith("more 1.0: no wheel for linux/amd64 and Python 3.13")


def test_a_collision_names_the_path_and_both_distributions(workspace: Workspace) -> None:
    for name in ("clash-a", "clash-b"):
        make_wheel(
            workspace.index.folder, name, "1.0", {"clash/same.py": "", "clash/x.py": f"{name!r}\n"}
        )
    workspace.write(PYPROJECT.replace('"odd"', '"clash-a", "clash-b"'))
    done = workspace.build()
    assert done.returncode != 0
    path = "lib/python3.13/site-packages/clash/x.py"
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("clash-a")]
    assert line.startswith(f"clash-a and clash-b both install {path}, with different content")


# The pinned uv: every other test has it from pip.


def test_no_pip_and_no_uv(workspace: Workspace, tmp_path: Path) -> None:
    message = workspace.error("@pinned//:uv", f"--repo_env=PATH={tmp_path}")
    assert "there is no pip here: install python3-pip. Or put a uv of exactly version" in message


def test_a_uv_of_the_pinned_version_on_path(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "uv").symlink_to(workspace.uv.resolve())
    done = workspace.build("@pinned//:uv", f"--repo_env=PATH={tmp_path}")
    assert done.returncode == 0, done.stderr


def test_a_uv_of_another_version_on_path(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "uv").write_text("#!/bin/sh\necho uv 0.0.1\n")
    (tmp_path / "uv").chmod(0o755)
    assert "of exactly version" in workspace.error("@pinned//:uv", f"--repo_env=PATH={tmp_path}")


def test_another_uv_is_one_of_those_that_are_pinned(workspace: Workspace) -> None:
    message = workspace.error("@pinned//:uv", "--repo_env=FASTAPI_IMAGE_UV=0.0.1")
    assert re.match(r"FASTAPI_IMAGE_UV=0.0.1: the versions that are pinned are \d\S+, \d", message)


@pytest.mark.skipif(not shutil.which("python3"), reason="there is no python3 whose pip could fail")
def test_pips_index_unreachable(workspace: Workspace) -> None:
    index = "http://fake-user:fake-password@127.0.0.1:9/simple"
    message = workspace.error(
        "@pinned//:uv", f"--repo_env=PIP_INDEX_URL={index}", "--repo_env=PIP_RETRIES=0"
    )
    assert re.match(r"pip could not download uv \S+ \(wheel with sha256 [0-9a-f]{64}\)", message)
    assert "fake-" not in message
