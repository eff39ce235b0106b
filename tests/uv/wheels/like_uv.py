"""A wheel as the pinned uv installs it, and as wheel.py reads it.

like_uv.py WHEEL…    compare these wheels, a line for each that differs
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from wheels.errors import WheelError
from wheels.layout import SITE_PACKAGES
from wheels.wheel import read

# What an installer writes, and bytecode, which is made where the paths in the image are known.
_WRITTEN = re.compile(
    r".*\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json)|.*__pycache__/.*"
)
# What `uv venv` writes.
_VENV = re.compile(
    rf"bin/(python.*|activate.*|deactivate\.bat|pydoc\.bat)|{SITE_PACKAGES}_virtualenv\.(py|pth)"
    r"|pyvenv\.cfg|\.gitignore|\.lock|CACHEDIR\.TAG|lib64"
)

# Path in the environment → content; of a console script only that it is there.
Tree = dict[str, bytes | None]


class Environment:
    """An empty virtual environment, and uv without the user's settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "environment"
        self._environ = {
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "UV_CACHE_DIR": str(folder / "cache"),
            "UV_LINK_MODE": "copy",
            "UV_NO_CONFIG": "1",
            "UV_OFFLINE": "1",
        }
        done = self._uv("venv", "--python", sys.executable, str(self.folder))
        assert done.returncode == 0, done.stderr

    def install(self, wheel: Path) -> str:
        """Install it there, without what it requires; returns what uv says when it doesn't."""
        done = self._uv("pip", "install", "--no-deps", "--no-index", "--reinstall", str(wheel))
        return done.stderr if done.returncode else ""

    def tree(self) -> Tree:
        """What is there besides the environment itself."""
        found: Tree = {}
        for path in self.folder.rglob("*"):
            place = path.relative_to(self.folder).as_posix()
            if path.is_file() and not _WRITTEN.fullmatch(place) and not _VENV.fullmatch(place):
                found[place] = _without_interpreter(place, path.read_bytes())
        return found

    def _uv(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(os.environ["UV"]).absolute()), *arguments],
            cwd=self.folder.parent,
            env={**self._environ, "VIRTUAL_ENV": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )


def ours(wheel: Path) -> Tree:
    """What wheel.py gives."""
    found = read(str(wheel), wheel.name)
    return {
        **{
            place: _without_interpreter(place, content)
            for place, content in found.files.items()
            if not _WRITTEN.fullmatch(place)
        },
        **{f"bin/{name}": None for name in found.scripts},
    }


def _without_interpreter(place: str, content: bytes) -> bytes:
    """uv names the environment's interpreter in a script; here the layer does."""
    if not place.startswith("bin/") or not content.startswith(b"#!"):
        return content
    # An interpreter whose path is too long for a first line is started by a shell.
    lines = 3 if content.startswith(b"#!/bin/sh\n'''exec' ") else 1
    return content.split(b"\n", lines)[-1]


def difference(theirs: Tree, mine: Tree) -> list[str]:
    """A line for each path that isn't in both, or with another content."""
    return sorted(
        f"{place}: {'missing here' if place not in mine else 'missing at uv'}"
        for place in theirs.keys() ^ mine.keys()
    ) + sorted(
        f"{place}: another content"
        for place in theirs.keys() & mine.keys()
        if mine[place] is not None and mine[place] != theirs[place]
    )


def main(*wheels: str) -> int:
    """Returns how many wheels differ."""
    differing = 0
    for name in wheels:
        with tempfile.TemporaryDirectory() as folder:
            environment = Environment(Path(folder))
            said = environment.install(Path(name))
            try:
                lines = difference(environment.tree(), ours(Path(name)))
            except WheelError as error:
                lines = [] if said else [str(error)]
            else:
                lines += [f"uv refuses it: {said}"] if said else []
        differing += bool(lines)
        for line in lines:
            print(f"{Path(name).name}: {line}")
    print(f"{len(wheels)} wheels, {differing} differ")
    return differing


if __name__ == "__main__":
    sys.exit(min(main(*sys.argv[1:]), 1))
