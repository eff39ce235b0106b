"""Flags of Bazel's own for which it needs more than itself."""

from pathlib import Path

from tests.image.consumer.workspace import Workspace


def test_a_compressed_log(workspace: Workspace, tmp_path: Path) -> None:
    """By the library that compresses a remote cache's blobs, too."""
    workspace.write()
    log = tmp_path / "log"
    done = workspace.bazel("build", "//:image_venv", f"--execution_log_compact_file={log}")
    assert done.returncode == 0, done.stderr
    assert log.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1
