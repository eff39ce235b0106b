"""The image has the digests that the sources say it has, and what says so can be trusted."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from reproduce import accept, digests

EXPECTED = Path("image/expected_digests.txt")
ARTIFACTS = os.environ["ARTIFACTS"].split()
MODE = os.environ["MODE"]

A, B = ("sha256:" + letter * 64 for letter in "ab")


def test_the_digests_are_the_expected_ones() -> None:
    expected = digests.parse(EXPECTED.read_text()).get(MODE)
    if not expected:
        pytest.skip(f"{EXPECTED} has no digests of {MODE} mode: NOTHING was compared")
    problem = digests.changed(expected, digests.read(ARTIFACTS, "image"))
    if problem:
        pytest.fail(problem, pytrace=False)


def test_images_index_archives_and_bills_of_both_platforms_are_held() -> None:
    assert list(digests.read(ARTIFACTS, "image")) == [
        "image_index",
        *(
            name
            for cpu in ("amd64", "arm64")
            for name in (f"image_linux_{cpu}", f"image_linux_{cpu}_archive/tarball.tar")
        ),
        *(
            f"image_sbom_linux_{cpu}.{format}.json"
            for cpu in ("amd64", "arm64")
            for format in ("cdx", "spdx")
        ),
    ]


def test_the_file_reads_back_as_it_was_written() -> None:
    modes = {"hub": {"x": A}, "mirror": {"x": B, "y/z.tar": A}}
    assert digests.parse(digests.write(modes)) == modes
    assert EXPECTED.read_text() == digests.write(digests.parse(EXPECTED.read_text()))


def test_a_damaged_file_is_one_line() -> None:
    with pytest.raises(digests.DigestsError, match="line 2 isn't `MODE NAME sha256:…`: mirror x"):
        digests.parse("# head\nmirror x sha256:123\n")


@pytest.mark.parametrize(
    ("expected", "found", "names"),
    [
        ({"x": A, "y": A}, {"x": B, "y": A}, "x"),
        ({"x": A}, {"x": A, "y": A}, "y"),
        ({"x": A, "y": A}, {}, "x, y"),
    ],
)
def test_a_change_names_what_changed_and_the_command(
    expected: digests.Digests, found: digests.Digests, names: str
) -> None:
    problem = digests.changed(expected, found)
    assert problem is not None
    assert f"other than in image/expected_digests.txt: {names}." in problem
    assert "`bazel run //image:accept_digests`" in problem
    assert "\n" not in problem


def test_no_change_is_no_problem() -> None:
    assert digests.changed({"x": A}, {"x": A}) is None


def test_accept_rewrites_its_own_modes_lines_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    file = tmp_path / "shop/expected_digests.txt"
    file.parent.mkdir()
    file.write_text(digests.write({"hub": {"bill.json": A}, "mirror": {"bill.json": B}}))
    bill = tmp_path / "bin/shop/bill.json"
    layout = tmp_path / "bin/shop/index"
    layout.mkdir(parents=True)
    bill.write_bytes(b"{}")
    (layout / "index.json").write_text(json.dumps({"manifests": [{"digest": A}]}))
    arguments = ["--mode=mirror", "--package=shop", str(bill), str(layout)]
    found = "sha256:" + hashlib.sha256(b"{}").hexdigest()
    assert accept.main(arguments) == 0
    assert capsys.readouterr().out == f"bill.json: {B} -> {found}\nindex: none -> {A}\n"
    assert digests.parse(file.read_text()) == {
        "hub": {"bill.json": A},
        "mirror": {"bill.json": found, "index": A},
    }
    assert accept.main(arguments) == 0
    assert "holds these digests already" in capsys.readouterr().out


def test_accept_without_a_build_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    assert accept.main(["--mode=hub", "--package=shop", str(tmp_path / "shop/none")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is neither a file nor an OCI layout" in error
