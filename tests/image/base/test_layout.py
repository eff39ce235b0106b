"""Layers are applied as an engine would: later ones replace and hide what earlier ones brought."""

from pathlib import Path

import pytest

from tests.image.base.layout import Layout
from tests.sbom.layouts import Files, layer, layout


def unpacked(folder: Path, *layers: Files) -> dict[str, str]:
    """The files and links that are there in the end, with their content or target."""
    root = folder / "root"
    root.mkdir()
    Layout(layout(folder / "image", layers)).unpack(root)
    return {
        str(path.relative_to(root)): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def test_a_whiteout_hides_a_lower_file_or_folder(tmp_path: Path) -> None:
    lower = {"gone": b"1", "d/gone": b"1", "d/kept": b"1", "e/x": b"1"}
    upper = {".wh.gone": b"", "d/.wh.gone": b"", ".wh.e": b"", ".wh.never": b""}
    assert unpacked(tmp_path, lower, upper) == {"d/kept": "1"}


def test_an_opaque_folder_hides_the_lower_ones_content_alone(tmp_path: Path) -> None:
    lower = {"d/x": b"1", "d/.hidden": b"1", "d/e/f": b"1"}
    upper = {"d/y": b"2", "d/.wh..wh..opq": b""}
    assert unpacked(tmp_path, lower, upper) == {"d/y": "2"}


def test_a_whiteout_and_a_new_file_of_that_name(tmp_path: Path) -> None:
    assert unpacked(tmp_path, {"a/x": b"1"}, {"a": b"2", ".wh.a": b""}) == {"a": "2"}


def test_links_and_folders_are_replaced_and_not_written_through(tmp_path: Path) -> None:
    lower: Files = {"real": b"1", "link": "real", "folder/x": b"1"}
    upper: Files = {"link": b"2", "folder": "real"}
    assert unpacked(tmp_path, lower, upper) == {"real": "1", "link": "2", "folder": "real"}


def test_a_file_below_a_link_to_a_folder_goes_there(tmp_path: Path) -> None:
    assert unpacked(tmp_path, {"usr/bin/a": b"1", "bin": "usr/bin"}, {"bin/b": b"2"}) == {
        "usr/bin/a": "1",
        "usr/bin/b": "2",
        "bin": "usr/bin",
    }


@pytest.mark.parametrize("lower", [{}, {"out": "../outside"}])
def test_nothing_comes_to_lie_outside(tmp_path: Path, lower: Files) -> None:
    (tmp_path / "outside").mkdir()
    with pytest.raises(AssertionError):
        unpacked(tmp_path, lower, {"out/x" if lower else "../outside/x": b"1"})
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        ({"gone": b"1", "d/gone": b"1", "k": b"1"}, {".wh.gone": b"", "d/.wh.gone": b""}, "k"),
        ({"e/x": b"1", "ef": b"1"}, {".wh.e": b"", "e/y": b"2"}, "e/y ef"),
        ({"d/x": b"1", "d/e/f": b"1", "g": b"1"}, {"d/y": b"2", "d/.wh..wh..opq": b""}, "d/y g"),
        ({"x": b"1"}, {".wh..wh..opq": b"", "y": b"2"}, "y"),
        ({"a": b"1"}, {".wh.a": b"", "a": b"2"}, "a"),
        ({"f": "x", "f/x": b"1"}, {"f": "real"}, "f"),
        ({"./a": b"1"}, {"./a": b"2"}, "a"),
    ],
)
def test_files_are_those_that_a_container_sees(
    tmp_path: Path, lower: Files, upper: Files, expected: str
) -> None:
    files = Layout(layout(tmp_path, [lower, upper])).files()
    assert " ".join(sorted(files)) == expected


def test_a_layer_that_is_no_gzip_and_a_name_from_the_current_folder(tmp_path: Path) -> None:
    plain = layer({"./a": b"1"})
    assert plain[:2] != b"\x1f\x8b"
    assert Layout(layout(tmp_path, [plain])).read("a") == b"1"
