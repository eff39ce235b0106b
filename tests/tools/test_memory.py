"""Tests get a /tmp in memory, and only where nothing that Bazel works on lies there."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.tools.machine import Machine

OPTION = "--sandbox_tmpfs_path=/tmp"
BELOW = "/tmp/x"  # noqa: S108 - nothing is made there


@pytest.fixture
def hub() -> Iterator[Machine]:
    """Outside of /tmp, unlike what a test's own folder may be."""
    with TemporaryDirectory(dir=os.environ["TEST_TMPDIR"]) as folder:
        if Path(folder).resolve().is_relative_to(Path(BELOW).parent):
            pytest.skip("this test itself runs below /tmp")
        yield _hub(Path(folder))


def _hub(folder: Path) -> Machine:
    machine = Machine(folder)
    machine.user_bazelrc.write_text("common --config=hub\n")
    machine.program("bazel", 'echo "$*"')
    return machine


def test_behind_the_command(hub: Machine) -> None:
    said = hub.run("--batch", "test", "//...", "--", "-//:x").stdout
    assert said == f"--batch test {OPTION} //... -- -//:x\n"


@pytest.mark.parametrize("words", [("build", "//..."), ("run", "//:test"), ("info",), ()])
def test_no_other_command_gets_it(hub: Machine, words: tuple[str, ...]) -> None:
    assert hub.run(*words).stdout == " ".join(words) + "\n"


def test_not_where_the_cache_is_below_tmp(hub: Machine) -> None:
    assert hub.run("test", "//...", HOME=BELOW).stdout == "test //...\n"
    assert hub.run("test", "//...", XDG_CACHE_HOME=BELOW).stdout == "test //...\n"


def test_not_where_the_output_is_below_tmp(hub: Machine) -> None:
    said = hub.run("--output_base=/tmp/x", "test", "//...").stdout
    assert said == "--output_base=/tmp/x test //...\n"


def test_not_where_the_checkout_is_below_tmp() -> None:
    with TemporaryDirectory(dir=Path(BELOW).parent) as folder:
        assert _hub(Path(folder)).run("test", "//...", HOME="/nowhere").stdout == "test //...\n"
