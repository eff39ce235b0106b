"""app.py: sources and bytecode at their places, and sources that can't be there."""

from pathlib import Path

import pytest
from layer.app import entries
from layer.errors import LayerError
from layer.tarball import Entry


def layer(sources: list[tuple[str, str]], **options: bool) -> dict[str, Entry]:
    return {entry.path: entry for entry in entries(sources, "app", "app/.venv", **options)}


@pytest.fixture
def sources(tmp_path: Path) -> list[tuple[str, str]]:
    files = {
        "main.py": "app = 1\n",
        "shop/__init__.py": "",
        "shop/page.html": "<p>\n",
        "run": "#!/app/.venv/bin/python\n",
        "__pycache__/main.cpython-313.pyc": "stale",
    }
    result = []
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        result.append((path, str(file)))
    return result


def test_sources_and_their_bytecode(sources: list[tuple[str, str]]) -> None:
    found = layer(sources)
    assert {path: oct(entry.mode) for path, entry in found.items()} == {
        "app/main.py": "0o644",
        "app/__pycache__/main.cpython-313.pyc": "0o644",
        "app/shop/__init__.py": "0o644",
        "app/shop/__pycache__/__init__.cpython-313.pyc": "0o644",
        "app/shop/page.html": "0o644",
        "app/run": "0o755",
    }
    bytecode = found["app/__pycache__/main.cpython-313.pyc"].content()
    assert b"/app/main.py" in bytecode
    assert bytecode != b"stale"


def test_without_bytecode(sources: list[tuple[str, str]]) -> None:
    assert not [path for path in layer(sources, bytecode=False) if "__pycache__" in path]


def test_a_syntax_error_names_the_file_as_the_user_knows_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\nx = (\n")
    with pytest.raises(LayerError) as caught:
        layer([("shop/broken.py", str(broken))])
    assert str(caught.value) == f"{broken}:2: syntax error: '(' was never closed"


@pytest.mark.parametrize("path", [".venv/bin/uvicorn", ".venv"])
def test_a_source_in_the_virtual_environment(tmp_path: Path, path: str) -> None:
    with pytest.raises(LayerError) as caught:
        layer([(path, str(tmp_path / "uvicorn"))])
    assert str(caught.value) == (
        f"{tmp_path}/uvicorn would lie in the virtual environment, /app/.venv; rename it or leave "
        "it out of srcs"
    )


def test_names_that_only_begin_like_the_virtual_environment(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text("x")
    assert list(layer([(".venvs", str(note))])) == ["app/.venvs"]
