"""The versions of //tools:pythons.bzl, the pins that belong to them, and how one is chosen."""

import ast
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any


def table(name: str) -> Any:
    """A constant of tools/pythons.bzl, which is Python as far as that."""
    for statement in ast.parse(Path("tools/pythons.bzl").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return ast.literal_eval(statement.value)
    raise AssertionError(name)


def test_an_image_without_a_python_has_the_locks() -> None:
    assert Path(os.environ["BY_LOCK"]).name == "image_3_14_linux_amd64"


def test_the_default_comes_first_then_the_newest() -> None:
    default, *others = table("PYTHONS")
    assert default == "3.13"
    assert others == sorted(others, reverse=True)


def test_each_is_pinned_in_hub_mode() -> None:
    module = Path("MODULE.bazel").read_text()
    pins = re.findall(r'name = "python_(\w+)_slim",\n    digest = "(sha256:\w{64})"', module)
    pulled = dict(pins)
    assert {python.replace("_", ".") for python in pulled} == set(table("PYTHONS"))
    assert len(set(pulled.values())) == len(pulled)
    assert set(table("_GLIBC")["hub"]) == set(table("PYTHONS"))


def test_each_of_debians_has_a_lock_with_its_glibc() -> None:
    glibc = table("_GLIBC")["mirror"]
    config = tomllib.loads(Path("image/base/packages.toml").read_text())
    assert set(glibc) == set(config["releases"])
    for python, minor in glibc.items():
        lock = Path(f"image/base/debian_{python.replace('.', '_')}.lock.json")
        for packages in json.loads(lock.read_bytes())["packages"].values():
            versions = {package["name"]: package["version"] for package in packages}
            assert versions["libc6"].startswith(f"2.{minor}-")
            assert versions[f"python{python}-minimal"].startswith(f"{python}.")
