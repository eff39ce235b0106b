"""A Bazel workspace of its own, in which a test meets the module extension as a user does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from tests.uv.index import Index
from uv.private.lock import relock

MODULE = """\
module(name = "nested")

bazel_dep(name = "platforms", version = "1.1.0")
bazel_dep(name = "rules_python", version = "2.3.2")

uv = use_extension("//uv:extensions.bzl", "uv")
uv.lock(
    name = "pypi",
    interpreters = {"//:python/bin/python3.13": "test"},
    lock = "//:uv.lock",
    pyproject = "//:pyproject.toml",
    uv = "//:bin/pin",
)
use_repo(uv, "pypi")

uv_binary = use_repo_rule("//uv:extensions.bzl", "uv_binary")

uv_binary(name = "pinned")
"""

BUILD = """\
load("@rules_python//python:defs.bzl", "py_binary", "py_runtime", "py_runtime_pair")

py_runtime(
    name = "runtime",
    interpreter_path = "{interpreter}",
    python_version = "PY3",
)

py_runtime_pair(
    name = "runtimes",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtimes",
    toolchain_type = "@rules_python//python:toolchain_type",
)

py_binary(
    name = "imports",
    srcs = ["imports.py"],
    deps = ["@pypi//:runtime"],
)
"""


class Workspace:
    """A Bazel workspace in a temporary folder."""

    def __init__(self, folder: Path, uv: Path, index: Index, sources: Mapping[str, str]) -> None:
        self.folder, self.uv, self.index = folder, uv, index
        self.root = folder / "ws"
        self.output_base = folder / "output"
        self.environ = index.environ(folder) | {"FASTAPI_IMAGE_MODE": "test"}
        repository = Path("pyproject.toml").resolve().parent
        shutil.copytree(repository / "uv", self.root / "uv")
        # Inside mirror mode's root file system: Bazel takes no registry address with a space in it.
        registry = Path("/.fastapi_image/registry")
        if not registry.exists():
            registry = repository / "registry"
        interpreter = Path(sys.executable)
        (self.root / "python").symlink_to(interpreter.resolve().parent.parent)
        (self.root / "bin").mkdir()
        (self.root / "bin" / "uv").symlink_to(uv.resolve())
        (self.root / "bin" / "pin").write_text("the pinned uv\n")
        for name, content in {
            ".bazelrc": f"common --noenable_workspace --lockfile_mode=off --registry=file://{registry}\n"
            "build --extra_toolchains=//:toolchain --incompatible_default_to_explicit_init_py\n"
            "common --noexperimental_check_external_repository_files\n",
            "BUILD.bazel": BUILD.format(interpreter=interpreter.resolve()),
            "MODULE.bazel": MODULE,
            **sources,
        }.items():
            (self.root / name).write_text(content)

    def write(self, pyproject: str, *, upgrade: tuple[str, ...] = ()) -> None:
        """Write pyproject.toml and its portable lock."""
        (self.root / "pyproject.toml").write_text(pyproject)
        with mock.patch.dict(os.environ, self.environ):
            upgrades = [f"--upgrade-package={name}" for name in upgrade]
            relock(str(self.uv), self.root, upgrades, "portable")

    def bazel(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Bazel here."""
        startup = [
            "bazel",
            "--nosystem_rc",
            "--nohome_rc",
            f"--output_base={self.output_base}",
            "--max_idle_secs=30",
        ]
        if Path("/usr/share/bazel").is_dir():  # Debian's Bazel is not self-extracting
            startup += ["--install_base=/usr/share/bazel", "--trust_install_base"]
            startup += ["--server_javabase=/usr/lib/jvm/default-java"]
        startup += ["--host_jvm_args=-Xmx512m"]
        return subprocess.run(
            [*startup, *arguments],
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

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

    def repository(self, name: str) -> Path:
        """The folder of a distribution's repository."""
        return self.output_base / "external" / f"_main~uv~pypi__{name}"

    def listing(self, name: str) -> str:
        """What a set's target wrote."""
        return (self.root / "bazel-bin/external/_main~uv~pypi" / f"{name}.json").read_text()

    def stamps(self) -> dict[str, int]:
        """When each distribution's repository was written."""
        return {
            path.parent.name.partition("pypi__")[2]: path.stat().st_mtime_ns
            for path in self.output_base.glob("external/_main~uv~pypi__*/listing")
        }
