"""Starts an image as Kubernetes would under the restricted Pod Security Standard."""

import argparse
import os
import re
import sys
from pathlib import Path

from . import docker, host
from .engine import Engine
from .errors import LoadError
from .layout import Image
from .podman import Podman

_QUOTED = re.compile(r"""^\w+=(["']).*\1\s*$""")


def command(engine: Engine, image: Image, name: str, options: argparse.Namespace) -> list[str]:
    """The engine's command line: what //deploy/base/deployment.yaml says, in its words.

    Raises:
        LoadError: the engine can't run containers from the command line, or a program is missing.
    """
    if isinstance(engine, Podman):
        program = ["podman"]
    elif isinstance(engine, docker.Docker):
        program = ["docker", "--host", engine.endpoint]
    else:
        raise LoadError(f"{engine.name} runs pods, not single containers: bazel run //deploy:apply")
    if host.find(program[0]) is None:
        raise LoadError(f"no program {program[0]} can be started from here: //image:run needs it")
    result = [*program, "run", "--rm"]
    if sys.stdin.isatty() and sys.stdout.isatty():
        result.append("--tty")
    # Ctrl-C must reach the server, and not only the engine's client.
    result += (
        ["--interactive", "--sig-proxy=true"]
        if not isinstance(engine, Podman)
        else ["--interactive"]
    )
    result += ["--read-only", "--tmpfs", "/tmp:rw,nosuid,nodev,noexec,mode=1777,size=64m"]  # noqa: S108
    result += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    # Swap on top would only make an end for want of memory slow.
    result += ["--memory", options.memory, "--memory-swap", options.memory, "--pids-limit", "128"]
    for exposed in image.settings.get("ExposedPorts", {}):
        port = exposed.partition("/")[0]
        result += ["--publish", f"127.0.0.1:{options.port or port}:{port}"]
    if options.env_file:
        # `bazel run` starts in the runfiles; the user's folder is in this variable.
        file = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "")) / options.env_file
        _check_variables(file)
        result += ["--env-file", str(file)]
    return [*result, *options.engine_option, name, *options.command]


def _check_variables(file: Path) -> None:
    """Engines take a line as it is; what a shell and //deploy:secret understand is part of it."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise LoadError(f"--env-file: {file} can't be read: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        # Without the line itself: it may be a secret.
        if line.startswith("export ") or _QUOTED.search(line):
            raise LoadError(
                f"--env-file: {file}, line {number}: engines take `export` and quotes as part of"
                " the variable: leave them out"
            )
