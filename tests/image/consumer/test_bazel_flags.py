"""Commands and flags of Bazel's own for which it needs more than itself."""

from pathlib import Path

from tests.image.consumer.workspace import Workspace


def test_a_compressed_log(workspace: Workspace, tmp_path: Path) -> None:
    """By the library that compresses a remote cache's blobs, too."""
    workspace.write()
    log = tmp_path / "log"
    done = workspace.bazel("build", "//:image_venv", f"--execution_log_compact_file={log}")
    assert done.returncode == 0, done.stderr
    assert log.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1


PROGRAM = """
load("@rules_python//python:defs.bzl", "py_binary")

py_binary(
    name = "program",
    srcs = ["src/shop/main.py"],
    main = "src/shop/main.py",
)
"""


def test_a_query_for_all_dependencies(workspace: Workspace) -> None:
    """Of a Python target they go as far as what Bazel's own C++ would be built of.

    Of the image only what is configured: the bases of every Python would be downloaded.
    """
    workspace.write(PROGRAM)
    done = workspace.bazel("query", "deps(//:program)")
    assert done.returncode == 0, done.stderr
    assert "//:src/shop/main.py" in done.stdout.splitlines()
    done = workspace.bazel("cquery", "deps(//:image)", "--output=label")
    assert done.returncode == 0, done.stderr
    assert "//:src/shop/main.py" in [line.partition(" ")[0] for line in done.stdout.splitlines()]


def test_what_needs_a_program_that_is_not_there(workspace: Workspace) -> None:
    """Of hub mode's Bazel buildozer is a part."""
    workspace.write()
    done = workspace.bazel("mod", "tidy")
    assert done.returncode == 0 or "MODULE.bazel by hand" in done.stderr, done.stderr
    assert "Exec failed" not in done.stderr
