"""The layer tool: each sub-command makes one layer. Started by //tools:worker.py."""

from __future__ import annotations

import importlib
import sys

from layer.errors import LayerError
from layer.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Each is a module of this package with `run(options)`; its docstring lists the options.
_COMMANDS = ("app", "bytecode", "debs", "distributions", "interpreter", "labels", "venv")


def prepare(name: str, arguments: list[str]) -> None:
    """What a worker does before it forks for an action, so that it keeps it for the next."""
    if name == "app":
        from layer import app

        app.prepare(Options(arguments))


def load(name: str) -> Callable[[list[str]], int]:
    """A sub-command, which takes `--name=value` and returns 0, or 1 after a one-line message."""
    if name not in _COMMANDS:
        print(f"usage: layer {'|'.join(_COMMANDS)} --name=value …", file=sys.stderr)
        raise SystemExit(2)
    command = importlib.import_module(f"layer.{name}")

    def run(arguments: list[str]) -> int:
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

    return run
