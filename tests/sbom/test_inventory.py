"""The bill and the image hold the same distributions, or there is no bill."""

from pathlib import Path
from typing import Any

import pytest
from bill import cyclonedx, inventory, spdx
from bill.errors import BillError
from bill.layout import Layout

from tests.sbom.layouts import Files, layout

VENV = "app/.venv"
SITE = f"{VENV}/lib/python3.13/site-packages"


def fact(name: str, version: str = "1.0", licence: str = "MIT") -> dict[str, Any]:
    return {
        "licence": licence,
        "name": name,
        "requires": [],
        "sha256": "0" * 64,
        "version": version,
        "wheel": f"{name}-{version}-py3-none-any.whl",
    }


def image(tmp_path: Path, *names: str, base: Files | None = None) -> Layout:
    metadata = {f"{SITE}/{name}.dist-info/METADATA": b"" for name in names}
    return Layout(layout(tmp_path, [base or {}, {f"{VENV}/pyvenv.cfg": b"", **metadata}]))


def test_names_are_compared_normalised(tmp_path: Path) -> None:
    taken = inventory.take(image(tmp_path, "Two_Words-1.0"), [fact("two-words")], [])
    assert [component.purl for component in taken.components] == ["pkg:pypi/two-words@1.0"]


@pytest.mark.parametrize(
    ("there", "locked", "message"),
    [
        (["a-1.0", "b-1.0"], ["a"], "b 1.0: in the image but not among the locked"),
        (["a-1.0"], ["a", "b"], "b 1.0: locked but not in the image"),
        (["a-2.0"], ["a"], "a 2.0: in the image but not among the locked"),
    ],
)
def test_a_difference_is_refused(
    tmp_path: Path, there: list[str], locked: list[str], message: str
) -> None:
    with pytest.raises(BillError, match=message):
        inventory.take(image(tmp_path, *there), [fact(name) for name in locked], [])


@pytest.mark.parametrize(
    ("direct_url", "is_project"),
    [
        (b'{"dir_info": {"editable": true}, "url": "file:///app"}', True),
        (b'{"dir_info": {"editable": false}, "url": "file:///app"}', False),
        (b'{"url": "https://example.org/shop.whl"}', False),
        (b"[]", False),
        (b"{", False),
    ],
)
def test_the_project_itself_is_in_no_lock(
    tmp_path: Path, direct_url: bytes, is_project: bool
) -> None:
    """It is installed where it lies, and the bill is of all of it."""
    base = {f"{SITE}/shop-1.0.dist-info/direct_url.json": direct_url}
    layout_ = image(tmp_path, "a-1.0", "shop-1.0", base=base)
    if is_project:
        taken = inventory.take(layout_, [fact("a")], [])
        assert [component.name for component in taken.components] == ["a"]
    else:
        with pytest.raises(BillError, match=r"shop 1\.0: in the image but not among the locked"):
            inventory.take(layout_, [fact("a")], [])


def test_the_base_has_distributions_of_its_own(tmp_path: Path) -> None:
    path = "usr/local/lib/python3.13/site-packages/pip-25.1.dist-info/METADATA"
    base = {path: b"Name: pip\nLicense: MIT\n\nThe package installer.\n"}
    taken = inventory.take(image(tmp_path, "pip-26.0", base=base), [fact("pip", "26.0")], [])
    assert [(one.ref, one.purl, one.licences, one.sha256) for one in taken.components] == [
        ("base-pypi-pip-25.1", "pkg:pypi/pip@25.1", ("MIT",), ""),
        ("pypi-pip", "pkg:pypi/pip@26.0", ("MIT",), "0" * 64),
    ]


def test_an_interpreter_from_no_package(tmp_path: Path) -> None:
    header = b'/* Version as a string */\n#define PY_VERSION      \t"3.13.14"\n'
    base = {"usr/local/include/python3.13/patchlevel.h": header}
    taken = inventory.take(image(tmp_path, "a-1.0", base=base), [fact("a")], [])
    assert [component.purl for component in taken.components] == [
        "pkg:generic/python@3.13.14",
        "pkg:pypi/a@1.0",
    ]


def test_the_order_of_the_facts_does_not_matter(tmp_path: Path) -> None:
    layout_ = image(tmp_path, "a-1.0", "b-1.0")
    one = inventory.take(layout_, [fact("a"), fact("b")], [])
    other = inventory.take(layout_, [fact("b"), fact("a")], [])
    assert spdx.document(one) == spdx.document(other)
    assert cyclonedx.document(one) == cyclonedx.document(other)


def test_a_licence_that_is_no_expression_keeps_its_words(tmp_path: Path) -> None:
    taken = inventory.take(image(tmp_path, "a-1.0"), [fact("a", licence="Do as you like")], [])
    document = spdx.document(taken)
    assert document["packages"][1]["licenseDeclared"] == "LicenseRef-Do-as-you-like"
    assert document["hasExtractedLicensingInfos"][0]["extractedText"] == "Do as you like"
    component = cyclonedx.document(taken)["components"][0]
    assert component["licenses"][0]["license"]["name"] == "Do as you like"
