"""Good wheels of every shape, and the single files and trees that are taken from them."""

import sys
from pathlib import Path

import pytest
from wheels.licence import licence
from wheels.wheel import read

from tests.uv.index import make_wheel
from tests.uv.wheels.tool import failed, run

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"lib/{PYTHON}/site-packages"
FILES: dict[str, bytes | str] = {
    "two_words.py": "def main(): ...\n",
    "two_words/__pycache__/a.cpython-313.pyc": b"x",
    "two_words-1.0.dist-info/entry_points.txt": "[console_scripts]\nMade = two_words:main [x]\n"
    "[gui_scripts]\nshown = two_words:main.run\n[other]\nx = y\n",
    "two_words-1.0.data/scripts/own": "#!python\nprint('own')\n",
    "two_words-1.0.data/data/share/doc.txt": "doc",
    "two_words-1.0.data/headers/sub/a.h": "",
    "two_words-1.0.data/purelib/pure.py": "",
    "two_words-1.0.data/platlib/plat.py": "",
}


def test_files_at_their_places(folder: Path) -> None:
    wheel = read(str(make_wheel(folder, "two-words", "1.0", FILES)), "two-words 1.0")
    info = f"{SITE}/two_words-1.0.dist-info"
    assert wheel.info == "two_words-1.0.dist-info"
    assert sorted(wheel.files) == [
        "bin/own",
        f"include/site/{PYTHON}/two-words/sub/a.h",
        f"{SITE}/plat.py",
        f"{SITE}/pure.py",
        f"{info}/METADATA",
        f"{info}/WHEEL",
        f"{info}/entry_points.txt",
        f"{SITE}/two_words.py",
        "share/doc.txt",
    ]
    assert wheel.files["bin/own"] == b"#!python\nprint('own')\n"  # a layer knows its interpreter
    assert wheel.scripts == {"Made": ("two_words", "main"), "shown": ("two_words", "main.run")}
    assert wheel.notes == []


def test_a_wheel_is_known_by_the_name_of_its_file(folder: Path) -> None:
    made = make_wheel(folder, "pkg", "1.0").rename(folder / "pkg-1.0-1build-py2.py3-none-any.whl")
    assert read(str(made), "pkg 1.0").info == "pkg-1.0.dist-info"


@pytest.mark.parametrize("name", ["a b.txt", "ü→.txt", "comma,quote'.txt", "BUILD", "co:lon"])
def test_unusual_names_are_kept(folder: Path, name: str) -> None:
    wheel = read(str(make_wheel(folder, "pkg", "1.0", {f"pkg/{name}": "x"})), "pkg 1.0")
    assert wheel.files[f"{SITE}/pkg/{name}"] == b"x"


def test_a_tree_holds_all_but_console_scripts(folder: Path, tmp_path: Path) -> None:
    first = make_wheel(folder, "first", "1.0", {"space/first.py": "1", "space/both.py": "1"})
    second = make_wheel(
        folder,
        "second",
        "1.0",
        {
            "space/second.py": "2",
            "space/both.py": "2",
            "second-1.0.data/scripts/run": "#!/bin/sh\n",
            "second-1.0.dist-info/entry_points.txt": "[console_scripts]\nmade = second:main\n",
        },
    )
    tree = tmp_path / "tree"
    done = run("environment", tree, "first 1.0", first, "second 1.0", second)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    space = tree / SITE / "space"
    assert {path.name: path.read_text() for path in space.iterdir()} == {
        "both.py": "2",  # the later one's
        "first.py": "1",
        "second.py": "2",
    }
    assert [path.name for path in (tree / "bin").iterdir()] == ["run"]
    assert (tree / "bin/run").stat().st_mode & 0o777 == 0o755
    assert (space / "both.py").stat().st_mode & 0o777 == 0o644


def test_a_file_where_another_has_a_folder(folder: Path, tmp_path: Path) -> None:
    wheels = [
        make_wheel(folder, "first", "1.0", {"x": ""}),
        make_wheel(folder, "second", "1.0", {"x/y": ""}),
    ]
    line = failed(run("environment", tmp_path / "tree", "first 1.0", wheels[0], "b", wheels[1]))
    assert line == f"b: {SITE}/x/y is a file where another distribution has a folder."
    assert not (tmp_path / "tree").exists()


def test_single_files(folder: Path, tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"pkg/data.json": "{}", "pkg-1.0.data/scripts/tool": b"\x7fELF"}
    wheel = make_wheel(folder, "pkg", "1.0", files)
    data, tool = tmp_path / "data.json", tmp_path / "tool"
    done = run("member", "pkg 1.0", wheel, "site-packages/pkg/data.json", data, "bin/tool", tool)
    assert done.returncode == 0, done.stderr
    assert data.read_text() == "{}"
    assert tool.read_bytes() == b"\x7fELF"
    assert tool.stat().st_mode & 0o777 == 0o755


def test_a_file_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    wheel = make_wheel(folder, "pkg", "1.0")
    done = run("member", "pkg 1.0", wheel, "site-packages/other.py", tmp_path / "out")
    assert failed(done) == "pkg 1.0 has no file site-packages/other.py"
    assert not (tmp_path / "out").exists()


LICENCES = {
    "License-Expression: MIT OR Apache-2.0\nLicense: other\n": "MIT OR Apache-2.0",
    "License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License\n": "BSD-3-Clause",
    "License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n": "MIT License",
    "License: Long\n text\nClassifier: License :: OSI Approved :: ISC License\n": "ISC License",
    "License: Long\n text of it\n": "Long",
    "License: Line\x1b[31m\n": "Line [31m",
    "Classifier: License :: OSI Approved\n": "",
    "Summary: x\n\nLicense: of the description\n": "",
    "Summary: x\r\n\r\nLicense: of the description\r\n": "",
    "License: MIT\r\nSummary: x\r\n": "MIT",
    "": "",
}


@pytest.mark.parametrize(("metadata", "stated"), LICENCES.items(), ids=range(len(LICENCES)))
def test_licence(metadata: str, stated: str) -> None:
    assert licence(f"Name: pkg\n{metadata}".encode()) == stated
