"""Says in words where two artifacts begin to differ: which layer, which entry, which field."""

from __future__ import annotations

import json
import os
import tarfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

# Of a tar entry, in the order in which a person asks.
_FIELDS = (
    ("type", "type"),
    ("mode", "mode"),
    ("uid", "uid"),
    ("gid", "gid"),
    ("uname", "owner's name"),
    ("gname", "group's name"),
    ("mtime", "modification time"),
    ("linkname", "link's target"),
    ("size", "size"),
)

# Of a value as it is shown, in characters.
_LONG = 100

_SPELLING = "the same values, spelt in another way"


@dataclass
class Difference:
    """The first one.

    Attributes:
        words: one line.
        files: the two files in which it lies, for a tool that looks deeper.
    """

    words: str
    files: tuple[str, str]


def first_difference(name: str, one: str, other: str) -> Difference | None:
    """Where the artifact at the two paths begins to differ; None if nowhere."""
    if os.path.isdir(one):
        return _layout(name, one, other)
    if _same(one, other):
        return None
    if name.endswith(".json"):
        with open(one, "rb") as first, open(other, "rb") as second:
            words = _json(json.load(first), json.load(second)) or _SPELLING
    elif name.endswith((".tar", ".tar.gz", ".tgz")):
        words = tars(one, other)
    else:
        words = _bytes(one, other)
    return Difference(f"{name}: {words}", (one, other))


def _layout(name: str, one: str, other: str) -> Difference | None:
    indexes = os.path.join(one, "index.json"), os.path.join(other, "index.json")
    first, second = (_load(path) for path in indexes)
    manifests = [
        os.path.join(layout, _path(document["manifests"][0]["digest"]))
        for layout, document in ((one, first), (other, second))
    ]
    if _same(*manifests):
        words = _json(first, second)
        return Difference(f"{name}: index.json: {words}", indexes) if words else None
    documents = [_load(path) for path in manifests]
    if "layers" in documents[0]:
        blobs = [
            [os.path.join(layout, _path(layer["digest"])) for layer in document["layers"]]
            for layout, document in zip((one, other), documents, strict=True)
        ]
        configs = [
            os.path.join(layout, _path(document["config"]["digest"]))
            for layout, document in zip((one, other), documents, strict=True)
        ]
        for number, (a, b) in enumerate(zip(*blobs, strict=False)):
            if not _same(a, b):
                made = _made_by(_load(configs[0]), number)
                return Difference(f"{name}: layer {number}{made}: {tars(a, b)}", (a, b))
        if not _same(*configs):
            words = _json(_load(configs[0]), _load(configs[1])) or _SPELLING
            return Difference(f"{name}: config: {words}", (configs[0], configs[1]))
    words = _json(documents[0], documents[1]) or _SPELLING
    return Difference(f"{name}: manifest: {words}", (manifests[0], manifests[1]))


def _made_by(config: dict[str, Any], number: int) -> str:
    """` (bazel build //image:image_app)`, or "" where the history doesn't say."""
    history = [entry for entry in config.get("history", []) if not entry.get("empty_layer")]
    made = history[number].get("created_by") if number < len(history) else None
    return f" ({made})" if made else ""


def tars(one: str, other: str) -> str:
    """Where two archives that aren't the same begin to differ."""
    try:
        with _plain(one) as first, _plain(other) as second:
            entries = zip(_entries(first), _entries(second), strict=False)
            count = 0
            for (a, a_content), (b, b_content) in entries:
                count += 1
                if words := _entry(a, a_content, b, b_content):
                    return words
        lengths = [_length(path) for path in (one, other)]
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        return f"{_bytes(one, other)}; not a tar that can be read ({error})"
    if lengths[0] != lengths[1]:
        return f"{lengths[0]} entries / {lengths[1]} entries, the same up to entry {count}"
    return f"the same entries, packed or compressed in another way: {_bytes(one, other)}"


def _length(path: str) -> int:
    with _plain(path) as tar:
        return sum(1 for _ in tar)


def _plain(path: str) -> tarfile.TarFile:
    return tarfile.open(path, "r|*")


def _entries(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    for member in tar:
        yield member, tar.extractfile(member) if member.isreg() else None  # type: ignore[misc]


def _entry(
    a: tarfile.TarInfo, a_content: BinaryIO | None, b: tarfile.TarInfo, b_content: BinaryIO | None
) -> str | None:
    if a.name != b.name:
        return f"entry {a.name} / entry {b.name} at the same place"
    for field, words in _FIELDS:
        left, right = getattr(a, field), getattr(b, field)
        if left != right:
            if field == "mode":
                left, right = f"{left:04o}", f"{right:04o}"
            elif field == "mtime":
                left, right = _time(left), _time(right)
            return f"entry {a.name}: {words} {_shown(left, right)}"
    if a.pax_headers != b.pax_headers:
        return f"entry {a.name}: pax headers {_json(a.pax_headers, b.pax_headers)}"
    if a_content and b_content:
        at = 0
        while left := a_content.read(1 << 16):
            right = b_content.read(1 << 16)
            if left != right:
                return f"entry {a.name}: content, {_unequal(left, right, at)}"
            at += len(left)
    return None


def _time(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, ValueError):
        return str(seconds)


def _json(one: Any, other: Any, path: str = "") -> str | None:
    """The first value that differs, by its path: `config.Env[2]: "A=1" / "A=2"`."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            here = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                return f"{here}: {'only' if key in one else 'not'} in the first"
            if words := _json(one[key], other[key], here):
                return words
        if list(one) != list(other):
            return f"{path or 'the object'}: the same keys in another order"
        return None
    if isinstance(one, list) and isinstance(other, list):
        for number, (left, right) in enumerate(zip(one, other, strict=False)):
            if words := _json(left, right, f"{path}[{number}]"):
                return words
        if len(one) != len(other):
            return f"{path}: {len(one)} elements / {len(other)} elements"
        return None
    if one != other or type(one) is not type(other):
        return f"{path}: {_shown(one, other)}"
    return None


def _shown(one: object, other: object) -> str:
    """`one / other`; of long values what is around the place where they begin to differ."""
    texts = [json.dumps(value, ensure_ascii=False, default=repr) for value in (one, other)]
    if max(map(len, texts)) > _LONG:
        pairs = enumerate(zip(*texts, strict=False))
        same = next((n for n, (a, b) in pairs if a != b), min(map(len, texts)))
        start = max(same - _LONG // 4, 0)
        texts = [("…" if start else "") + text[start : start + _LONG] for text in texts]
    return " / ".join(texts)


def _bytes(one: str, other: str) -> str:
    with open(one, "rb") as first, open(other, "rb") as second:
        at = 0
        while True:
            left, right = first.read(1 << 20), second.read(1 << 20)
            if left != right:
                return _unequal(left, right, at)
            if not left:
                return "no byte differs"
            at += len(left)


def _unequal(left: bytes, right: bytes, at: int) -> str:
    for number, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return f"byte {at + number} is {a:02x} / {b:02x}"
    shorter = "first" if len(left) < len(right) else "second"
    return f"the {shorter} ends at byte {at + min(len(left), len(right))}"


def _same(one: str, other: str) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        while True:
            left, right = first.read(1 << 20), second.read(1 << 20)
            if left != right:
                return False
            if not left:
                return True


def _load(path: str) -> dict[str, Any]:
    with open(path, "rb") as file:
        document: dict[str, Any] = json.load(file)
    return document


def _path(digest: str) -> str:
    return os.path.join("blobs", *digest.split(":", 1))
