"""uv's own commands on a project, which it only reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from reader.errors import ReadError

# What uv would have somebody do who had called it; nothing of this environment reaches uv.
_HINTS = re.compile(r"\s*If this is intentional, set `[^`]+`")

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s`'\")]*")


class UvError(ReadError):
    """uv refused; the message is its own, on one line and without addresses."""


class Uv:
    """Runs uv on one project, frozen and offline, with nothing of the user's environment.

    Its settings are left out as a whole (`--no-config`): `required-version` is about who writes a
    lock. What says which distributions a project has (sources, groups, conflicts) is no setting in
    that sense and is read.
    """

    def __init__(self, binary: str, project: Path, home: Path, python: str) -> None:
        self._binary, self._project, self._python = binary, project, python
        self._environ = {
            "HOME": str(home),
            "PATH": os.defpath,
            # An environment of the user's own must not be looked at, nor made.
            "UV_PROJECT_ENVIRONMENT": str(home / "environment"),
        }

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - the pinned uv, and no shell
            [
                self._binary,
                *arguments,
                "--frozen",
                "--offline",
                "--no-config",
                "--no-cache",
                f"--python={sys.executable}",
                "--no-python-downloads",
                "--color=never",
                "--no-progress",
            ],
            cwd=self._project,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise UvError(_reason(done.stderr))
        return done.stdout

    def installed(self, platform: str, choice: dict[str, Any]) -> dict[str, str | None]:
        """Return what `uv sync` would install: name → version, or None if a build would tell."""
        told = self(
            "sync",
            "--dry-run",
            "--no-install-project",
            "--output-format=json",
            "--quiet",
            f"--python-platform={platform}",
            *_options(choice),
        )
        changes = json.loads(told)["sync"]["changes"]
        return {change["name"]: change.get("version") for change in changes}

    def tree(self, platform: str) -> dict[str, Any]:
        """Return uv's dependency graph for a platform."""
        told = self(
            "tree",
            "--all-groups",
            "--no-dedupe",
            "--format=json",
            "--preview-features=json-output",
            f"--python-platform={platform}",
        )
        graph: dict[str, Any] = json.loads(told)
        return graph

    def requirements(self) -> str:
        """Return every pin with its hashes, as far as the groups don't exclude each other."""
        export = ("export", "--no-emit-workspace", "--no-header", "--no-annotate")
        try:
            return self(*export, "--all-groups")
        except UvError:
            return self(*export)


def _options(choice: dict[str, Any]) -> list[str]:
    """Return the options of `uv sync` for {"package", "extras", "groups", "default_groups"}."""
    options = [f"--package={choice['package']}"] if choice.get("package") else []
    options += [f"--extra={extra}" for extra in choice.get("extras", [])]
    groups = choice.get("groups", [])
    options += [f"--group={group}" for group in groups]
    if not choice.get("default_groups", True):
        options.append("--no-default-groups")
    elif "dev" not in groups:
        options.append("--no-dev")
    return options


def _reason(stderr: str) -> str:
    """Return what uv says is wrong, as one line: the drawing of the place in a file stays out."""
    words = []
    for line in stderr.split("error: ", 1)[-1].splitlines():
        line = re.sub(r"^\s*(cause: |Caused by: |hint: |╰─▶ |× )", "", line).strip()  # noqa: RUF001
        if line and not re.match(r"[\d ]*\|", line):
            words.append(line.rstrip("."))
    return _ADDRESS.sub("<address>", _HINTS.sub("", "; ".join(words))).rstrip(".")
