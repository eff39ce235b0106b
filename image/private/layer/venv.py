"""Sub-command `venv`: the virtual environment itself, without any distribution (PEP 405).

Options:
    --environment=DIR  its place in the image, such as app/.venv
    --home=DIR         absolute path of the folder in the base image that holds its interpreter
    --guard=PATH       a module that every start of Python imports
    --bytecode=1       compile it (0: don't)
    --output=PATH      the .tar.gz
"""

from __future__ import annotations

import sys

from layer import tarball
from layer.pyc import cache_path, compile_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from layer.options import Options


def run(options: Options) -> None:
    """Makes the layer."""
    environment = options.one("environment")
    found = entries(environment, options.one("home"))
    bytecode = options.one("bytecode", "1") == "1"
    found += imported_at_start(environment, options.one("guard"), bytecode=bytecode)
    tarball.save(found, options.one("output"), level=9)


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


def imported_at_start(environment: str, module: str, *, bytecode: bool) -> list[tarball.Entry]:
    """Returns the module's file and what makes the interpreter import it: a .pth file (see `site`).

    Not `sitecustomize`: there is one for all of the interpreter, and Debian and others have theirs.
    """
    site = f"{environment}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    name = module.rpartition("/")[2].removesuffix(".py")
    place = f"{site}/{name}.py"
    with open(module, "rb") as file:
        source = file.read()
    found = [
        tarball.Entry(place, "file", 0o644, source, source=module),
        tarball.Entry(f"{site}/{name}.pth", "file", 0o644, f"import {name}\n".encode()),
    ]
    if bytecode:
        code = compile_source(source, f"/{place}")
        found.append(tarball.Entry(cache_path(place), "file", 0o644, code, source=module))
    return found
