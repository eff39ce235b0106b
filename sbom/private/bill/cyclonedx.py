"""Writes an inventory as CycloneDX 1.6 (ECMA-424), in its JSON form."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from bill import licences

if TYPE_CHECKING:
    from bill.inventory import Component, Inventory

_ROOT = "image"


def document(inventory: Inventory) -> dict[str, Any]:
    """Returns the document; the same inventory gives the same one."""
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"cyclonedx {inventory.digest}")
    refs = [component.ref for component in inventory.components]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "fastapi_image"}]},
            "component": {
                "type": "container",
                "bom-ref": _ROOT,
                "name": inventory.name,
                "version": inventory.version,
                "hashes": [_sha256(inventory.digest.removeprefix("sha256:"))],
                "properties": [
                    {"name": "oci:image:digest", "value": inventory.digest},
                    {"name": "oci:image:platform", "value": inventory.platform},
                ],
            },
        },
        "components": [_component(component) for component in inventory.components],
        "dependencies": [
            {"ref": _ROOT, "dependsOn": refs},
            *(
                {"ref": component.ref, "dependsOn": list(component.requires)}
                for component in inventory.components
            ),
        ],
    }


def _component(component: Component) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": "library",
        "bom-ref": component.ref,
        "name": component.name,
        "version": component.version,
    }
    if component.sha256:
        result["hashes"] = [_sha256(component.sha256)]
    if component.licences:
        result["licenses"] = _licenses(component.licences)
    result["purl"] = component.purl
    if component.file_name:
        result["properties"] = [{"name": "fastapi_image:file", "value": component.file_name}]
    return result


def _licenses(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """One expression, or a list of single licences: the schema allows no mixture."""
    if len(texts) == 1:
        expression = licences.expression(texts[0])
        if expression and " " in expression:
            return [{"expression": expression, "acknowledgement": "declared"}]
    listed = []
    for text in texts:
        expression = licences.expression(text)
        key = "id" if expression and " " not in expression else "name"
        listed.append({"license": {key: expression or text, "acknowledgement": "declared"}})
    return [one for at, one in enumerate(listed) if one not in listed[:at]]


def _sha256(value: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": value}
