"""`bazel run` of an oci_push brings an image or an index to a registry."""

import os
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from tests.registry import layouts, local_registry

PUSH = layouts.FOLDER / "push.sh"
PUSH_BARE = layouts.FOLDER / "push_bare.sh"
PUSH_BY_FILE = layouts.FOLDER / "push_by_file.sh"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """Address of an empty registry."""
    with local_registry.serve() as address:
        yield address


def push(
    program: pathlib.Path, *arguments: str, path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess[str]:
    """Run a pusher as `bazel run` does."""
    environment = {
        "HOME": os.environ["TEST_TMPDIR"],
        "PATH": path,
        "RUNFILES_DIR": os.environ["RUNFILES_DIR"],
    }
    command = [str(program.absolute()), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def tags(repository: str) -> set[str]:
    """Tags of a repository."""
    return set(local_registry.run("crane", "ls", repository).split())


def test_image_with_its_tags(registry: str) -> None:
    repository = f"{registry}/image"
    result = push(PUSH, "--repository", repository, "-t", "given", "--tag=again")
    assert result.returncode == 0, result.stderr
    assert tags(repository) == {"latest", "1.0", "given", "again"}
    digest = local_registry.run("crane", "digest", f"{repository}:latest").strip()
    assert digest == layouts.top(layouts.FOLDER / "everything")["digest"]


def test_index_without_tags(registry: str) -> None:
    repository = f"{registry}/index"
    result = push(PUSH_BARE, f"--repository={repository}")
    assert result.returncode == 0, result.stderr
    digest = layouts.top(layouts.FOLDER / "index")["digest"]
    local_registry.run("crane", "validate", "--fast", "--remote", f"{repository}@{digest}")


def test_repository_of_the_rule() -> None:
    """The rule names a port where nobody listens: crane says where it has tried."""
    result = push(PUSH)
    assert result.returncode == 1
    assert "//127.0.0.1:1/v2/" in result.stderr
    assert result.stderr.endswith("rules_oci: crane push ended with exit code 1\n")


def test_repository_file() -> None:
    result = push(PUSH_BY_FILE)
    assert result.returncode == 1
    assert "//127.0.0.1:2/v2/" in result.stderr


def test_flags_reach_crane(registry: str) -> None:
    result = push(PUSH_BARE, "-r", f"{registry}/flags", "--verbose")
    assert result.returncode == 0
    assert "PUT /v2/flags/manifests/" in result.stderr


def test_no_repository() -> None:
    result = push(PUSH_BARE)
    assert result.returncode == 1
    assert result.stderr == "rules_oci: repository not set: pass --repository\n"


def test_flag_without_a_value() -> None:
    result = push(PUSH_BARE, "--tag")
    assert result.returncode == 1
    assert result.stderr == "rules_oci: --tag needs a value\n"


def test_no_crane(tmp_path: pathlib.Path) -> None:
    for name in ("sh", "readlink"):  # What the interpreter's launcher needs.
        (tmp_path / name).symlink_to(f"/bin/{name}")
    result = push(PUSH_BARE, "-r", "registry.example/app", path=str(tmp_path))
    assert result.returncode == 1
    assert result.stderr == "rules_oci: the program crane is not on PATH\n"
