"""venv.py: the files that make a folder a virtual environment (PEP 405)."""

import platform
from pathlib import Path

import pytest
from layer.venv import entries, imported_at_start


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


@pytest.mark.parametrize("bytecode", [True, False])
def test_what_every_start_imports(tmp_path: Path, bytecode: bool) -> None:
    (tmp_path / "shop_guard.py").write_text("LIMIT = 1\n")
    found = {
        entry.path.removeprefix("srv/env/lib/python3.13/site-packages/"): entry
        for entry in imported_at_start(
            "srv/env", str(tmp_path / "shop_guard.py"), bytecode=bytecode
        )
    }
    cached = found.pop("__pycache__/shop_guard.cpython-313.pyc", None)
    assert (cached is not None) == bytecode
    assert {path: entry.content() for path, entry in found.items()} == {
        "shop_guard.py": b"LIMIT = 1\n",
        "shop_guard.pth": b"import shop_guard\n",
    }
