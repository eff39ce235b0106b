"""The layer tool: each sub-command makes one layer. Started by //tools:worker.py."""

from __future__ import annotations

import sys

from layer.errors import LayerError
from layer.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# Each is a module of this package with `run(options)`; its docstring lists the options.
COMMANDS = (
    "app",
    "bytecode",
    "debs",
    "distributions",
    "interpreter",
    "labels",
    "project",
    "sources",
    "start",
    "venv",
)


def prepare(command: ModuleType, arguments: list[str]) -> None:
    """What a worker does before it forks for an action, so that it keeps it for the next."""
    if hasattr(command, "prepare"):
        command.prepare(Options(arguments))


def run(command: ModuleType, arguments: list[str]) -> int:
    """Takes `--name=value` arguments; returns 0, or 1 after a one-line message."""
    try:
        command.run(Options(arguments))
    except LayerError as error:
        # A file's name may have more lines than one.
        print("ERROR: " + " ".join(str(error).splitlines()), file=sys.stderr)
    except OSError as error:
        import errno

        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            print("ERROR: the disk is full: free some space, then build again", file=sys.stderr)
        else:
            print(f"ERROR: {error}", file=sys.stderr)
    else:
        return 0
    return 1
