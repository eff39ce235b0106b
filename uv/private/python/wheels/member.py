"""Sub-command `member`: files of a wheel, by their paths in a virtual environment.

    member LABEL WHEEL [PATH OUTPUT]…

PATH may begin with `site-packages/`, whatever the Python.
"""

from __future__ import annotations

import os

from wheels import wheel
from wheels.errors import WheelError
from wheels.layout import SITE_PACKAGES


def run(arguments: list[str]) -> None:
    """Write the files."""
    label, path, *pairs = arguments
    files = wheel.read(path, label).files
    for place, output in zip(pairs[::2], pairs[1::2], strict=True):
        full = place
        if place.startswith("site-packages/"):
            full = SITE_PACKAGES + place.removeprefix("site-packages/")
        if full not in files:
            raise WheelError(f"{label} has no file {place}")
        with open(output, "wb") as file:
            file.write(files[full])
        os.chmod(output, 0o755)  # noqa: S103
