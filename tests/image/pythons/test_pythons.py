"""An image on a base with this Python: made by it, and started."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.image.base.layout import Layout
from tests.image.container import Container

PYTHON = os.environ["PYTHON"]
LAYOUTS = os.environ["LAYOUTS"].split()
SBOMS = os.environ["SBOMS"].split()

on_each_platform = pytest.mark.parametrize("path", LAYOUTS)


def said(container: Container, program: str, *options: str) -> str:
    """What the image's Python prints, started as the image's user."""
    done = container.run("/app/.venv/bin/python", *options, "-c", program)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_starts_on_its_python(container: Container) -> None:
    facts = "import sys; print(sys.version.split()[0], sys.prefix, sys.base_prefix)"
    version, prefix, base = said(container, facts).split()
    assert version.rpartition(".")[0] == PYTHON
    assert (prefix, base in ("/usr", "/usr/local")) == ("/app/.venv", True)
    config = (container.root / "app/.venv/pyvenv.cfg").read_text()
    assert f"\nversion = {version}\nexecutable = /usr/local/bin/python{PYTHON}\n" in config


def test_it_loads_bytecode_alone(container: Container) -> None:
    """Of the application and of the standard library, which the base may have without."""
    program = "import main, sys; print(main.app, sys.flags.dont_write_bytecode)"
    done = container.run("/app/.venv/bin/python", "-v", "-c", program)
    assert done.stdout == '{"price": 6} 0\n'
    tag = f"cpython-{PYTHON.replace('.', '')}"
    loaded = [line for line in done.stderr.splitlines() if line.startswith("# code object from ")]
    names = ("main", "shop", "decoder", "site")
    assert [name for name in names if f"/__pycache__/{name}.{tag}.pyc'" not in "".join(loaded)] in (
        [],
        ["site"],  # frozen
    )
    assert [line for line in loaded if ".pyc'" not in line] == []


@on_each_platform
def test_the_interpreter_takes_every_bytecode_file(path: str, container: Container) -> None:
    magic = said(container, "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())")
    layers = Layout(Path(path)).layers()
    headers = {}
    for layer in layers:
        for member in layer.getmembers():
            if member.name.endswith(".pyc"):
                content = layer.extractfile(member)
                assert content is not None
                headers[member.name] = content.read(8)
    tag = f"cpython-{PYTHON.replace('.', '')}"
    assert f"app/__pycache__/main.{tag}.pyc" in headers
    assert len(headers) > 400
    assert {header[:4].hex() for header in headers.values()} == {magic.strip()}
    # Unchecked, hash-based: PEP 552.
    assert {header[4] for header in headers.values()} == {1}
    assert {name for name in headers if not name.endswith(f".{tag}.pyc")} == set()


# What compiles a file where nothing was imported or compiled before, and prints its bytecode. (Only
# which strings of one character are interned is another matter before Python 3.12.)
_COMPILE = """
import marshal, sys
for number in range(256):
    sys.intern(chr(number))
with open(sys.argv[1], "rb") as file:
    source = file.read()
code = compile(source, sys.argv[1], "exec", dont_inherit=True)
print(marshal.dumps(code).hex())
"""


@pytest.mark.parametrize("module", ["main", "argparse", "asyncio.events", "typing", "weakref"])
def test_bytecode_depends_on_the_source_alone(module: str, container: Container) -> None:
    """It is the same, whatever the process had met that compiled it."""
    where = f"import importlib.util as u; s = u.find_spec({module!r}); print(s.origin, s.cached)"
    source, bytecode = said(container, where).split()
    options = ("-I", "-S", "-B", "-W", "ignore")
    done = container.run(f"/app/.venv/bin/python{PYTHON}", *options, "-c", _COMPILE, source)
    assert done.returncode == 0, done.stderr
    assert Path(f"{container.root}{bytecode}").read_bytes()[16:].hex() == done.stdout.strip()


@on_each_platform
def test_it_says_its_version(path: str) -> None:
    layout = Layout(Path(path))
    variables = dict(line.split("=", 1) for line in layout.config["config"]["Env"])
    assert variables["PYTHON_VERSION"].rpartition(".")[0] == PYTHON
    names = {member.name for member in layout.members() if member.name.startswith("app/.venv/bin/")}
    assert names == {f"app/.venv/bin/{name}" for name in ("python", "python3", f"python{PYTHON}")}


@pytest.mark.parametrize("path", [path for path in SBOMS if path.endswith(".spdx.json")])
def test_the_bill_names_it(path: str) -> None:
    document: dict[str, Any] = json.loads(Path(path).read_bytes())
    packages = {package["name"]: package for package in document["packages"]}
    python = packages.get(f"python{PYTHON}-minimal") or packages["python"]
    assert python["versionInfo"].startswith(PYTHON + ".")
    # Each base's packages are found in the locks.
    debs = [each for each in packages.values() if each["name"].endswith("-minimal")]
    assert [each["name"] for each in debs if not each.get("checksums")] == []
