"""Hub mode: a Bazel or Bazelisk that this machine has, or Bazelisk from npm."""

from __future__ import annotations

import os

from . import indexes, workspace
from .problem import Problem, say

_BAZELISK = "1.28.1"


def command() -> str:
    """The program to start: bazelisk or bazel on PATH, else Bazelisk installed from npm.

    Raises:
      Problem: there is none and npm can't supply it.
    """
    for name in ("bazelisk", "bazel"):
        found = which(name)
        if found:
            return found
    binary = npm_binary()
    if os.path.exists(binary):
        return binary
    npm = which("npm")
    if not npm or not which("node"):
        raise Problem(
            "hub mode needs Bazelisk, and there is no bazelisk, bazel or npm on PATH: install"
            " Bazelisk, or take Debian's Bazel from a mirror with tools/bazel --mode=mirror"
        )
    _install(npm)
    if not os.path.exists(binary):
        raise Problem(
            f"npm's Bazelisk {_BAZELISK} has no binary for this machine: install Bazelisk"
        )
    return binary


def environment(checkout: str) -> dict[str, str]:
    """Bazel's environment: the user's, with pip's index for uv where uv has none."""
    # Bazelisk would run this front door a second time.
    return {**os.environ, **indexes.uv_environment(checkout), "BAZELISK_SKIP_WRAPPER": "true"}


def which(name: str) -> str | None:
    """The first executable of that name on PATH that is not this front door itself."""
    own = os.path.join(workspace.checkout(), "tools", "bazel")
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK) and os.path.realpath(path) != own:
            return path
    return None


def npm_binary() -> str:
    """Where Bazelisk from npm is, or would be."""
    system = os.uname()
    cpu = {"x86_64": "amd64", "aarch64": "arm64"}.get(system.machine, system.machine)
    name = f"bazelisk-{system.sysname.lower()}_{cpu}"
    return os.path.join(_folder(), "node_modules", "@bazel", "bazelisk", name)


def _folder() -> str:
    return os.path.join(workspace.cache(), f"bazelisk-{_BAZELISK}")


def _install(npm: str) -> None:
    import subprocess
    import tempfile

    say(f"installing Bazelisk {_BAZELISK} from npm, once")
    os.makedirs(workspace.cache(), mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.cache(), prefix="tmp-bazelisk-") as folder:
        package = f"@bazel/bazelisk@{_BAZELISK}"
        run = subprocess.run(
            [npm, "install", "--silent", "--no-save", "--prefix", folder, package],
            capture_output=True,
            text=True,
        )
        if run.returncode:
            detail = next(iter((run.stderr or run.stdout).strip().splitlines()), "no message")
            raise Problem(
                f"npm can't install Bazelisk ({detail}): install Bazelisk, or take Debian's Bazel"
                " from a mirror with tools/bazel --mode=mirror"
            )
        try:
            os.rename(folder, _folder())
        except OSError:
            if not os.path.exists(npm_binary()):  # else another run was faster
                raise
        os.makedirs(folder, exist_ok=True)
