"""The sub-commands' arguments: `--name=value`, repeatable.

Bazel writes them and nobody types them, so this stands in for argparse, which takes longer to
import than a small layer to make.
"""

from __future__ import annotations

from layer.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Options:
    """The parsed arguments of one run."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for argument in arguments:
            name, equals, value = argument.partition("=")
            if not equals or not name.startswith("--"):
                raise LayerError(f"{argument!r} isn't of the form --name=value")
            self._values.setdefault(name[2:], []).append(value)

    def many(self, name: str) -> list[str]:
        """Returns every value given for `name`, in order."""
        return self._values.get(name, [])

    def one(self, name: str, default: str | None = None) -> str:
        """Returns the last value given for `name`.

        Raises:
            LayerError: there is neither a value nor a default.
        """
        values = self._values.get(name, [])
        if values:
            return values[-1]
        if default is None:
            raise LayerError(f"--{name}=… is missing")
        return default
