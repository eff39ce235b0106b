"""distributions.py and scripts.py: what an installer would leave, and a RECORD of just that."""

import base64
import csv
import hashlib
from pathlib import Path

import pytest
from layer.distributions import Distribution, entries
from layer.errors import LayerError
from layer.scripts import console_scripts, with_interpreter
from layer.tarball import Entry

from tests.image.layer.elf_file import Section, write_elf

SITE = "lib/python3.13/site-packages/"
INFO = SITE + "shop-1.0.dist-info/"
LIBRARY = write_elf([[Section(".text", content=b"t")]], [Section(".debug_info", content=b"d")], [])
FILES = {
    SITE + "shop/__init__.py": b"price = 1\n",
    SITE + "shop/template.py": b"def {{ name }}():\n",
    SITE + "shop/fast.so": LIBRARY,
    SITE + 'shop/odd,"name".txt': b"odd",
    SITE + "shop/__pycache__/__init__.cpython-313.pyc": b"made elsewhere",
    INFO + "METADATA": b"Name: shop\n",
    INFO
    + "entry_points.txt": b"[console_scripts]\nshop = shop.cli:main.run [extra]\n[other]\nx=y\n",
    INFO + "RECORD": b"shop/old.py,sha256=x,1\n",
    "bin/shop-admin": b"#!python -E\nimport shop\n",
    "bin/shop.sh": b"#!/bin/sh\n",
    "share/man/shop.1": b"manual",
}


@pytest.fixture
def distribution(tmp_path: Path) -> Distribution:
    listing = []
    for path, content in FILES.items():
        place = path.removeprefix(SITE)
        if place != path:
            place = "site-packages/" + place
        elif not path.startswith("bin/"):
            place = "data/" + path
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        listing.append(f"{hashlib.sha256(content).hexdigest()} {len(content)} {path}\n")
    return Distribution("shop 1.0", f"{tmp_path}/site-packages", "".join(listing))


def layer(distribution: Distribution, **options: bool) -> dict[str, Entry]:
    found = list(entries(distribution, "app/.venv", **options))
    assert len({entry.path for entry in found}) == len(found)
    return {entry.path.removeprefix("app/.venv/"): entry for entry in found}


def test_what_the_layer_holds(distribution: Distribution) -> None:
    assert {path: oct(entry.mode)[2:] for path, entry in layer(distribution).items()} == {
        SITE + "shop/__init__.py": "644",
        SITE + "shop/__pycache__/__init__.cpython-313.pyc": "644",
        SITE + "shop/template.py": "644",  # is no Python, so it has no bytecode
        SITE + "shop/fast.so": "644",
        SITE + 'shop/odd,"name".txt': "644",
        INFO + "METADATA": "644",
        INFO + "entry_points.txt": "644",
        INFO + "RECORD": "644",
        "bin/shop": "755",
        "bin/shop-admin": "755",
        "bin/shop.sh": "755",
        "share/man/shop.1": "644",
    }


def test_scripts_start_with_the_environments_interpreter(distribution: Distribution) -> None:
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


def test_record_lists_what_the_layer_holds(distribution: Distribution) -> None:
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


def test_debug_sections_go_only_if_asked(distribution: Distribution) -> None:
    path = SITE + "shop/fast.so"
    assert len(layer(distribution)[path].content()) < len(LIBRARY)
    assert layer(distribution, strip=False)[path].content() == LIBRARY


def test_bytecode_is_made_here_or_not_at_all(distribution: Distribution) -> None:
    path = SITE + "shop/__pycache__/__init__.cpython-313.pyc"
    assert (
        b"/app/.venv/" + SITE.encode() + b"shop/__init__.py" in layer(distribution)[path].content()
    )
    without = layer(distribution, bytecode=False)
    assert not [path for path in without if path.endswith(".pyc")]
    assert b".pyc" not in without[INFO + "RECORD"].content()


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
