"""Tests and actions run on the base's own interpreter: it finds itself, and it is complete."""

import importlib
import json
import subprocess
import sys
import tempfile
import unittest
import venv
from pathlib import Path


def seen_by(python: str | Path, *options: str) -> dict[str, str]:
    """What an interpreter started by that name says about itself."""
    says = (
        "import json, sys; print(json.dumps({'executable': sys.executable, 'prefix': sys.prefix,"
        " 'base_prefix': sys.base_prefix, 'version': sys.version}))"
    )
    done = subprocess.run([python, *options, "-c", says], capture_output=True, check=True)
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


class InterpreterTest(unittest.TestCase):
    def test_is_started_by_its_launcher(self) -> None:
        self.assertTrue(Path(sys.executable).read_bytes().startswith(b"#!/bin/sh\n"))
        self.assertTrue((Path(sys.prefix) / "libexec/python3.13").exists())

    def test_a_child_process_runs_the_same_interpreter(self) -> None:
        child = seen_by(sys.executable, "-I")
        self.assertEqual(child["executable"], sys.executable)
        self.assertEqual(child["prefix"], sys.prefix)
        self.assertEqual(child["version"], sys.version)

    def test_a_virtual_environment_runs_the_same_interpreter(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder, symlinks=True)
            inside = seen_by(Path(folder) / "bin/python")
            self.assertEqual(inside["executable"], f"{folder}/bin/python")
            self.assertEqual(inside["prefix"], folder)
            libraries = Path(inside["base_prefix"]) / "lib"
            self.assertEqual(libraries.resolve(), Path(sys.base_prefix, "lib").resolve())
            self.assertEqual(inside["version"], sys.version)

    def test_its_c_library_is_its_own(self) -> None:
        maps = Path("/proc/self/maps").read_text()
        libraries = {line.split()[-1] for line in maps.splitlines() if ".so" in line}
        self.assertTrue(any(path.endswith("/libc.so.6") for path in libraries), libraries)
        own = str(Path(sys.prefix).resolve())
        self.assertEqual([path for path in libraries if not path.startswith(own)], [])

    def test_extension_modules_import(self) -> None:
        for name in ("asyncio", "bz2", "ctypes", "lzma", "sqlite3", "ssl", "uuid", "zoneinfo"):
            with self.subTest(module=name):
                importlib.import_module(name)


if __name__ == "__main__":
    unittest.main()
