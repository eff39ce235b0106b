"""Sub-command `provenance`: a SLSA provenance v1 of one image, in an in-toto statement v1.

Options:
    --image=DIR: OCI layout of the image.
    --base=DIR: OCI layout of the image below.
    --target=LABEL: Bazel's name of the image.
    --material=FILE: a lock that the image was made from; repeatable.
    --status=FILE: Bazel's stable workspace status: `STABLE_SOURCE_URI`, `STABLE_SOURCE_REVISION`,
        `STABLE_BUILDER_ID`, as //tools/source_revision prints them.
    --output=FILE: the statement to write.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bill.layout import Layout
from bill.sbom import encoded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What a build by a person on their own machine calls itself: SLSA's level 1 asks for an identifier,
# and this one promises nothing.
_BUILDER = "urn:fastapi-image:local"


def run(arguments: Sequence[str]) -> None:
    """Writes the statement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--material", type=Path, action="append", default=[])
    parser.add_argument("--status", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    status = dict(
        line.split(" ", 1)
        for line in options.status.read_text(encoding="utf-8").splitlines()
        if " " in line
    )
    materials = {
        # A path in the source tree, the same on every machine.
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in options.material
    }
    options.output.write_bytes(
        encoded(
            statement(
                Layout(options.image),
                base=Layout(options.base).digest,
                target=options.target,
                materials=materials,
                status=status,
            )
        )
    )


def statement(
    image: Layout,
    *,
    base: str,
    target: str,
    materials: Mapping[str, str],
    status: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the in-toto statement; see https://slsa.dev/spec/v1.0/provenance."""
    dependencies: list[dict[str, Any]] = [
        {"uri": f"file:{path}", "digest": {"sha256": digest}} for path, digest in materials.items()
    ]
    dependencies.append({"name": "base image", "digest": _digest(base)})
    revision = status.get("STABLE_SOURCE_REVISION", "")
    if revision:
        commit = revision.removesuffix("-dirty")
        source: dict[str, Any] = {"name": "source", "digest": {"gitCommit": commit}}
        if commit != revision:
            source["annotations"] = {"dirty": True}
        if status.get("STABLE_SOURCE_URI"):
            source["uri"] = f"git+{status['STABLE_SOURCE_URI']}@{commit}"
        dependencies.append(source)
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": image.labels.get("org.opencontainers.image.title", "image"),
                "digest": _digest(image.digest),
            }
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:fastapi-image:bazel:v1",
                "externalParameters": {"target": target, "platform": image.platform},
                "resolvedDependencies": dependencies,
            },
            "runDetails": {"builder": {"id": status.get("STABLE_BUILDER_ID") or _BUILDER}},
        },
    }


def _digest(text: str) -> dict[str, str]:
    algorithm, _, value = text.partition(":")
    return {algorithm: value}
