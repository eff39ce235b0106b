"""pyc.py: bytecode that Python loads without looking at the source, the same bytes every time."""

import importlib.machinery
import importlib.util
import marshal
import random
import sysconfig
from pathlib import Path

import pytest
from layer.errors import LayerError
from layer.pyc import cache_path, compile_source

STDLIB = Path(sysconfig.get_path("stdlib"))


def test_it_is_unchecked_hash_bytecode(tmp_path: Path) -> None:
    source = b"value = 6 * 7\n"
    path = tmp_path / "module.pyc"
    path.write_bytes(compile_source(source, "/app/module.py"))
    data = path.read_bytes()
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert data[4:8] == b"\x01\0\0\0"
    assert data[8:16] == importlib.util.source_hash(source)
    loader = importlib.machinery.SourcelessFileLoader("module", str(path))
    code = loader.get_code("module")
    assert code is not None
    assert code.co_filename == "/app/module.py"
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102
    assert names["value"] == 42


def test_where_python_looks_for_it() -> None:
    assert cache_path("pkg/a.py") == importlib.util.cache_from_source("pkg/a.py")
    assert cache_path("a.py").startswith("__pycache__/a.cpython-")


def test_the_order_of_compilation_does_not_matter() -> None:
    """python/cpython#129724: marshal's output could depend on what the process did before."""
    sources = {path: path.read_bytes() for path in sorted(STDLIB.glob("[a-m]*.py"))}
    assert len(sources) > 30

    def compile_all(paths: list[Path]) -> dict[Path, bytes]:
        return {path: compile_source(sources[path], f"/lib/{path.name}") for path in paths}

    forward = compile_all(list(sources))
    shuffled = list(sources)
    random.Random(1).shuffle(shuffled)
    assert compile_all(list(reversed(sources))) == forward
    assert compile_all(shuffled) == forward


def test_what_the_process_has_met_does_not_matter() -> None:
    """Strings that are interned already change what the compiler takes for one object."""
    sources = [
        # Names of classes: no other constant of their kind is ever interned.
        b"def f():\n class Met: pass\n",
        b"class Met:\n class Before: pass\n",
        # Equal frozensets of strings, in two methods.
        (STDLIB / "ftplib.py").read_bytes(),
    ]
    sources += [path.read_bytes() for path in sorted(STDLIB.glob("[a-m]*.py"))]
    unmet = [compile_source(source, "/lib/m.py") for source in sources]
    alive = [compile(source, "/lib/m.py", "exec", dont_inherit=True) for source in sources]
    plain = []
    for source in sources[:3]:
        code = compile(source, "/lib/m.py", "exec", dont_inherit=True)
        plain.append(marshal.dumps(code))
    assert all(code != before[16:] for code, before in zip(plain, unmet, strict=False)), plain
    assert [compile_source(source, "/lib/m.py") for source in sources] == unmet
    assert alive


def test_a_syntax_error_names_file_and_line() -> None:
    with pytest.raises(LayerError, match=r"^/app/main\.py:2: syntax error: "):
        compile_source(b"import os\ndef broken(:\n", "/app/main.py")
    with pytest.raises(LayerError, match=r"^/app/main\.py:1: syntax error: "):
        compile_source(b"x = '\0'\n", "/app/main.py")
    with pytest.raises(LayerError, match=r"^/app/main\.py:1: .* it is nested too deeply$"):
        compile_source(b"x = " + b"-" * 6000 + b"1\n", "/app/main.py")
