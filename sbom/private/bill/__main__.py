"""The bill tool: each sub-command writes what is said of an image. Started by //tools:worker.py."""

from __future__ import annotations

import sys

from bill.errors import BillError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# Each is a module of this package with `run(arguments)`; its docstring says what it makes.
COMMANDS = ("artifact", "provenance", "sbom")


def run(command: ModuleType, arguments: list[str]) -> int:
    """Takes `--name=value` arguments; returns 0, or 1 after a one-line message."""
    try:
        command.run(arguments)
    except BillError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0
