"""The bill tool: each sub-command writes what is said of an image. Started by //tools:worker.py."""

from __future__ import annotations

import importlib
import sys

from bill.errors import BillError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Each is a module of this package with `run(arguments)`; its docstring says what it makes.
_COMMANDS = ("artifact", "provenance", "sbom")


def load(name: str) -> Callable[[list[str]], int]:
    """A sub-command, which takes `--name=value` and returns 0, or 1 after a one-line message."""
    if name not in _COMMANDS:
        print(f"usage: bill {'|'.join(_COMMANDS)} --name=value …", file=sys.stderr)
        raise SystemExit(2)
    command = importlib.import_module(f"bill.{name}")

    def run(arguments: list[str]) -> int:
        try:
            command.run(arguments)
        except BillError as error:
            print(f"ERROR: {error}", file=sys.stderr)
            return 1
        return 0

    return run
