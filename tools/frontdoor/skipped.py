"""After `bazel test`: what needs an engine or an emulator and did not run, and what runs it.

Bazel lists them as SKIPPED among all the others, and can't say why or what to do.
"""

from __future__ import annotations

import os

from .problem import say

_COMMAND = ".ci/engines"
_TESTS = r"^(//tests/(?:runtime:\S+|image:emulation_test))\s+(?:\x1b\[\d+m)*SKIPPED"


def stand_by(checkout: str) -> int | None:
    """Goes on in a child, where it returns None; here it returns the child's exit code at the end.

    The terminal's signals reach the child by themselves; the others are passed on.
    """
    import signal
    import time

    # File systems round times down.
    start = time.time() - 1
    child = os.fork()
    if child == 0:
        return None
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(child, number))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:  # a signal's, as shells say it
        return 128 - code
    if names := _skipped(checkout, start):
        say(f"did not run, as they need container engines or an emulator: {', '.join(names)}")
        say(f"{_COMMAND} installs podman, Docker, containerd and qemu (as root) and runs them")
    return code


def _skipped(checkout: str, start: float) -> list[str]:
    """Names of the engines' tests that Bazel's last command, begun after `start`, has skipped."""
    import re

    if not os.path.exists(os.path.join(checkout, _COMMAND)):
        return []
    # <output base>/execroot/_main/bazel-out; what a command prints is in the output base.
    out = os.path.realpath(os.path.join(checkout, "bazel-out"))
    log = os.path.join(out, "../../..", "command.log")
    try:
        if os.stat(log).st_mtime < start:
            return []
        with open(log, encoding="utf-8", errors="replace") as file:
            return re.findall(_TESTS, file.read(), re.MULTILINE)
    except OSError:
        return []
