"""The tool's sub-commands. worker.py starts those that are actions, launcher.sh the others.

Without the site module, and only what the sub-command needs is imported: for what one of them does,
starting is most of its time.
"""

import importlib
import sys
from collections.abc import Callable

# Each is a module of this package with `main(arguments)`.
_COMMANDS = ("archive", "descriptor", "digest", "image", "index", "link", "load", "push")


def load(name: str) -> Callable[[list[str]], int]:
    """A sub-command: it takes its arguments and returns 0, or 1 after a one-line message."""
    if name not in _COMMANDS:
        raise SystemExit(f"rules_oci: unknown sub-command {name!r}")
    command = importlib.import_module(f"oci_tool.{name}")

    def run(arguments: list[str]) -> int:
        try:
            command.main(arguments)
        except (OSError, ValueError) as error:
            print(f"rules_oci: {error}", file=sys.stderr)
            return 1
        return 0

    return run


if __name__ == "__main__":
    # The package's folder is on the path, by -I not even that, but not the folder that holds it.
    sys.path.insert(0, __file__.rpartition("/")[0] + "/..")
    raise SystemExit(load(sys.argv[1])(sys.argv[2:]))
