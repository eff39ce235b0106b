"""The error a user sees: one line that says what is wrong, where, and what to do."""

from __future__ import annotations

import sys

# What speaks: the front door, unless another tool of this folder has put its own name here.
speaker = "tools/bazel"


class Problem(Exception):
    """Ends the run: `message` goes to standard error as one line, `code` is the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = " ".join(message.split())
        self.code = code


class DiskFull(Problem):
    """There is no room: what was fetched so far is removed too."""


def say(message: str) -> None:
    """Prints one line to standard error: standard output belongs to Bazel."""
    print(f"{speaker}: {message}", file=sys.stderr, flush=True)
