"""The tool's sub-commands. worker.py starts those that are actions, launcher.sh the others.

Without the site module, and only what the sub-command needs is imported: for what one of them does,
starting is most of its time.
"""

import importlib
import sys
from types import ModuleType

# Each is a module of this package with `main(arguments)`.
COMMANDS = ("archive", "descriptor", "digest", "image", "index", "link", "load", "push")


def run(command: ModuleType, arguments: list[str]) -> int:
    """Returns 0, or 1 after a one-line message."""
    try:
        command.main(arguments)
    except (OSError, ValueError) as error:
        print(f"rules_oci: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    # The package's folder is on the path, by -I not even that, but not the folder that holds it.
    sys.path.insert(0, __file__.rpartition("/")[0] + "/..")
    raise SystemExit(run(importlib.import_module(f"oci_tool.{sys.argv[1]}"), sys.argv[2:]))
