"""Sub-command `environment`: wheels → one tree, a virtual environment without an interpreter.

    environment OUTPUT [LABEL WHEEL]…

OUTPUT is an empty directory, LABEL a distribution's name and version for messages. Of two wheels
with one path the later one's file stays. There are no console scripts, which name an interpreter,
and no bytecode.
"""

from __future__ import annotations

import os
import shutil

from wheels import wheel
from wheels.errors import WheelError


def run(arguments: list[str]) -> None:
    """Write the tree; leaves nothing when that fails."""
    output, *pairs = arguments
    try:
        for label, path in zip(pairs[::2], pairs[1::2], strict=True):
            for place, content in wheel.read(path, label).files.items():
                target = f"{output}/{place}"
                try:
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with open(target, "wb") as file:
                        file.write(content)
                except (FileExistsError, IsADirectoryError, NotADirectoryError):
                    raise WheelError(
                        f"{label}: {place} is a file where another distribution has a folder."
                    ) from None
                os.chmod(target, 0o755 if content.startswith((b"#!", b"\x7fELF")) else 0o644)
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)
        raise
