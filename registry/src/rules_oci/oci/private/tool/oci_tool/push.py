"""Push an image or an image index to a registry with crane; what `bazel run` of an oci_push does.

First the image by its digest, then every tag: no tag is ever on half an image.
"""

import os
import shutil
import subprocess
import tempfile
from typing import NamedTuple

from oci_tool import layout

_GLOBAL_FLAGS = ("--allow-nondistributable-artifacts", "--insecure", "-v", "--verbose")


class Arguments(NamedTuple):
    """What the user and the rule asked for."""

    repository: str
    tags: list[str]
    flags: list[str]  # for every crane command
    push_flags: list[str]  # for `crane push`, passed on as they are


def parse(arguments: list[str], repository: str) -> Arguments:
    """Read the command line; `repository` is the rule's own. ValueError when none is given."""
    tags: list[str] = []
    flags: list[str] = []
    push_flags: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("-t", "--tag", "-r", "--repository", "--platform"):
            if not equals:
                value = next(words, "")
            if not value:
                raise ValueError(f"{name} needs a value")
            if name in ("-t", "--tag"):
                tags.append(value)
            elif name == "--platform":
                flags += [name, value]
            else:
                repository = value
        elif word in _GLOBAL_FLAGS:
            flags.append(word)
        else:
            push_flags.append(word)
    if not repository:
        raise ValueError("repository not set: pass --repository")
    return Arguments(repository, tags, flags, push_flags)


def crane(crane_path: str, *arguments: str) -> None:
    """Run crane; SystemExit carries its failure."""
    code = subprocess.call([crane_path, *arguments])
    if code:
        raise SystemExit(f"rules_oci: crane {arguments[0]} ended with exit code {code}")


def main(arguments: list[str]) -> None:
    """`push RUNFILES SPEC [--repository R] [--tag T]…`: SPEC is the runfiles path of a JSON."""
    root, spec_path, *rest = arguments
    spec = layout.read_json(os.path.join(root, spec_path))
    repository = str(spec.get("repository") or "")
    if path := spec.get("repository_file"):
        repository = layout.read_text(os.path.join(root, path)).replace("\n", "")
    wanted = parse(rest, repository)
    tags = list(wanted.tags)
    if path := spec.get("remote_tags"):
        tags += layout.read_text(os.path.join(root, path)).split()
    crane_path = shutil.which("crane")
    if crane_path is None:
        raise ValueError("the program crane is not on PATH")

    image = os.path.join(root, spec["image"])
    target = f"{wanted.repository}@{layout.top_descriptor(image)['digest']}"
    with tempfile.NamedTemporaryFile(prefix="oci_push-") as references:
        crane(
            crane_path,
            "push",
            *wanted.flags,
            image,
            target,
            *wanted.push_flags,
            "--image-refs",
            references.name,
        )
        pushed = layout.read_text(references.name).split()
    for tag in tags:
        crane(crane_path, "tag", *wanted.flags, *pushed, tag)
