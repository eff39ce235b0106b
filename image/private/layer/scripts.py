"""The programs in the virtual environment's `bin`: console scripts and wheels' own scripts."""

from __future__ import annotations

import re

from layer.errors import LayerError

_CONSOLE_SCRIPT = """\
#!{environment}/bin/python
import sys

from {module} import {name}

if __name__ == "__main__":
    sys.exit({attribute}())
"""
# The entry points specification: `module:object.attribute`, and extras, which are deprecated there.
_REFERENCE = re.compile(r"^\s*([\w.]+)\s*:\s*([\w.]+)\s*(\[.*\])?$")
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
    import configparser

    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(entry_points.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        raise LayerError(f"{label}: entry_points.txt: {str(error).splitlines()[0]}") from None
    made = {}
    for section in ("console_scripts", "gui_scripts"):
        if not parser.has_section(section):
            continue
        for name, reference in parser.items(section):
            match = _REFERENCE.match(reference)
            if not match or "/" in name:
                given = " ".join(reference.split())  # it may go on for lines
                raise LayerError(
                    f"{label}: the console script {name} = {given} isn't of the form "
                    "name = module:object"
                )
            module, attribute = match[1], match[2]
            made[name] = _CONSOLE_SCRIPT.format(
                environment=environment,
                module=module,
                name=attribute.partition(".")[0],
                attribute=attribute,
            ).encode()
    return made


def with_interpreter(script: bytes, environment: str) -> bytes:
    """Returns a wheel's script with the environment's Python in its first line, if it is Python."""
    return _INTERPRETER.sub(f"#!{environment}/bin/python".encode(), script, count=1)
