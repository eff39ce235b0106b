"""The console scripts of `entry_points.txt` (the entry points specification)."""

from __future__ import annotations

import re

from wheels.archive import check_name, unsafe
from wheels.errors import WheelError
from wheels.layout import is_interpreter

# `module:object.attribute`, and extras, which are deprecated there.
_REFERENCE = re.compile(r"\s*([\w.]+)\s*:\s*([\w.]+)\s*(\[.*\])?")


def console_scripts(text: bytes, label: str) -> dict[str, tuple[str, str]]:
    """Return each script's name, and the module and the object that it calls.

    As uv reads them: `gui_scripts` are scripts as well, and one name twice is an error.

    Args:
        text: the file's; may be empty.
        label: the distribution, for messages.

    Raises:
        WheelError: an entry isn't of the form `module:object`, or its name isn't a file's.
    """
    if not text.strip():
        return {}
    import configparser

    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        raise WheelError(f"{label}: entry_points.txt: {str(error).splitlines()[0]}") from None
    found: dict[str, tuple[str, str]] = {}
    for section in ("console_scripts", "gui_scripts"):
        if not parser.has_section(section):
            continue
        for name, reference in parser.items(section):
            if "/" in name or name in (".", "..") or is_interpreter(f"bin/{name}"):
                raise unsafe(
                    label,
                    "one of its scripts would replace the interpreter, or lie outside of the "
                    "environment",
                )
            check_name(name, label)
            match = _REFERENCE.fullmatch(reference)
            if not match:
                given = " ".join(reference.split())  # it may go on for lines
                raise WheelError(
                    f"{label}: the console script {name} = {given} isn't of the form "
                    "name = module:object"
                )
            found[name] = (match[1], match[2])
    return found
