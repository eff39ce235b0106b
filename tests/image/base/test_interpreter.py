"""Tests and actions run on the base's own interpreter: it finds itself, and it is complete."""

import importlib
import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest


def seen_by(python: str | Path, *options: str) -> dict[str, str]:
    """What an interpreter started by that name says about itself."""
    says = (
        "import json, sys; print(json.dumps({'executable': sys.executable, 'prefix': sys.prefix,"
        " 'base_prefix': sys.base_prefix, 'version': sys.version}))"
    )
    done = subprocess.run([python, *options, "-c", says], capture_output=True, check=True)
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def test_is_started_by_its_launcher() -> None:
    assert Path(sys.executable).read_bytes().startswith(b"#!/bin/sh\n")
    assert (Path(sys.prefix) / "libexec/python3.13").exists()


def test_a_child_process_runs_the_same_interpreter() -> None:
    child = seen_by(sys.executable, "-I")
    assert child["executable"] == sys.executable
    assert child["prefix"] == sys.prefix
    assert child["version"] == sys.version


def test_a_virtual_environment_runs_the_same_interpreter(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    inside = seen_by(tmp_path / "venv/bin/python")
    assert inside["executable"] == str(tmp_path / "venv/bin/python")
    assert inside["prefix"] == str(tmp_path / "venv")
    assert Path(inside["base_prefix"], "lib").resolve() == Path(sys.base_prefix, "lib").resolve()
    assert inside["version"] == sys.version


def test_a_relative_link_to_it_works(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(Path(sys.executable).resolve())
    assert seen_by(tmp_path / "python")["version"] == sys.version


def test_its_c_library_is_its_own() -> None:
    maps = Path("/proc/self/maps").read_text()
    libraries = {line.split()[-1] for line in maps.splitlines() if ".so" in line}
    assert any(path.endswith("/libc.so.6") for path in libraries)
    own = str(Path(sys.base_prefix, "lib").resolve())
    assert [path for path in libraries if "-linux-gnu/lib" in path and own not in path] == []


def test_no_link_leads_to_files_of_the_machine() -> None:
    library = Path(sys.base_prefix, "lib").resolve()
    links = [path for path in library.rglob("*") if path.is_symlink()]
    assert links
    assert [path for path in links if library not in path.resolve().parents] == []


@pytest.mark.parametrize(
    "module", ["asyncio", "bz2", "ctypes", "lzma", "sqlite3", "ssl", "uuid", "zlib", "zoneinfo"]
)
def test_extension_modules_import(module: str) -> None:
    importlib.import_module(module)


def test_its_standard_library_is_compiled() -> None:
    library = Path(json.__file__)
    assert library.with_name("__pycache__").joinpath("__init__.cpython-313.pyc").exists()
