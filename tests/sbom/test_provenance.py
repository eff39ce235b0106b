"""The provenance says what is known and nothing else."""

import hashlib
from pathlib import Path

from bill import provenance
from bill.layout import Layout

from tests.sbom.layouts import layout


def image(tmp_path: Path) -> Layout:
    return Layout(layout(tmp_path, [], {"org.opencontainers.image.title": "shop"}))


def test_statement(tmp_path: Path) -> None:
    subject = image(tmp_path)
    statement = provenance.statement(
        subject,
        base="sha256:" + "b" * 64,
        target="//image",
        materials={"uv.lock": hashlib.sha256(b"").hexdigest()},
        status={
            "STABLE_SOURCE_REVISION": "c" * 40,
            "STABLE_SOURCE_URI": "https://git.example/shop",
            "STABLE_BUILDER_ID": "https://ci.example/runner",
        },
    )
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"] == [
        {"name": "shop", "digest": {"sha256": subject.digest.removeprefix("sha256:")}}
    ]
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == {"target": "//image", "platform": "linux/amd64"}
    assert definition["resolvedDependencies"] == [
        {"uri": "file:uv.lock", "digest": {"sha256": hashlib.sha256(b"").hexdigest()}},
        {"name": "base image", "digest": {"sha256": "b" * 64}},
        {
            "name": "source",
            "digest": {"gitCommit": "c" * 40},
            "uri": f"git+https://git.example/shop@{'c' * 40}",
        },
    ]
    assert statement["predicate"]["runDetails"]["builder"]["id"] == "https://ci.example/runner"


def test_a_changed_checkout_is_no_commits_build(tmp_path: Path) -> None:
    statement = provenance.statement(
        image(tmp_path),
        base="sha256:b",
        target="//image",
        materials={},
        status={"STABLE_SOURCE_REVISION": "c" * 40 + "-dirty"},
    )
    source = statement["predicate"]["buildDefinition"]["resolvedDependencies"][1]
    assert source == {
        "name": "source",
        "digest": {"gitCommit": "c" * 40},
        "annotations": {"dirty": True},
    }


def test_without_a_revision_no_source_is_claimed(tmp_path: Path) -> None:
    statement = provenance.statement(
        image(tmp_path), base="sha256:b", target="//image", materials={}, status={}
    )
    names = [
        one.get("name") for one in statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    ]
    assert names == ["base image"]
    assert statement["predicate"]["runDetails"]["builder"]["id"] == "urn:fastapi-image:local"
