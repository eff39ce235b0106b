"""Sub-command `venv`: the virtual environment itself, without any distribution (PEP 405).

Options:
    --environment=DIR  its place in the image, such as app/.venv
    --home=DIR         absolute path of the folder in the base image that holds its interpreter
    --output=PATH      the .tar.gz
"""

from __future__ import annotations

import sys

from layer import tarball

TYPE_CHECKING = False
if TYPE_CHECKING:
    from layer.options import Options


def run(options: Options) -> None:
    """Makes the layer."""
    tarball.save(
        entries(options.one("environment"), options.one("home")), options.one("output"), level=9
    )


def entries(environment: str, home: str) -> list[tarball.Entry]:
    """Returns `pyvenv.cfg` and the links to the base's interpreter, named as `python -m venv` does.

    The version is that of the interpreter that runs this: the base image's own.
    """
    major, minor, micro = sys.version_info[:3]
    exact = f"python{major}.{minor}"
    config = (
        f"home = {home}\n"
        "include-system-site-packages = false\n"
        f"version = {major}.{minor}.{micro}\n"
        f"executable = {home}/{exact}\n"
    )
    links = {"python": f"{home}/{exact}", "python3": "python", exact: "python"}
    return [
        tarball.Entry(f"{environment}/pyvenv.cfg", "file", 0o644, config.encode()),
        *(
            tarball.Entry(f"{environment}/bin/{name}", "symlink", 0o777, None, target)
            for name, target in links.items()
        ),
    ]
