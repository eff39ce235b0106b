"""Bazel in a workspace of its own: how a test meets what repository rules do and say."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

# Folders that the workspace takes over from this one.
_SOURCES = (
    "image/base/extensions.bzl",
    "image/base/private",
    "tools/fact.bzl",
    "tools/pythons.bzl",
)
_REGISTRY = Path("registry/bazel_registry.json")


class Workspace:
    """A workspace whose MODULE.bazel holds the given lines, and a Bazel server for it."""

    def __init__(
        self,
        folder: Path,
        module: str,
        *,
        umask: int = -1,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder / "workspace"
        self._umask, self._environment = umask, environment or {}
        self._bazel = shutil.which("bazel")
        self._home = folder / "home"
        self._home.mkdir(parents=True)
        for source in _SOURCES:
            target = self.folder / source
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(source).is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
        for package in (".", "image/base", "tools"):
            (self.folder / package / "BUILD.bazel").touch()
        (self.folder / "MODULE.bazel").write_text(
            'bazel_dep(name = "rules_python", version = "2.3.2")\n'
            'base = use_extension("//image/base:extensions.bzl", "base")\n' + module
        )

    def bazel(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs Bazel, and returns what it said on standard error."""
        assert self._bazel is not None
        startup = [
            "--nosystem_rc",
            "--nohome_rc",
            f"--output_user_root={self._home}",
            # Debian's Bazel lies unpacked; its own start script names the folder.
            *(
                (
                    "--install_base=/usr/share/bazel",
                    "--trust_install_base",
                    # There is a Java runtime and no compiler, by which Bazel would look for it.
                    "--server_javabase=/usr/lib/jvm/default-java",
                )
                if self._debian()
                else ()
            ),
            "--max_idle_secs=60",
            "--host_jvm_args=-Xmx512m",
        ]
        command, *rest = arguments
        registry = _REGISTRY.resolve().parent
        return subprocess.run(
            [
                *(self._bazel, *startup, command),
                *(f"--registry=file://{registry}", "--lockfile_mode=off", "--noenable_workspace"),
                *("--noshow_progress", "--color=no", f"--repository_cache={self._home}/cache"),
                *rest,
            ],
            cwd=self.folder,
            env={"HOME": str(self._home), "PATH": os.environ["PATH"]}
            | {**self._environment, **environment},
            umask=self._umask,
            capture_output=True,
            check=False,
            text=True,
        )

    def error(self, *arguments: str, **environment: str) -> str:
        """What Bazel says is wrong, when it must fail."""
        done = self.bazel(*arguments, **environment)
        assert done.returncode != 0, done.stderr
        said = re.findall(r"^Error in fail: (.+)$", done.stderr, re.M)
        assert said, done.stderr
        return str(said[0])

    def repository(self, name: str) -> Path:
        """The folder of an external repository."""
        base = self.bazel("info", "output_base").stdout.strip()
        return Path(base, "external", name)

    def close(self) -> None:
        self.bazel("shutdown")

    @staticmethod
    def _debian() -> bool:
        return Path("/usr/share/bazel/install_base_key").exists()
