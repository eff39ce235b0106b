"""wheel.py puts every file where the pinned uv puts it, and refuses what it refuses.

`like_uv.py` does the same to wheels of the world.
"""

import zipfile
from pathlib import Path

import pytest
from wheels.errors import WheelError

from tests.uv.index import make_wheel
from tests.uv.wheels.like_uv import Environment, difference, ours

INFO = "pkg-1.0.dist-info"
DATA = "pkg-1.0.data"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


SHAPES: dict[str, dict[str, bytes | str]] = {
    "a module": {"pkg.py": "x = 1\n"},
    "nothing at all": {},
    "a folder and a file of no kind": {
        "pkg/__init__.py": "",
        "pkg/py.typed": "",
        "pkg/.hidden": "",
    },
    "headers": {"pkg.py": "", f"{DATA}/headers/pkg.h": "h", f"{DATA}/headers/sub/a.h": "h"},
    "data": {"pkg.py": "", f"{DATA}/data/share/man/x.1": "man", f"{DATA}/data/etc/x": "x"},
    "data in bin": {"pkg.py": "", f"{DATA}/data/bin/tool": "#!/bin/sh\n"},
    "scripts": {
        "pkg.py": "",
        f"{DATA}/scripts/py": "#!python\nprint(1)\n",
        f"{DATA}/scripts/pyw": "#!pythonw\nprint(1)\n",
        f"{DATA}/scripts/flags": "#!python -E\nprint(1)\n",
        f"{DATA}/scripts/sh": "#!/bin/sh\necho\n",
        f"{DATA}/scripts/binary": b"\x7fELF\0\1",
        f"{DATA}/scripts/none": "no first line",
    },
    "purelib and platlib": {
        "pkg.py": "",
        f"{DATA}/purelib/pure/a.py": "a",
        f"{DATA}/platlib/plat/b.so": b"\x7fELF",
    },
    "the same file twice": {"pkg/a.py": "root", f"{DATA}/purelib/pkg/a.py": "data"},
    "the same file twice, data first": {
        f"{DATA}/purelib/pkg/a.py": "data",
        "pkg/a.py": "root",
    },
    "unicode": {"pkg/ü→.txt": "x", "pkg/日本/__init__.py": "", "pkg/a b,c'd\".txt": ""},
    "signs": {"pkg/co:lon": "", "pkg/BUILD": "", "pkg/$x": "", "pkg/[x]@1": ""},
    "entry points": {
        "pkg.py": "",
        f"{INFO}/entry_points.txt": "[console_scripts]\nPlain = pkg:main\nnested=pkg.sub:a.b\n"
        "extra = pkg:main [x,y]\nspaced   =   pkg:main  \n\n[gui_scripts]\nshown = pkg:main\n"
        "[pytest11]\nx = pkg\n",
    },
    "an entry point twice": {
        "pkg.py": "",
        f"{INFO}/entry_points.txt": "[console_scripts]\na = pkg:one\na = pkg:two\n",
    },
    "an entry point with a per cent sign": {
        "pkg.py": "",
        f"{INFO}/entry_points.txt": "[x]\ny = %(z)s%\n[console_scripts]\na = pkg:one\n",
    },
    "a script and an entry point": {
        "pkg.py": "",
        f"{DATA}/scripts/run": "#!/bin/sh\necho own\n",
        f"{INFO}/entry_points.txt": "[console_scripts]\nrun = pkg:main\n",
    },
    "metadata of its own": {
        "pkg.py": "",
        f"{INFO}/licenses/LICENSE": "MIT",
        f"{INFO}/sboms/x.json": "{}",
        f"{INFO}/top_level.txt": "pkg\n",
        f"{INFO}/RECORD.jws": "{}",
    },
    "data of another": {"pkg.py": "", "other-1.0.data/scripts/x": "x"},
    "a RECORD that lies": {"pkg.py": "x", f"{INFO}/RECORD": f"pkg.py,sha256={'A' * 43},9\n"},
    "a RECORD that lists nothing": {"pkg.py": "x", f"{INFO}/RECORD": f"{INFO}/RECORD,,\n"},
    "a RECORD with an empty line": {
        "pkg.py": "x",
        f"{INFO}/RECORD": f"pkg.py,,\n\n{INFO}/RECORD,,\n",
    },
    "a place of no kind": {"pkg.py": "", f"{DATA}/nowhere/x": "x"},
    "an entry point of no kind": {
        "pkg.py": "",
        f"{INFO}/entry_points.txt": "[console_scripts]\na = pkg\n",
    },
    "two dist-info folders": {"pkg.py": "", "other-1.0.dist-info/METADATA": ""},
}
# uv refuses these, and so do we.
REFUSED = {
    "a place of no kind",
    "an entry point of no kind",
    "an entry point twice",
    "two dist-info folders",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_made_wheel(shape: str, folder: Path, environment: Environment) -> None:
    compare(make_wheel(folder, "pkg", "1.0", SHAPES[shape]), environment, shape in REFUSED)


def compare(wheel: Path, environment: Environment, refused: bool = False) -> None:
    said = environment.install(wheel)
    assert bool(said) == refused, said
    if refused:
        with pytest.raises(WheelError):
            ours(wheel)
    else:
        assert difference(environment.tree(), ours(wheel)) == []


def written(path: Path, files: dict[str, str]) -> Path:
    """A wheel of just these entries, those of folders included."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


WHEEL = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\n"


def spelled(info: str, wheel: str = WHEEL) -> dict[str, str]:
    return {
        "foo.py": "",
        f"{info}.data/data/share/x": "x",
        f"{info}.data/headers/x.h": "h",
        f"{info}.dist-info/METADATA": METADATA,
        f"{info}.dist-info/WHEEL": wheel,
        f"{info}.dist-info/RECORD": "foo.py,,\n",
    }


@pytest.mark.parametrize("info", ["foo_bar-1.0", "Foo.Bar-1.0", "foo-bar-1.0", "FOO__BAR-1.0"])
def test_a_dist_info_of_another_spelling(info: str, folder: Path, environment: Environment) -> None:
    compare(written(folder / "foo_bar-1.0-py3-none-any.whl", spelled(info)), environment)


@pytest.mark.parametrize(
    ("wheel", "refused"),
    [
        (WHEEL.replace("1.0", "1.1"), False),
        (WHEEL.replace("1.0", "1.9"), False),
        (WHEEL.replace("1.0", "2.0"), True),
        (WHEEL.replace("Root-Is-Purelib: true", "Root-Is-Purelib: false"), False),
        (WHEEL.replace("\n", "\r\n"), False),
    ],
    ids=["1.1", "1.9", "2.0", "platlib", "crlf"],
)
def test_the_file_wheel(wheel: str, refused: bool, folder: Path, environment: Environment) -> None:
    files = spelled("foo_bar-1.0", wheel)
    compare(written(folder / "foo_bar-1.0-py3-none-any.whl", files), environment, refused)


@pytest.mark.parametrize("missing", ["METADATA", "RECORD", "WHEEL"])
def test_metadata_that_is_missing(missing: str, folder: Path, environment: Environment) -> None:
    files = spelled("foo_bar-1.0")
    del files[f"foo_bar-1.0.dist-info/{missing}"]
    compare(written(folder / "foo_bar-1.0-py3-none-any.whl", files), environment, refused=True)


def test_entries_of_folders(folder: Path, environment: Environment) -> None:
    files = {"foo/": "", "foo/empty/": "", "foo/__init__.py": "", **spelled("foo_bar-1.0")}
    compare(written(folder / "foo_bar-1.0-py3-none-any.whl", files), environment)


def test_a_build_number(folder: Path, environment: Environment) -> None:
    compare(written(folder / "foo_bar-1.0-2-py3-none-any.whl", spelled("foo_bar-1.0")), environment)
