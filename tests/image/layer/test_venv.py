"""venv.py: the files that make a folder a virtual environment (PEP 405)."""

import platform

from layer.venv import entries


def test_the_layer() -> None:
    found = {entry.path: entry for entry in entries("app/.venv", "/usr/local/bin")}
    config = found.pop("app/.venv/pyvenv.cfg")
    assert config.content().decode().splitlines() == [
        "home = /usr/local/bin",
        "include-system-site-packages = false",
        f"version = {platform.python_version()}",
        "executable = /usr/local/bin/python3.13",
    ]
    assert {path: entry.target for path, entry in found.items()} == {
        "app/.venv/bin/python": "/usr/local/bin/python3.13",
        "app/.venv/bin/python3": "python",
        "app/.venv/bin/python3.13": "python",
    }
