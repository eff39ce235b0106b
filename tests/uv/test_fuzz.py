"""What reads uv's words, wheels' metadata and locks, on anything: an answer, or an error of ours.

The same inputs in every run.
"""

import contextlib
import tempfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uv.private.install import cause, selected
from uv.private.lock_form import FormError, portable
from uv.private.settle import InstallError, generated_scripts, licence, undo_shebang

settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.load_profile("same")

LOCK = """\
version = 1
revision = 5

[[package]]
name = "leaf"
version = "1.1"
source = { registry = "https://user:fake@index.example/simple" }
sdist = { url = "https://index.example/leaf-1.1.tar.gz", hash = "sha256:DIGEST", size = 1 }
wheels = [
    { url = "https://index.example/leaf-1.1-py3-none-any.whl", hash = "sha256:DIGEST" },
]
""".replace("DIGEST", "0" * 64)


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """The text with one to four changes."""
    for where, gone, instead in draw(
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.text()), min_size=1, max_size=4)
    ):
        at = int(where * len(text))
        text = text[:at] + instead + text[at + gone :]
    return text


@given(changed(LOCK))
def test_a_portable_lock_never_has_an_address(text: str) -> None:
    with contextlib.suppress(FormError):
        assert "://index.example" not in portable(text)


@given(st.text())
def test_the_cause_is_one_line_without_an_address(said: str) -> None:
    log = f"error: {said}\n  cause: https://user:fake@index.example/simple {said}"
    sentence = cause(log, name="n", platform="p", python="3", most="1")
    assert "\n" not in sentence
    assert "fake@" not in sentence


@given(st.text(), st.dictionaries(st.text(), st.just("0" * 64), max_size=3))
def test_the_wheel_that_uv_took_is_one_of_the_lock(log: str, wheels: dict[str, str]) -> None:
    with contextlib.suppress(InstallError):
        assert selected(f"Selecting: x [compatible] ({log}.whl)", wheels) in wheels


@given(st.binary())
def test_a_licence_is_one_line(content: bytes) -> None:
    metadata: Message = BytesParser().parsebytes(b"License: " + content, headersonly=True)
    assert len(licence(metadata).splitlines()) <= 1


@given(st.binary())
def test_a_script_keeps_what_follows_its_first_line(content: bytes) -> None:
    assert undo_shebang(b"#!/bin/sh\n" + content).endswith(content.split(b"\n")[-1])


@pytest.mark.parametrize("head", [b"", b"[console_scripts]\n"])
@given(content=st.binary())
def test_entry_points_give_names_or_an_error_of_ours(head: bytes, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InstallError):
        Path(folder, "entry_points.txt").write_bytes(head + content)
        generated_scripts(Path(folder))
