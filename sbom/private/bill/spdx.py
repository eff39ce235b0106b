"""Writes an inventory as SPDX 2.3 (ISO/IEC 5962:2021's successor), in its JSON form."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from bill import licences

if TYPE_CHECKING:
    from bill.inventory import Component, Inventory

_ROOT = "SPDXRef-Image"


def document(inventory: Inventory) -> dict[str, Any]:
    """Returns the document; the same inventory gives the same one."""
    # A namespace must be unique to the document's content: the image's digest is.
    unique = uuid.uuid5(uuid.NAMESPACE_URL, f"spdx {inventory.digest}")
    extracted: dict[str, str] = {}
    packages = [_image(inventory)]
    relationships = [_relation("SPDXRef-DOCUMENT", "DESCRIBES", _ROOT)]
    for component in inventory.components:
        packages.append(_package(component, extracted))
        relationships.append(_relation(_ROOT, "CONTAINS", _id(component.ref)))
        relationships += [
            _relation(_id(component.ref), "DEPENDS_ON", _id(ref)) for ref in component.requires
        ]
    result: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{inventory.name} {inventory.version} {inventory.platform}",
        "documentNamespace": f"urn:uuid:{unique}",
        "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: fastapi_image"]},
        "packages": packages,
        "relationships": relationships,
    }
    if extracted:
        result["hasExtractedLicensingInfos"] = [
            {"licenseId": identifier, "extractedText": text, "name": text}
            for identifier, text in sorted(extracted.items())
        ]
    return result


def _image(inventory: Inventory) -> dict[str, Any]:
    return {
        "SPDXID": _ROOT,
        "name": inventory.name,
        "versionInfo": inventory.version,
        "primaryPackagePurpose": "CONTAINER",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "checksums": [_sha256(inventory.digest.removeprefix("sha256:"))],
    }


def _package(component: Component, extracted: dict[str, str]) -> dict[str, Any]:
    package: dict[str, Any] = {
        "SPDXID": _id(component.ref),
        "name": component.name,
        "versionInfo": component.version,
        "primaryPackagePurpose": "LIBRARY",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": _declared(component, extracted),
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": component.purl,
            }
        ],
    }
    if component.sha256:
        package["packageFileName"] = component.file_name
        package["checksums"] = [_sha256(component.sha256)]
    return package


def _declared(component: Component, extracted: dict[str, str]) -> str:
    parts = []
    for text in component.licences:
        part = licences.expression(text)
        if part is None:
            part = licences.reference(text)
            extracted[part] = text
        parts.append(f"({part})" if " " in part and len(component.licences) > 1 else part)
    return " AND ".join(dict.fromkeys(parts)) or "NOASSERTION"


def _sha256(value: str) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": value}


def _id(ref: str) -> str:
    return f"SPDXRef-{ref}"


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
