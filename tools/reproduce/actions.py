"""Which actions of a build were not taken from its cache, and by what they differ from the first's.

Reads Bazel's own account of what it ran, `--execution_log_json_file`: a JSON object for each action
that starts a process. What Bazel does by itself, such as links, is in no cache and not in there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

Action = dict[str, Any]

# Actions and files that are named, of what can be hundreds.
_MOST = 3


def read(path: str) -> list[Action]:
    """The actions of one build.

    Raises:
        ValueError: the file isn't such an account.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # One object after the other; of the thousands of inputs of each, no more than is compared.
    decoder = json.JSONDecoder()
    actions, at, end = [], 0, len(text.rstrip())
    while at < end:
        action, at = decoder.raw_decode(text, at)
        action["inputs"] = _inputs(action)
        actions.append(action)
        while at < end and text[at].isspace():
            at += 1
    return actions


def misses(first: list[Action], other: list[Action]) -> list[str]:
    """A line for each reason why actions of `other` were run: how many, which, what differs."""
    before = {_name(action): action for action in first}
    reasons: dict[str, list[str]] = {}
    for action in other:
        if not action.get("cacheHit"):
            name = _name(action)
            reason = "; ".join(_differences(before.get(name), action))
            reasons.setdefault(reason, []).append(name)
    return [f"{_some(names)}: {reason}" for reason, names in reasons.items()]


def count(done: list[Action]) -> int:
    """How many of the actions came from a cache."""
    return sum(bool(action.get("cacheHit")) for action in done)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _name(action: Action) -> str:
    outputs = action.get("listedOutputs") or action.get("commandArgs") or [""]
    return f"{action.get('mnemonic')} {action.get('targetLabel')} ({outputs[0]})"


def _differences(before: Action | None, after: Action) -> Iterator[str]:
    if before is None:
        yield "the first build has no such action"
        return
    found = False
    for field, words in (
        ("commandArgs", "command"),
        ("environmentVariables", "environment"),
        ("platform", "platform"),
        ("listedOutputs", "outputs"),
    ):
        if before.get(field) != after.get(field):
            found = True
            yield f"another {words}: {_short(before.get(field))} / {_short(after.get(field))}"
    one, two = before["inputs"], after["inputs"]
    paths = sorted(path for path in one | two if one.get(path) != two.get(path))
    if paths:
        found = True
        yield "other inputs: " + _some(
            [path if path in one and path in two else f"{path} (one build's)" for path in paths]
        )
    if not found:
        yield "nothing that Bazel's log shows; is it one that may be cached?"


def _inputs(action: Action) -> dict[str, str]:
    """Path → hash, or where a link leads."""
    return {
        sys.intern(each["path"]): sys.intern(
            each.get("digest", {}).get("hash") or each.get("symlinkTargetPath", "")
        )
        for each in action.get("inputs", [])
    }


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
