"""The bills of materials are valid, complete and the same as the locks."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from bill.layout import Layout
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

PLATFORMS = ("linux_amd64", "linux_arm64")


def image(platform: str) -> Layout:
    return Layout(Path(f"image/image_{platform}"))


def path(platform: str, extension: str) -> Path:
    return Path(f"image/image_sbom_{platform}.{extension}.json")


def components(platform: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path(platform, "cdx").read_bytes())["components"]
    return found


def locked(platform: str) -> list[dict[str, Any]]:
    """The distributions of the lock; a base may have some of its own."""
    return [one for one in components(platform) if one["bom-ref"].startswith("pypi-")]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_spdx_is_valid(platform: str) -> None:
    document = parse_file(str(path(platform, "spdx")))
    assert document.creation_info.spdx_version == "SPDX-2.3"
    assert [str(message) for message in validate_full_spdx_document(document)] == []


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_cyclonedx_is_valid(platform: str) -> None:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(path(platform, "cdx").read_text())
    assert error is None


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_bill_names_its_image(platform: str) -> None:
    digest = image(platform).digest
    bom = json.loads(path(platform, "cdx").read_bytes())
    assert bom["metadata"]["component"]["hashes"][0]["content"] == digest.removeprefix("sha256:")
    document = json.loads(path(platform, "spdx").read_bytes())
    assert document["packages"][0]["checksums"][0]["checksumValue"] == digest.removeprefix(
        "sha256:"
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_both_formats_hold_the_same(platform: str) -> None:
    document = json.loads(path(platform, "spdx").read_bytes())
    purls = {
        reference["referenceLocator"]
        for package in document["packages"]
        for reference in package.get("externalRefs", [])
    }
    assert purls == {component["purl"] for component in components(platform)}
    edges = {
        (one["spdxElementId"], one["relatedSpdxElement"])
        for one in document["relationships"]
        if one["relationshipType"] == "DEPENDS_ON"
    }
    dependencies = json.loads(path(platform, "cdx").read_bytes())["dependencies"]
    assert edges == {
        (f"SPDXRef-{one['ref']}", f"SPDXRef-{ref}")
        for one in dependencies
        if one["ref"] != "image"
        for ref in one["dependsOn"]
    }
    assert len(edges) > 50


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_distribution_has_its_wheels_hash_and_a_licence_or_none_stated(platform: str) -> None:
    distributions = locked(platform)
    assert len(distributions) > 20
    for distribution in distributions:
        assert re.fullmatch("[0-9a-f]{64}", distribution["hashes"][0]["content"])
        assert distribution["properties"][0]["value"].endswith(".whl")
    lock = Path("image/base/debian_3_13.lock.json").read_text()
    packages = [one for one in components(platform) if one["purl"].startswith("pkg:deb/")]
    for package in packages:
        assert package["licenses"], package["name"]
        if "hashes" in package:
            assert package["hashes"][0]["content"] in lock


@pytest.mark.parametrize("platform", PLATFORMS)
def test_on_the_mirror_base_the_packages_are_the_locks(platform: str) -> None:
    base = Path(os.environ[platform.upper()])
    if base.parent != Path("image/base/debian"):
        pytest.skip(f"this image stands on another base: {base}")
    architecture = platform.removeprefix("linux_")
    text = Path("image/base/debian_3_13.lock.json").read_bytes()
    lock = json.loads(text)["packages"][architecture]
    found = {
        (one["name"], one["version"], one["hashes"][0]["content"])
        for one in components(platform)
        if one["purl"].startswith("pkg:deb/") and "hashes" in one
    }
    assert found == {(one["name"], one["version"], one["sha256"]) for one in lock}


def test_wheels_of_compiled_distributions_are_the_platforms_own() -> None:
    wheels = {
        platform: {one["name"]: one["properties"][0]["value"] for one in locked(platform)}
        for platform in PLATFORMS
    }
    assert "x86_64" in wheels["linux_amd64"]["uvloop"]
    assert "aarch64" in wheels["linux_arm64"]["uvloop"]


def test_a_reference_is_a_valid_spdx_identifier() -> None:
    # libstdc++6's name has characters that an SPDX identifier has not.
    identifiers = [
        package["SPDXID"]
        for package in json.loads(path("linux_amd64", "spdx").read_bytes())["packages"]
    ]
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one) for one in identifiers)
    assert len(set(identifiers)) == len(identifiers)
