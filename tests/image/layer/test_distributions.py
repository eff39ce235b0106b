"""distributions.py and scripts.py: what an installer would leave, and a RECORD of just that."""

import base64
import csv
import hashlib
import json
from pathlib import Path

import pytest
from layer import distributions
from layer.distributions import entries
from layer.errors import LayerError
from layer.options import Options
from layer.scripts import console_scripts, with_interpreter
from layer.tarball import Entry
from wheels.wheel import Wheel, read

from tests.image.layer.elf_file import Section, write_elf
from tests.uv.index import make_wheel

SITE = "lib/python3.13/site-packages/"
INFO = SITE + "shop-1.0.dist-info/"
LIBRARY = write_elf([[Section(".text", content=b"t")]], [Section(".debug_info", content=b"d")], [])
FILES: dict[str, bytes | str] = {
    "shop/__init__.py": b"price = 1\n",
    "shop/template.py": b"def {{ name }}():\n",
    "shop/fast.so": LIBRARY,
    'shop/odd,"name".txt': b"odd",
    "shop/__pycache__/__init__.cpython-313.pyc": b"made elsewhere",
    "shop-1.0.dist-info/entry_points.txt": b"[console_scripts]\nshop = shop.cli:main.run [extra]\n"
    b"[other]\nx=y\n",
    "shop-1.0.dist-info/RECORD": b"shop/old.py,sha256=x,1\n",
    "shop-1.0.data/scripts/shop-admin": b"#!python -E\nimport shop\n",
    "shop-1.0.data/scripts/shop.sh": b"#!/bin/sh\n",
    "shop-1.0.data/data/share/man/shop.1": b"manual",
}


@pytest.fixture
def distribution(tmp_path: Path) -> Wheel:
    return read(str(make_wheel(tmp_path, "shop", "1.0", FILES)), "shop 1.0")


def layer(distribution: Wheel, *lost: str, **options: bool) -> dict[str, Entry]:
    found = list(entries(distribution, "app/.venv", lost, **options))
    assert len({entry.path for entry in found}) == len(found)
    return {entry.path.removeprefix("app/.venv/"): entry for entry in found}


def test_what_the_layer_holds(distribution: Wheel) -> None:
    assert {path: oct(entry.mode)[2:] for path, entry in layer(distribution).items()} == {
        SITE + "shop/__init__.py": "644",
        SITE + "shop/__pycache__/__init__.cpython-313.pyc": "644",
        SITE + "shop/template.py": "644",  # is no Python, so it has no bytecode
        SITE + "shop/fast.so": "644",
        SITE + 'shop/odd,"name".txt': "644",
        INFO + "METADATA": "644",
        INFO + "WHEEL": "644",
        INFO + "entry_points.txt": "644",
        INFO + "RECORD": "644",
        "bin/shop": "755",
        "bin/shop-admin": "755",
        "bin/shop.sh": "755",
        "share/man/shop.1": "644",
    }


def test_scripts_start_with_the_environments_interpreter(distribution: Wheel) -> None:
    found = layer(distribution)
    assert found["bin/shop"].content().decode() == (
        "#!/app/.venv/bin/python\n"
        "import sys\n"
        "\n"
        "from shop.cli import main\n"
        "\n"
        'if __name__ == "__main__":\n'
        "    sys.exit(main.run())\n"
    )
    assert found["bin/shop-admin"].content() == b"#!/app/.venv/bin/python -E\nimport shop\n"
    assert found["bin/shop.sh"].content() == b"#!/bin/sh\n"


def test_record_lists_what_the_layer_holds(distribution: Wheel) -> None:
    found = layer(distribution)
    lines = found[INFO + "RECORD"].content().decode().splitlines()
    assert lines == sorted(lines)
    recorded = {
        row[0].removeprefix("../../../") if row[0].startswith("..") else SITE + row[0]: row[1:]
        for row in csv.reader(lines)
    }
    assert set(recorded) == set(found)
    for path, (digest, size) in recorded.items():
        if path.endswith(("RECORD", ".pyc")):
            assert (digest, size) == ("", "")
            continue
        content = found[path].content()
        expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert (digest, size) == ("sha256=" + expected, str(len(content))), path


def test_what_another_distribution_has_is_left_out(distribution: Wheel) -> None:
    lost = (SITE + "shop/__init__.py", "bin/shop", "bin/shop-admin", "share/man/shop.1")
    missing = {*lost, SITE + "shop/__pycache__/__init__.cpython-313.pyc"}
    found = layer(distribution, *lost)
    assert set(layer(distribution)) - set(found) == missing
    record = found[INFO + "RECORD"].content().decode()
    assert not [path for path in missing if path.removeprefix(SITE) + "," in record]


def test_debug_sections_go_only_if_asked(distribution: Wheel) -> None:
    path = SITE + "shop/fast.so"
    assert len(layer(distribution)[path].content()) < len(LIBRARY)
    assert layer(distribution, strip=False)[path].content() == LIBRARY


def test_bytecode_is_made_here_or_not_at_all(distribution: Wheel) -> None:
    path = SITE + "shop/__pycache__/__init__.cpython-313.pyc"
    assert (
        b"/app/.venv/" + SITE.encode() + b"shop/__init__.py" in layer(distribution)[path].content()
    )
    without = layer(distribution, bytecode=False)
    assert not [path for path in without if path.endswith(".pyc")]
    assert b".pyc" not in without[INFO + "RECORD"].content()


def made(folder: Path, *wheels: Path, **lost: list[str]) -> bytes:
    """The layer of these wheels, as the action makes it."""
    (folder / "lost.json").write_text(json.dumps(lost))
    arguments = [f"--output={folder}/layer.tar.gz", "--environment=app/.venv"]
    arguments.append(f"--lost={folder}/lost.json")
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        arguments += [f"--distribution={name} {version}", f"--wheel={wheel}"]
    distributions.run(Options(arguments))
    return (folder / "layer.tar.gz").read_bytes()


def test_one_layer_whatever_the_order(tmp_path: Path) -> None:
    one = make_wheel(tmp_path, "one", "1.0", {"same.py": "a = 1", "one.py": ""})
    two = make_wheel(tmp_path, "two", "1.0", {"same.py": "a = 1", "two.py": ""})
    assert made(tmp_path, one, two) == made(tmp_path, two, one)


def test_one_layer_of_two_that_differ_in_a_file(tmp_path: Path) -> None:
    one = make_wheel(tmp_path, "one", "1.0", {"same.py": "a = 1"})
    two = make_wheel(tmp_path, "two", "1.0", {"same.py": "a = 2"})
    assert made(tmp_path, one, two, one=[SITE + "same.py"])
    (tmp_path / "layer.tar.gz").unlink()
    with pytest.raises(LayerError, match="two sources for one path"):
        made(tmp_path, one, two)
    assert not (tmp_path / "layer.tar.gz").exists()


def test_a_record_that_disagrees_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = f"shop.py,sha256={'A' * 43},5\n"
    files = {"shop.py": "x = 1", "shop-1.0.dist-info/RECORD": record}
    made(tmp_path, make_wheel(tmp_path, "shop", "1.0", files))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "INFO: shop 1.0: shop.py has other content than the wheel's RECORD says;"
    )


def test_a_damaged_wheel_is_an_error_of_the_layer(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "shop", "1.0")
    wheel.write_bytes(wheel.read_bytes()[:100])
    with pytest.raises(LayerError, match=r"^shop 1\.0: the wheel is damaged"):
        made(tmp_path, wheel)
    assert not (tmp_path / "layer.tar.gz").exists()


@pytest.mark.parametrize("reference", ["shop", "shop:", "shop.cli:main()", "os; x:y"])
def test_an_entry_point_of_another_form(reference: str) -> None:
    text = f"[console_scripts]\nshop = {reference}\n"
    with pytest.raises(LayerError) as caught:
        console_scripts(text.encode(), "/app/.venv", "shop 1.0")
    assert str(caught.value) == (
        f"shop 1.0: the console script shop = {reference} isn't of the form name = module:object"
    )


def test_entry_points_that_are_no_ini_file() -> None:
    with pytest.raises(LayerError, match=r"^shop 1\.0: entry_points\.txt: "):
        console_scripts(b"shop = x:y\n", "/app/.venv", "shop 1.0")


def test_other_interpreters_are_left_alone() -> None:
    for script in (b"#!/usr/bin/perl\n", b"#!pythonic\n", b"\x7fELF", b""):
        assert with_interpreter(script, "/app/.venv") == script
    assert with_interpreter(b"#!pythonw\r\n", "/e") == b"#!/e/bin/python\r\n"
