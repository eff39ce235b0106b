"""Runs the wheel tool as an action does: isolated, by tools/worker.py, the library as a wheel."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

WORKER = Path("tools/worker.py").absolute()
MAIN = Path("uv/private/python/wheels/__main__.py").absolute()
LIBRARY = Path(os.environ["INSTALLER"]).absolute()


def start(*arguments: str | Path) -> list[str]:
    """The command of a sub-command of the tool."""
    return [
        *(sys.executable, "-I", "-S", "-B", str(WORKER), str(MAIN), f"--library={LIBRARY}"),
        *map(str, arguments),
    ]


def run(
    *arguments: str | Path,
    within: tuple[str, ...] = (),
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a sub-command; `within` is a command to start it by."""
    return subprocess.run(
        [*within, *start(*arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **(environ or {})},
    )


def failed(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a failure, without its level."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("ERROR: ")
    return line.removeprefix("ERROR: ")
