"""Runs a timing program on Bazel itself where tools/bazel would have become that Bazel.

Usage: ``direct.py CHECKOUT TIMER…``: does all that tools/bazel does for `build //image`, except
that the last step starts ``TIMER… 'bazel … build //image'``.
"""

import os
import shlex
import sys


def main(checkout: str, timer: list[str]) -> int:
    """Become the timer inside the private root file system."""
    sys.path.insert(0, f"{checkout}/tools")
    from frontdoor import main as front_door

    become = os.execve

    def start(_: str, command: list[str], environment: dict[str, str]) -> None:
        become(timer[0], [*timer, shlex.join(command)], environment)

    os.execve = start  # type: ignore[assignment]
    return front_door.main(["build", "//image"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
