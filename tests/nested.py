"""Bazel in a module of a test's own that depends on this one, without a network.

What this repository pins lies in a repository cache, as Bazel lays one out; the base's interpreter
and uv are those that the test itself runs on.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

MODULE = """\
module(name = "{name}")

bazel_dep(name = "fastapi_image", version = "0.1.0")
local_path_override(
    module_name = "fastapi_image",
    path = "{repository}",
)
"""

# The extensions' repositories that are there already, as Bazel 7 names them.
_EXTENSION = "fastapi_image~~"

_BUILD = (
    "--extra_toolchains=@fastapi_image//image/base:python_toolchain",
    "--incompatible_default_to_explicit_init_py",
)
_BUILDING = ("aquery", "build", "coverage", "cquery", "run", "test")


def tools() -> list[Path]:
    """The wheels that this repository pins for reading locks and installing wheels."""
    runfiles = Path.cwd().parent
    return [runfiles / word for word in os.environ["WHEELS"].split()]


def fill(cache: Path, files: list[Path]) -> None:
    """Put files into a repository cache."""
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        entry = cache / "content_addressable" / "sha256" / digest / "file"
        if not entry.exists():
            entry.parent.mkdir(parents=True)
            shutil.copyfile(file, entry)


class Bazel:
    """Runs Bazel in `root`; everything of its own lies in `folder`.

    `environ` is all of the environment. `cache` is the repository cache, with the wheels in it that
    WHEELS names; the tests' BUILD file sets that variable, and UV.
    """

    def __init__(self, folder: Path, root: Path, environ: dict[str, str]) -> None:
        self.folder, self.root = folder, root
        self.environ = environ | {"FASTAPI_IMAGE_MODE": "mirror", "LANG": "C.UTF-8"}
        self.repository = Path("pyproject.toml").resolve().parent
        self.cache = folder / "repository cache"
        fill(self.cache, tools())
        # Inside mirror mode's root file system: Bazel takes no registry address with a space in it.
        registry = Path("/.fastapi_image/registry")
        self.registry = registry if registry.exists() else self.repository / "registry"
        # Further startup options.
        self.startup: list[str] = []
        self.overrides = {
            "base~debian_python_3_13": Path(sys.executable).resolve().parent.parent,
            "uv_tools~uv": Path(os.environ["UV"]).resolve().parent,
        }

    def module(self, name: str) -> str:
        """The beginning of MODULE.bazel."""
        return MODULE.format(name=name, repository=self.repository)

    def command(self, *arguments: str, output: str = "output") -> list[str]:
        """The command line of Bazel with an output base of this name."""
        startup = ["bazel", "--nosystem_rc", "--nohome_rc", "--max_idle_secs=30"]
        startup += [f"--output_base={self.folder / output}"]
        startup += ["--host_jvm_args=-Xmx512m", "--host_jvm_args=-XX:TieredStopAtLevel=1"]
        startup += ["--host_jvm_args=-DBAZEL_TRACK_SOURCE_DIRECTORIES=1"]
        if Path("/usr/share/bazel").is_dir():  # Debian's Bazel is not self-extracting
            startup += ["--install_base=/usr/share/bazel", "--trust_install_base"]
            startup += ["--server_javabase=/usr/lib/jvm/default-java"]
        startup += self.startup
        command, *rest = arguments
        if command != "shutdown":
            rest = [*self._options(), *(_BUILD if command in _BUILDING else ()), *rest]
        return [*startup, command, *rest]

    def _options(self) -> list[str]:
        return [
            "--noenable_workspace",
            "--lockfile_mode=off",
            "--noexperimental_check_external_repository_files",
            f"--registry=file://{self.registry}",
            f"--repository_cache={self.cache}",
            *(
                f"--override_repository={_EXTENSION}{name}={path}"
                for name, path in self.overrides.items()
            ),
            "--color=no",
            "--curses=no",
        ]

    def bazel(
        self, *arguments: str, output: str = "output", within: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run Bazel here; `within` is a command to start it by."""
        return subprocess.run(
            [*within, *self.command(*arguments, output=output)],
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str, output: str = "output") -> "subprocess.Popen[str]":
        """Bazel, while it runs; what it says comes on standard error."""
        return subprocess.Popen(
            self.command(*arguments, output=output),
            cwd=self.root,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
