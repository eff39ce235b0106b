"""A machine as tools/bazel meets it, made of a folder: checkout, home, programs on PATH."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

BAZEL_VERSION = "7.7.1"


class Machine:
    """A folder with a checkout (its path has a space), an empty home, and a PATH of our making.

    Attributes:
      checkout: a workspace with a copy of the front door.
      home: HOME; empty.
      programs: the first folder on PATH; empty.
      path: PATH.
    """

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "a check out"
        self.home = folder / "home"
        self.programs = folder / "programs"
        for made in (self.checkout / "tools", self.home, self.programs):
            made.mkdir(parents=True)
        shutil.copy("tools/bazel", self.checkout / "tools/bazel")
        shutil.copytree(
            "tools/frontdoor",
            self.checkout / "tools/frontdoor",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (self.checkout / ".bazelversion").write_text(BAZEL_VERSION + "\n")
        self.path = f"{self.programs}:/usr/bin:/bin"

    @property
    def cache(self) -> Path:
        return self.home / ".cache/fastapi_image"

    @property
    def user_bazelrc(self) -> Path:
        return self.checkout / "user.bazelrc"

    def program(self, name: str, script: str) -> Path:
        """Puts a shell script on PATH."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": self.path, "LC_ALL": "C.UTF-8", **more}

    def start(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        """Starts tools/bazel and does not wait for it."""
        return subprocess.Popen(
            [self.checkout / "tools/bazel", *arguments],
            cwd=cwd or self.checkout,
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs tools/bazel to its end, which must come within a minute."""
        with self.start(*arguments, cwd=cwd, **environment) as process:
            output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def error(self, *arguments: str, **environment: str) -> str:
        """What tools/bazel says last, when it must fail: one line."""
        done = self.run(*arguments, cwd=None, **environment)
        assert done.returncode == 1, done
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr.splitlines()[-1]

    def only(self, *names: str) -> None:
        """Takes every program from PATH except these and the interpreter."""
        for name in names:
            found = shutil.which(name, path="/usr/bin:/bin")
            assert found, name
            (self.programs / name).symlink_to(os.path.realpath(found))
        self.path = str(self.programs)
