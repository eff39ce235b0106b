"""What Bazel's account of a build's actions is read for."""

import json
from pathlib import Path
from typing import Any

import pytest
from reproduce import actions

ACTION: dict[str, Any] = {
    "mnemonic": "Layer",
    "targetLabel": "//image:layer",
    "commandArgs": ["layer", "--level=5"],
    "environmentVariables": [{"name": "PATH", "value": "/bin"}],
    "listedOutputs": ["layer.tar.gz"],
    "inputs": [{"path": name, "digest": {"hash": name}} for name in "abcde"],
}


def account(path: Path, *changes: dict[str, Any]) -> list[actions.Action]:
    """Read as Bazel writes it: one indented object after the other."""
    path.write_text("".join(json.dumps(ACTION | change, indent=2) + "\n" for change in changes))
    return actions.read(str(path))


def inputs(**digests: str) -> dict[str, Any]:
    return {"inputs": [{"path": path, "digest": {"hash": h}} for path, h in digests.items()]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"commandArgs": ["layer"]}, 'another command: ["layer", "--level=5"] / ["layer"]'),
        ({"environmentVariables": []}, 'another environment: [{"name": "PATH", "value": "/bin"}]'),
        ({"platform": {"properties": []}}, "another platform: null /"),
        (inputs(a="a", b="b", c="c", d="d", e="x"), "other inputs: e"),
        (inputs(a="a", b="b", c="c", d="d"), "other inputs: e (one build's)"),
        (inputs(a="1", b="2", c="3", d="4", e="5"), "other inputs: a, b, c and 2 more"),
        (
            {"inputs": [{"path": "a", "symlinkTargetPath": "/x"}]},
            "other inputs: a, b (one build's)",
        ),
        ({"listedOutputs": ["x"]}, "the first build has no such action"),
        ({}, "nothing that Bazel's log shows; is it one that may be cached?"),
    ],
)
def test_what_differs_is_named(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    first = account(tmp_path / "first", {})
    other = account(tmp_path / "other", change)
    (line,) = actions.misses(first, other)
    name = change.get("listedOutputs", ["layer.tar.gz"])[0]
    assert line.startswith(f"Layer //image:layer ({name}): {reason}")
    assert actions.count(other) == 0


def test_actions_with_one_reason_are_one_line(tmp_path: Path) -> None:
    names = [{"listedOutputs": [f"{n}.tar"]} for n in range(5)]
    first = account(tmp_path / "first", *names)
    more = inputs(a="x", b="b", c="c", d="d", e="e")
    hits = [{**names[0], "cacheHit": True}]
    other = account(tmp_path / "other", *hits, *(name | more for name in names[1:]))
    assert actions.count(other) == 1
    layers = [f"Layer //image:layer ({n}.tar)" for n in range(1, 4)]
    assert actions.misses(first, other) == [f"{', '.join(layers)} and 1 more: other inputs: a"]


def test_what_came_from_the_cache_is_no_miss(tmp_path: Path) -> None:
    other = account(tmp_path / "other", {"cacheHit": True, "commandArgs": ["x"]})
    assert actions.misses([], other) == []


def test_no_action_at_all(tmp_path: Path) -> None:
    assert account(tmp_path / "none") == []


@pytest.mark.parametrize("text", ["{", "no JSON", '{"mnemonic": "x"} {'])
def test_a_damaged_account(tmp_path: Path, text: str) -> None:
    (tmp_path / "damaged").write_text(text)
    with pytest.raises(ValueError, match="column"):
        actions.read(str(tmp_path / "damaged"))
