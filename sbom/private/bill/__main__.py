"""`python -I -S -B sbom/private/bill/__main__.py SUBCOMMAND --name=value …`."""

from __future__ import annotations

import sys

# Each is a module of this package with `run(arguments)`; its docstring says what it makes.
_COMMANDS = ("artifact", "provenance", "sbom")


def main(arguments: list[str]) -> int:
    """Runs a sub-command and returns the exit code: 0, 1 after a one-line message, 2 for usage."""
    # -I keeps the script's folder off the path; the package lies one folder above this file.
    sys.path.insert(0, __file__.rpartition("/")[0] + "/..")
    import importlib

    from bill.errors import BillError

    if not arguments or arguments[0] not in _COMMANDS:
        print(f"usage: bill {'|'.join(_COMMANDS)} --name=value …", file=sys.stderr)
        return 2
    command = importlib.import_module(f"bill.{arguments[0]}")
    try:
        command.run(arguments[1:])
    except BillError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
