"""Runs install.py as `distribution_repository` does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.uv.index import Index, sha256

INSTALL = Path("uv/private/install.py").absolute()


class Result:
    """What install.py printed and left in its working directory."""

    def __init__(self, done: subprocess.CompletedProcess[str], folder: Path) -> None:
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        self.folder = folder

    @property
    def facts(self) -> dict[str, Any]:
        assert self.code == 0, self.stderr
        facts: dict[str, Any] = json.loads(self.stdout)
        return facts

    @property
    def tree(self) -> dict[str, str]:
        """Path in the environment → SHA-256."""
        lines = (self.folder / "listing").read_text().splitlines()
        return {path: digest for digest, _, path in (line.split(" ", 2) for line in lines)}

    def failed(self) -> str:
        """The one line of a failure that left nothing."""
        assert self.code == 1
        assert self.stdout == ""
        assert list(self.folder.iterdir()) == []
        (line,) = self.stderr.splitlines()
        return line


class Installer:
    """Runs install.py with a uv cache of its own against an index."""

    def __init__(self, uv: Path, index: Index, tmp_path: Path) -> None:
        self.uv, self.index, self.tmp_path, self.runs = uv, index, tmp_path, 0

    def __call__(
        self,
        name: str,
        version: str = "1.0",
        *,
        wheels: dict[str, str] | None = None,
        arch: str = "x86_64",
        options: tuple[str, ...] = (),
        within: tuple[str, ...] = (),
        **environ: str,
    ) -> Result:
        """Install; `options` are further ones of install.py, `within` a command to start it by."""
        if wheels is None:
            found = sorted(self.index.folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
            wheels = {wheel.name: sha256(wheel) for wheel in found}
        self.runs += 1
        folder = self.tmp_path / f"run {self.runs}"
        folder.mkdir()
        environment = self.index.environ(self.tmp_path)
        command = [*within, sys.executable, "-B", str(INSTALL), f"--uv={self.uv}", f"--name={name}"]
        command += [
            f"--version={version}",
            f"--wheels={json.dumps(wheels)}",
            "--platform=linux/amd64",
        ]
        command += [f"--python-platform={arch}-manylinux_2_40", "--python-version=3.13", *options]
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment | environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(done, folder)
