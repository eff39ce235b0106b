"""`python -I -S -B image/private/layer/__main__.py SUBCOMMAND --name=value …`: makes one layer."""

from __future__ import annotations

import sys

# Each is a module of this package with `run(options)`; its docstring lists the options.
_COMMANDS = ("app", "bytecode", "debs", "distributions", "interpreter", "labels", "venv")


def main(arguments: list[str]) -> int:
    """Runs a sub-command and returns the exit code: 0, or 1 after a one-line message."""
    # -I keeps the script's folder off the path; the package lies one folder above this file.
    sys.path.insert(0, __file__.rpartition("/")[0] + "/..")
    import importlib

    from layer.errors import LayerError
    from layer.options import Options

    if not arguments or arguments[0] not in _COMMANDS:
        print(f"usage: layer {'|'.join(_COMMANDS)} --name=value …", file=sys.stderr)
        return 2
    command = importlib.import_module(f"layer.{arguments[0]}")
    try:
        command.run(Options(arguments[1:]))
    except LayerError as error:
        # A file's name may have more lines than one.
        print("ERROR: " + " ".join(str(error).splitlines()), file=sys.stderr)
        return 1
    except OSError as error:
        import errno

        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            print("ERROR: the disk is full: free some space, then build again", file=sys.stderr)
        else:
            print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
