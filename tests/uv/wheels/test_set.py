"""set.py: the facts of a set, and whose file stays where distributions have different ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from wheels import set as sets
from wheels.errors import WheelError
from wheels.layout import PYTHON, SITE_PACKAGES
from wheels.set import settle
from wheels.wheel import read

from tests.uv.index import make_wheel, sha256
from tests.uv.wheels.tool import failed, run

ONE, OTHER, THIRD = (1, 1), (2, 1), (3, 1)


class Set:
    """What a run of the sub-command leaves."""

    def __init__(self, folder: Path, wheels: list[Path], **request: object) -> None:
        self.facts_file, self.lost_file = folder / "facts.json", folder / "lost.json"
        distributions = [
            {
                "name": wheel.name.split("-")[0].replace("_", "-"),
                "path": str(wheel),
                "requires": ["leaf"],
                "sha256": sha256(wheel),
                "version": wheel.name.split("-")[1],
                "wheel": wheel.name,
            }
            for wheel in wheels
        ]
        asked = {
            "collisions": "warn",
            "distributions": distributions,
            "platform": "linux/amd64",
            "winners": [],
            **request,
        }
        (folder / "request.json").write_text(json.dumps(asked))
        self.done = run("set", self.facts_file, self.lost_file, folder / "request.json")

    @property
    def lines(self) -> list[str]:
        assert self.done.returncode == 0, self.done.stderr
        return self.done.stderr.splitlines()

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.facts_file.read_text())
        return facts

    @property
    def lost(self) -> dict[str, list[str]]:
        lost: dict[str, list[str]] = json.loads(self.lost_file.read_text())
        return lost


def test_the_facts(folder: Path, tmp_path: Path) -> None:
    wheel = make_wheel(folder, "two-words", "1.0", metadata="License-Expression: MIT\n")
    made = Set(tmp_path, [wheel])
    assert made.lines == []
    assert made.lost == {}
    assert made.facts == {
        "distributions": [
            {
                "licence": "MIT",
                "name": "two-words",
                "requires": ["leaf"],
                "sha256": sha256(wheel),
                "version": "1.0",
                "wheel": wheel.name,
            }
        ],
        "platform": "linux/amd64",
    }


def test_the_name_that_comes_last_wins() -> None:
    owned = {"b": {"x": OTHER, "y": ONE}, "a": {"x": ONE, "y": ONE}}
    lost, lines = settle(owned, [])
    assert lost == {"a": ["x"]}
    assert lines == ["b and a both have x, with different content: b's is in the image."]


def test_winners_win_the_first_of_them_first() -> None:
    owned = {name: {"x": (number, 1)} for number, name in enumerate("abcd")}
    assert settle(owned, ["b", "a"])[0] == {"a": ["x"], "c": ["x"], "d": ["x"]}
    assert settle(owned, ["a", "b"])[0] == {"b": ["x"], "c": ["x"], "d": ["x"]}
    assert settle(owned, ["elsewhere"])[0] == {"a": ["x"], "b": ["x"], "c": ["x"]}


def test_the_same_bytes_are_nobodys_loss() -> None:
    assert settle({"a": {"x": ONE}, "b": {"x": ONE}}, []) == ({}, [])


def test_three_distributions_and_the_lines_say_who_is_in_the_image() -> None:
    owned = {"a": {"x": ONE, "y": ONE}, "b": {"x": OTHER}, "c": {"x": THIRD, "y": OTHER}}
    lost, lines = settle(owned, [])
    assert lost == {"a": ["x", "y"], "b": ["x"]}
    assert lines == [
        "c and a both have x and 1 more, with different content: c's is in the image.",
        "c and b both have x, with different content: c's is in the image.",
    ]


def test_who_has_the_winners_bytes_loses_nothing() -> None:
    assert settle({"a": {"x": ONE}, "b": {"x": OTHER}, "c": {"x": ONE}}, [])[0] == {"b": ["x"]}


@pytest.mark.parametrize("path", ["x/y", "x/y/z"])
def test_a_file_where_another_has_a_folder(path: str) -> None:
    for owned in ({"a": {"x": ONE}, "b": {path: ONE}}, {"b": {"x": ONE}, "a": {path: ONE}}):
        with pytest.raises(WheelError, match=r"has a file x, and . has a folder of that name"):
            settle(owned, [])


def test_collisions_that_are_errors(folder: Path, tmp_path: Path) -> None:
    wheels = [make_wheel(folder, name, "1.0", {"tests/x.py": name}) for name in ("a", "b")]
    made = Set(tmp_path, wheels, collisions="error")
    assert failed(made.done) == (
        f"b and a both have {SITE_PACKAGES}tests/x.py, with different content: b's is in the "
        'image. (collisions = "error")'
    )
    assert not made.facts_file.exists()
    assert not made.lost_file.exists()


def test_one_urllib3_beside_another(folder: Path, tmp_path: Path) -> None:
    """niquests beside requests: the fork of urllib3 brings its import name as well."""
    files = {f"urllib3/{name}.py": "the original\n" for name in ("__init__", "response", "util")}
    fork = files | {"urllib3/__init__.py": "the fork\n", "urllib3/response.py": "the fork\n"}
    wheels = [
        make_wheel(folder, "urllib3", "2.6", files),
        make_wheel(folder, "urllib3-future", "2.14", fork),
    ]
    changed = [f"{SITE_PACKAGES}urllib3/{name}.py" for name in ("__init__", "response")]
    said = (
        "INFO: {winner} and {loser} both have " + changed[0] + " and 1 more, with different "
        "content: {winner}'s is in the image."
    )
    made = Set(tmp_path, wheels)
    assert made.lines == [said.format(winner="urllib3-future", loser="urllib3")]
    assert made.lost == {"urllib3": changed}
    made = Set(tmp_path, wheels, winners=["urllib3"])
    assert made.lines == [said.format(winner="urllib3", loser="urllib3-future")]
    assert made.lost == {"urllib3-future": changed}


def entry_points(name: str, *lines: str) -> dict[str, str]:
    text = "\n".join(["[console_scripts]", *lines, ""])
    return {f"{name}.py": "", f"{name}-1.0.dist-info/entry_points.txt": text}


def test_console_scripts_are_files_that_are_yet_to_be_made(folder: Path, tmp_path: Path) -> None:
    wheels = [
        make_wheel(folder, "a", "1.0", entry_points("a", "same = x:main", "run = a:main")),
        make_wheel(folder, "b", "1.0", entry_points("b", "same = x:main [extra]", "run = b:main")),
        make_wheel(folder, "c", "1.0", {"c-1.0.data/scripts/same": "#!python\n"}),
    ]
    assert Set(tmp_path, wheels).lost == {"a": ["bin/run", "bin/same"], "b": ["bin/same"]}


def test_a_console_script_comes_before_a_script_of_the_wheels_own(folder: Path) -> None:
    files = entry_points("a", "run = a:main") | {"a-1.0.data/scripts/run": "#!python\n"}
    wheel = str(make_wheel(folder, "a", "1.0", files))
    assert sets.contents(wheel, "a 1.0")[0]["bin/run"][1] == -1
    assert read(wheel, "a 1.0").scripts == {"run": ("a", "main")}
    assert "bin/run" not in read(wheel, "a 1.0").files


def test_headers_have_a_folder_for_each_distribution(folder: Path, tmp_path: Path) -> None:
    wheels = [
        make_wheel(folder, name, "1.0", {f"{name}-1.0.data/headers/x.h": name}) for name in "ab"
    ]
    assert Set(tmp_path, wheels).lost == {}
    files, version, _ = sets.contents(str(wheels[0]), "a 1.0")
    assert version == "1.0"
    assert f"include/site/{PYTHON}/a/x.h" in files


def test_a_set_and_a_layer_see_the_same_paths(folder: Path) -> None:
    files = {
        **entry_points("pkg", "run = pkg:main", "own = pkg:main"),
        "pkg/__init__.py": "",
        "pkg/__pycache__/__init__.cpython-313.pyc": "",
        "pkg-1.0.dist-info/licenses/LICENSE": "",
        "pkg-1.0.dist-info/sub/RECORD": "",
        "pkg-1.0.data/scripts/own": "",
        "pkg-1.0.data/data/share/x": "",
        "pkg-1.0.data/headers/x.h": "",
        "pkg-1.0.data/platlib/y.so": "",
        "other-2.0.data/scripts/no-data": "",
    }
    path = str(make_wheel(folder, "pkg", "1.0", files))
    wheel = read(path, "pkg 1.0")
    seen = {*wheel.files, *(f"bin/{name}" for name in wheel.scripts)}
    assert set(sets.contents(path, "pkg 1.0")[0]) == seen
    assert f"{SITE_PACKAGES}other-2.0.data/scripts/no-data" in seen


def test_what_was_built_here_is_read_each_time(folder: Path, tmp_path: Path) -> None:
    """No digest tells one build from the next: a worker must not keep what it saw."""
    wheel = make_wheel(folder, "a", "1.0", {"x": "1"})
    request = {"name": "a", "path": str(wheel), "sha256": "", "version": "1.0", "wheel": "a.tar.gz"}
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps({"distributions": [request]}))
    sets.prepare(["", "", str(asked)])
    make_wheel(folder, "a", "1.0", {"y": "1"})
    sets.prepare(["", "", str(asked)])
    files, _, _ = sets._read[str(wheel), ""]
    assert f"{SITE_PACKAGES}y" in files


def test_a_wheel_that_is_damaged(folder: Path, tmp_path: Path) -> None:
    wheel = make_wheel(folder, "a", "1.0")
    wheel.write_bytes(wheel.read_bytes()[:100])
    assert failed(Set(tmp_path, [wheel]).done) == (
        "a 1.0: the wheel is damaged or is not a valid wheel (File is not a zip file)."
    )
