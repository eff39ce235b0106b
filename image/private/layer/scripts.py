"""The programs in the virtual environment's `bin`: console scripts and wheels' own scripts."""

from __future__ import annotations

import re

from wheels.entry_points import console_scripts as entry_points_of
from wheels.errors import WheelError

from layer.errors import LayerError

_CONSOLE_SCRIPT = """\
#!{environment}/bin/python
import sys

from {module} import {name}

if __name__ == "__main__":
    sys.exit({attribute}())
"""
# What a wheel's Python script starts with (the binary distribution format).
_INTERPRETER = re.compile(rb"\A#!pythonw?(?=\s)")


def console_scripts(entry_points: bytes, environment: str, label: str) -> dict[str, bytes]:
    """Returns each console script's name and text.

    Args:
        entry_points: the text of a distribution's `entry_points.txt`.
        environment: absolute path of the virtual environment in the image.
        label: the distribution, for messages.

    Raises:
        LayerError: an entry isn't of the form `module:object`, or its name isn't a file name.
    """
    try:
        references = entry_points_of(entry_points, label)
    except WheelError as error:
        raise LayerError(str(error)) from None
    return {name: console_script(*reference, environment) for name, reference in references.items()}


def console_script(module: str, attribute: str, environment: str) -> bytes:
    """Returns the text of a script that calls the object `attribute` of `module`."""
    return _CONSOLE_SCRIPT.format(
        environment=environment,
        module=module,
        name=attribute.partition(".")[0],
        attribute=attribute,
    ).encode()


def with_interpreter(script: bytes, environment: str) -> bytes:
    """Returns a wheel's script with the environment's Python in its first line, if it is Python."""
    return _INTERPRETER.sub(f"#!{environment}/bin/python".encode(), script, count=1)
