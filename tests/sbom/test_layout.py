"""Reading an image's files from its layers."""

from pathlib import Path

import pytest
from bill.errors import BillError
from bill.layout import Layout

from tests.sbom.layouts import layout


def everything(path: str) -> bool:
    return bool(path)


def test_upper_layers_and_whiteouts_win(tmp_path: Path) -> None:
    image = Layout(
        layout(
            tmp_path,
            [
                {"a": b"old", "gone": b"1", "d/x": b"1", "d/y": b"1", "e/x": b"1"},
                {"./a": b"new", ".wh.gone": b"", "d/.wh..wh..opq": b"", ".wh.e": b"", "d/z": b"2"},
            ],
        )
    )
    assert image.files(everything) == {"a": b"new", "d/z": b"2"}


def test_links_are_followed(tmp_path: Path) -> None:
    image = Layout(layout(tmp_path, [{"a": b"1", "hard": None, "l": "a", "f/g": b"2", "k": "/f"}]))
    assert image.files(everything) == {
        "a": b"1",
        "hard": b"1",
        "l": b"1",
        "f/g": b"2",
        "k/g": b"2",
    }


def test_a_link_to_itself_ends(tmp_path: Path) -> None:
    assert Layout(layout(tmp_path, [{"a": "a", "b": "c", "c": "b"}])).files(everything) == {}


@pytest.mark.parametrize("index", ["", "{}", '{"manifests": []}', '{"manifests": [1]}', "[]"])
def test_what_is_no_layout_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(BillError, match="isn't the OCI layout of one image"):
        Layout(tmp_path)


def test_a_damaged_layer_is_named(tmp_path: Path) -> None:
    image = Layout(layout(tmp_path, [b"\x1f\x8b not gzip at all"]))
    with pytest.raises(BillError, match=r"layer sha256:[0-9a-f]{64} .* can't be read"):
        image.files(everything)
