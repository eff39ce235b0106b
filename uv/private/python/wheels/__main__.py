"""The wheel tool: each sub-command is one kind of action. Started by //tools:worker.py."""

from __future__ import annotations

import errno
import sys

from wheels.errors import WheelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# Each is a module of this package with `run(arguments)`; its docstring lists them.
COMMANDS = ("build", "environment", "member", "set")


def prepare(command: ModuleType, arguments: list[str]) -> None:
    """What a worker does before it forks for an action, so that it keeps it for the next."""
    if hasattr(command, "prepare"):
        command.prepare(arguments)


def run(command: ModuleType, arguments: list[str]) -> int:
    """Return 0, or 1 after a one-line message."""
    try:
        command.run(arguments)
    except WheelError as error:
        print("ERROR: " + " ".join(str(error).split()), file=sys.stderr)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        print(
            "ERROR: the disk is full: free some space, then build again"
            if full
            else f"ERROR: {error}",
            file=sys.stderr,
        )
    else:
        return 0
    return 1
