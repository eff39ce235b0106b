"""The wheel tool's parsers on the corpus and on what comes of it by a few changes.

The changes are the same in every run. HYPOTHESIS_EXAMPLES=20000 in the environment looks further.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.uv.wheels.parsers import CORPUS, PARSERS, corpus, run

_INPUTS = [path for parser in PARSERS for path in corpus(parser)]

# Where (of the whole, from 0 to 1), how many bytes go, and what comes instead.
_CHANGE = st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=40))


@pytest.mark.parametrize("path", _INPUTS, ids=[f"{p.parent.name}-{p.name}" for p in _INPUTS])
def test_the_corpus(path: Path) -> None:
    run(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("parser", PARSERS)
@settings(
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "300")),
    deadline=None,
    derandomize="HYPOTHESIS_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_changed_inputs(parser: str, data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(corpus(parser))).read_bytes()
    for where, gone, instead in data.draw(st.lists(_CHANGE, min_size=1, max_size=4)):
        at = int(where * len(content))
        content = content[:at] + instead + content[at + gone :]
    run(parser, content)


@pytest.mark.parametrize("parser", ["wheel", "source"])
@settings(
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "300")),
    deadline=None,
    derandomize="HYPOTHESIS_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_changed_bytes(parser: str, data: st.DataObject) -> None:
    """In place, so that every offset in the archive still holds."""
    content = bytearray(data.draw(st.sampled_from(corpus(parser))).read_bytes())
    places = st.integers(0, len(content) - 1)
    for at, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        content[at] = byte
    run(parser, bytes(content))


def test_every_parser_has_a_corpus_and_every_corpus_a_parser() -> None:
    assert {path.name for path in CORPUS.iterdir()} == PARSERS.keys()
    assert all(corpus(parser) for parser in PARSERS)
