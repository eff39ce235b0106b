"""Where two artifacts begin to differ, in words."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from reproduce.compare import first_difference, tars

Entry = tuple[str, bytes, dict[str, Any]]


def tar(*entries: Entry, mtime: int = 0) -> bytes:
    """A gzipped tar of (name, content, other fields)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content, fields in entries:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=mtime)


def layout(folder: Path, layers: Sequence[bytes], **config: Any) -> Path:
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def add(content: bytes) -> dict[str, Any]:
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"digest": f"sha256:{name}", "size": len(content)}

    history = [{"created_by": "base", "empty_layer": True}]
    history += [{"created_by": f"bazel build //:l{n}"} for n in range(len(layers))]
    document = {"config": {"Env": ["A=1"]}, "history": history, **config}
    manifest = {
        "config": add(json.dumps(document).encode()),
        "layers": [add(layer) for layer in layers],
    }
    index = {"manifests": [add(json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


ENTRY: Entry = ("app/main.py", b"one\ntwo\n", {})


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (("app/main.py", b"one\ntwO\n", {}), "entry app/main.py: content, byte 6 is 6f / 4f"),
        (("app/main.py", b"one\n", {}), "entry app/main.py: size 8 / 4"),
        (("app/main.py", b"one\ntwo\n", {"mode": 0o600}), 'mode "0644" / "0600"'),
        (
            ("app/main.py", b"one\ntwo\n", {"mtime": 9}),
            'modification time "1970-01-01 00:00:00 UTC" / "1970-01-01 00:00:09 UTC"',
        ),
        (("app/main.py", b"one\ntwo\n", {"uid": 7}), "uid 0 / 7"),
        (("app/main.py", b"one\ntwo\n", {"gname": "x"}), 'group\'s name "" / "x"'),
        (("app/mein.py", b"one\ntwo\n", {}), "entry app/main.py / entry app/mein.py at the same"),
        (
            ("app/main.py", b"one\ntwo\n", {"pax_headers": {"comment": "x"}}),
            "pax headers comment: not in the first",
        ),
    ],
)
def test_the_entry_and_the_field_of_an_archive(tmp_path: Path, other: Entry, words: str) -> None:
    one, two = tmp_path / "1.tar", tmp_path / "2.tar"
    one.write_bytes(tar(("a", b"x", {}), ENTRY, ("z", b"1", {})))
    two.write_bytes(tar(("a", b"x", {}), other, ("z", b"2", {})))
    assert words in tars(str(one), str(two))


def test_one_entry_more(tmp_path: Path) -> None:
    one, two = tmp_path / "1.tar", tmp_path / "2.tar"
    one.write_bytes(tar(ENTRY))
    two.write_bytes(tar(ENTRY, ("z", b"", {})))
    assert tars(str(one), str(two)) == "1 entries / 2 entries, the same up to entry 1"


def test_the_same_entries_compressed_in_another_way(tmp_path: Path) -> None:
    one, two = tmp_path / "1.tar", tmp_path / "2.tar"
    one.write_bytes(tar(ENTRY))
    two.write_bytes(tar(ENTRY, mtime=5))
    words = "the same entries, packed or compressed in another way: byte 4 is 00 / 05"
    assert tars(str(one), str(two)) == words


def test_no_archive_at_all(tmp_path: Path) -> None:
    one, two = tmp_path / "1.tar", tmp_path / "2.tar"
    one.write_bytes(b"abc")
    two.write_bytes(b"abd")
    assert tars(str(one), str(two)).startswith("byte 2 is 63 / 64; not a tar that can be read")


def test_the_layer_of_an_image_and_what_made_it(tmp_path: Path) -> None:
    one = layout(tmp_path / "1", [tar(("a", b"x", {})), tar(ENTRY)])
    two = layout(tmp_path / "2", [tar(("a", b"x", {})), tar(("app/main.py", b"one", {}))])
    found = first_difference("image", str(one), str(two))
    assert found is not None
    assert found.words == "image: layer 1 (bazel build //:l1): entry app/main.py: size 8 / 3"
    assert all(Path(file).is_file() for file in found.files)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"config": {"Env": ["A=2"]}}, 'image: config: config.Env[0]: "A=1" / "A=2"'),
        ({"config": {"Env": ["A=1", "B"]}}, "image: config: config.Env: 1 elements / 2 elements"),
        ({"created": "now"}, "image: config: created: not in the first"),
    ],
)
def test_the_field_of_an_images_config(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    one = layout(tmp_path / "1", [tar(ENTRY)])
    two = layout(tmp_path / "2", [tar(ENTRY)], **config)
    found = first_difference("image", str(one), str(two))
    assert found is not None
    assert found.words == words


def test_a_json_file(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text('{"a": 1, "b": {"c": [1, true]}}')
    two.write_text('{"a": 1, "b": {"c": [1, 1]}}')
    found = first_difference("bill.json", str(one), str(two))
    assert found is not None
    assert found.words == "bill.json: b.c[1]: true / 1"
    two.write_text('{"b": {"c": [1, true]}, "a": 1}')
    found = first_difference("bill.json", str(one), str(two))
    assert found is not None
    assert found.words == "bill.json: the object: the same keys in another order"
    two.write_text('{"a":1, "b": {"c": [1, true]}}')
    found = first_difference("bill.json", str(one), str(two))
    assert found is not None
    assert found.words == "bill.json: the same values, spelt in another way"


def test_long_values_are_shown_where_they_differ(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text(json.dumps({"a": "x" * 500 + "1"}))
    two.write_text(json.dumps({"a": "x" * 500 + "2"}))
    found = first_difference("bill.json", str(one), str(two))
    assert found is not None
    assert found.words == f'bill.json: a: …{"x" * 25}1" / …{"x" * 25}2"'


def test_nothing_differs(tmp_path: Path) -> None:
    one, two = (layout(tmp_path / name, [tar(ENTRY)]) for name in "12")
    assert first_difference("image", str(one), str(two)) is None
    assert first_difference("x.tar", str(one / "index.json"), str(two / "index.json")) is None
