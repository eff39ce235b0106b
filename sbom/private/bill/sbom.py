"""Sub-command `sbom`: an image's bill of materials, as SPDX 2.3 and CycloneDX 1.6.

Options:
    --image=DIR: OCI layout of the image.
    --distributions=FILE: JSON, the facts of the locked distributions for its platform.
    --debian-lock=FILE: a lock of .deb files; repeatable.
    --spdx=FILE, --cyclonedx=FILE: the documents to write.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bill import cyclonedx, inventory, spdx
from bill.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> None:
    """Writes both documents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--distributions", type=Path, required=True)
    parser.add_argument("--debian-lock", type=Path, action="append", default=[])
    parser.add_argument("--spdx", type=Path, required=True)
    parser.add_argument("--cyclonedx", type=Path, required=True)
    options = parser.parse_args(arguments)
    taken = inventory.take(
        Layout(options.image),
        json.loads(options.distributions.read_bytes())["distributions"],
        [lock.read_text(encoding="utf-8") for lock in options.debian_lock],
    )
    options.spdx.write_bytes(encoded(spdx.document(taken)))
    options.cyclonedx.write_bytes(encoded(cyclonedx.document(taken)))


def encoded(document: dict[str, Any]) -> bytes:
    """Returns JSON for people and programs: two spaces, UTF-8, a final newline."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
