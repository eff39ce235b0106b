"""SPDX expressions out of what packages say."""

import pytest
from bill import licences
from bill.audit import allows
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("MIT License", "MIT"),
        ("Expat", "MIT"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1+ or MIT", "LGPL-2.1-or-later OR MIT"),
        ("( MIT  or Apache-2.0 ) and ISC", "(MIT OR Apache-2.0) AND ISC"),
        ("GPL-3+ with GCC-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1"),
        ("BSD License", None),  # which one?
        ("GPL", None),
        ("MIT OR", None),
        ("MIT)", None),
        ("(MIT", None),
        ("", None),
        ("MIT MIT", None),
        ("GPL-3+ with MIT", None),
    ],
)
def test_expression(text: str, expected: str | None) -> None:
    assert licences.expression(text) == expected


def test_reference_has_only_allowed_characters() -> None:
    assert licences.reference("see /usr/share/x (all)") == "LicenseRef-see-usr-share-x-all"
    assert licences.reference("…") == "LicenseRef-unnamed"


_WORDS = st.sampled_from(
    ["MIT", "ISC", "GPL-2+", "AND", "OR", "WITH", "(", ")", "LLVM-exception", "x"]
)


@given(st.lists(_WORDS).map(" ".join))
def test_what_is_taken_for_an_expression_can_be_judged_and_is_a_fixed_point(text: str) -> None:
    expression = licences.expression(text)
    if expression is not None:
        assert licences.expression(expression) == expression
        assert allows(expression, lambda _: True)
        assert not allows(expression, lambda _: False)


def test_and_needs_all_and_or_needs_one() -> None:
    def mit(identifier: str) -> bool:
        return identifier == "MIT"

    assert allows("MIT OR GPL-2.0-only", mit)
    assert not allows("MIT AND GPL-2.0-only", mit)
    assert allows("MIT AND (GPL-2.0-only OR MIT)", mit)
    assert not allows("(MIT OR ISC) AND GPL-2.0-only", mit)
    assert allows("GPL-2.0-only AND ISC OR MIT", mit)
