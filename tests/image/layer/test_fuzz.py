"""The layer tool's parsers on the corpus and on what comes of it by a few changes.

The changes are the same in every run; `bazel run //tests/image/layer:fuzz` looks further.
"""

import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.image.layer.parsers import CORPUS, PARSERS, corpus, run

_INPUTS = [path for parser in PARSERS for path in corpus(parser)]

# Where (of the whole, from 0 to 1), how many bytes go, and what comes instead.
_CHANGE = st.tuples(st.floats(0, 1), st.integers(0, 64), st.binary(max_size=64))


@pytest.fixture(autouse=True)
def quiet() -> None:
    """A module's doubtful escape sequences are warnings, which pytest makes errors."""
    warnings.simplefilter("ignore")


@pytest.mark.parametrize("path", _INPUTS, ids=[f"{p.parent.name}-{p.name}" for p in _INPUTS])
def test_the_corpus(path: Path) -> None:
    run(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("parser", PARSERS)
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_changed_inputs(parser: str, data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(corpus(parser))).read_bytes()
    for where, gone, instead in data.draw(st.lists(_CHANGE, min_size=1, max_size=4)):
        at = int(where * len(content))
        content = content[:at] + instead + content[at + gone :]
    run(parser, content)


def test_every_parser_has_a_corpus_and_every_corpus_a_parser() -> None:
    assert {path.name for path in CORPUS.iterdir()} == PARSERS.keys()
    assert all(corpus(parser) for parser in PARSERS)
