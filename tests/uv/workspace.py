"""A Bazel workspace of its own, in which a test meets the module extension as a user does."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from tests.nested import Bazel
from tests.uv.index import Index
from uv.private.lock import relock

LOCK = """
bazel_dep(name = "rules_python", version = "2.3.2")
uv = use_extension("@fastapi_image//uv:extensions.bzl", "uv")
uv.lock(
    name = "pypi",
    lock = "//:uv.lock",
    pyproject = "//:pyproject.toml",
)
use_repo(uv, "pypi")

uv_tools = use_extension("@fastapi_image//uv/private:tools.bzl", "uv_tools")
use_repo(uv_tools, "uv")
"""

BUILD = """\
load("@rules_python//python:defs.bzl", "py_binary")

py_binary(
    name = "imports",
    srcs = ["imports.py"],
    deps = ["@pypi//:runtime"],
)
"""


class Workspace(Bazel):
    """A Bazel workspace in a temporary folder, with one lock in its root."""

    def __init__(self, folder: Path, uv: Path, index: Index, sources: Mapping[str, str]) -> None:
        root = folder / "ws"
        root.mkdir(parents=True)
        super().__init__(folder, root, index.environ(folder))
        self.uv, self.index = uv, index
        for name, content in {
            "BUILD.bazel": BUILD,
            "MODULE.bazel": self.module("nested") + LOCK,
            **sources,
        }.items():
            (self.root / name).write_text(content)

    def write(self, pyproject: str, *, upgrade: tuple[str, ...] = ()) -> None:
        """Write pyproject.toml and its portable lock."""
        (self.root / "pyproject.toml").write_text(pyproject)
        with mock.patch.dict(os.environ, self.environ):
            upgrades = [f"--upgrade-package={name}" for name in upgrade]
            relock(str(self.uv), self.root, upgrades, "portable")

    def build(self, *targets: str) -> subprocess.CompletedProcess[str]:
        """Build these targets, or the runtime set."""
        return self.bazel("build", *(targets or ("@pypi//:runtime_linux_amd64",)))

    def error(self, *targets: str) -> str:
        """The message of a build that fails: what comes after Bazel's `Error in fail: `."""
        done = self.build(*targets)
        assert done.returncode != 0
        messages = {
            line.partition("Error in fail: ")[2]
            for line in done.stderr.splitlines()
            if "Error in fail: " in line
        }
        assert len(messages) == 1, done.stderr
        message = messages.pop()
        assert "127.0.0.1" not in message
        return message

    def repository_of(self, file: str) -> Path:
        """The folder of a locked file's repository."""
        return self.folder / "output" / "external" / f"fastapi_image~~uv~pypi__{file}"

    def listing(self, name: str) -> str:
        """What a set's target wrote."""
        return (
            self.root / "bazel-bin/external/fastapi_image~~uv~pypi" / f"{name}.json"
        ).read_text()

    def stamps(self) -> dict[str, int]:
        """When each locked file's repository was written."""
        external = self.folder / "output" / "external"
        return {
            path.parent.name.partition("pypi__")[2]: path.stat().st_mtime_ns
            for path in external.glob("fastapi_image~~uv~pypi__*/BUILD.bazel")
        }
