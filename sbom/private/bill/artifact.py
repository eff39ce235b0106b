"""Sub-command `artifact`: an OCI artifact that refers to an image, as an OCI layout to push.

A registry lists it among the image's referrers (OCI distribution specification 1.1).

Options:
    --image=DIR: OCI layout of the image that it refers to.
    --file=FILE: the artifact's content.
    --media-type=TYPE: of the content; also the artifact's type.
    --output=DIR: the layout to write.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bill.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def run(arguments: Sequence[str]) -> None:
    """Writes the layout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--media-type", required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    blobs = options.output / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(content: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    subject = Layout(options.image).descriptor
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "artifactType": options.media_type,
        # Not the empty type: crane up to 0.20 lists referrers by this type, not by the one above.
        "config": add(b"{}", options.media_type),
        "layers": [
            add(options.file.read_bytes(), options.media_type)
            | {"annotations": {"org.opencontainers.image.title": options.file.name}}
        ],
        "subject": {key: subject[key] for key in ("mediaType", "digest", "size")},
        # Without the epoch two builds would differ; tools ask for the annotation.
        "annotations": {"org.opencontainers.image.created": "1970-01-01T00:00:00Z"},
    }
    descriptor = add(_json(manifest), _MANIFEST) | {"artifactType": options.media_type}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [descriptor],
    }
    (options.output / "index.json").write_bytes(_json(index))
    (options.output / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
