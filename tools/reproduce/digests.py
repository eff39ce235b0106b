"""Digests of what was built, and the file in which the expected ones are kept.

The file has a line for each artifact, `MODE NAME sha256:…`, and comments. NAME is the artifact's
path below the image's package in `bazel-bin`. Each mode has its own base and so its own digests; a
mode without lines in the file was never recorded.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping

Digests = dict[str, str]

_LINE = re.compile(r"(?P<mode>hub|mirror) (?P<name>\S+) (?P<digest>sha256:[0-9a-f]{64})")

_HEAD = """\
# What //image gives from these sources, on every machine: the digest of each image, of the index,
# and of the files made from them. Each mode has its own base, so its own lines; a mode without
# lines was never recorded. //tests/image:expected_digests_test holds them.
# After a change of an input: bazel run //image:accept_digests
"""


class DigestsError(Exception):
    """One line for the user."""


def digest(path: str) -> str:
    """`sha256:…` of a file, or of the image or index that an OCI layout holds.

    Raises:
        DigestsError: it is neither.
    """
    try:
        if os.path.isdir(path):
            with open(os.path.join(path, "index.json"), "rb") as file:
                (entry,) = json.load(file)["manifests"]
            return str(entry["digest"])
        with open(path, "rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError) as error:
        raise DigestsError(f"{path} is neither a file nor an OCI layout: {error}") from error


def read(paths: Iterable[str], package: str) -> Digests:
    """Digest of each artifact, by its path below `package`; sorted."""
    return {name: digest(path) for name, path in sorted(named(paths, package).items())}


def named(paths: Iterable[str], package: str) -> dict[str, str]:
    """Paths by what follows `package` in them."""
    return {path.rpartition(f"{package}/")[2]: path for path in paths}


def parse(text: str) -> dict[str, Digests]:
    """The expected digests of each mode that the file has.

    Raises:
        DigestsError: a line is none of ours.
    """
    modes: dict[str, Digests] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            if not match:
                raise DigestsError(f"line {number} isn't `MODE NAME sha256:…`: {line}")
            modes.setdefault(match["mode"], {})[match["name"]] = match["digest"]
    return modes


def write(modes: Mapping[str, Digests]) -> str:
    """The file's text; `parse` reads it back."""
    lines = [
        f"{mode} {name} {found}\n"
        for mode, digests in sorted(modes.items())
        for name, found in sorted(digests.items())
    ]
    return _HEAD + "".join(lines)


def changed(expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """What differs, in one line that says what to do; None if nothing does."""
    names = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
    if not names:
        return None
    return (
        f"other than in image/expected_digests.txt: {', '.join(names)}. If a change of an input"
        " explains it, run `bazel run //image:accept_digests` and commit the file with that change;"
        " else `tools/verify-reproducible` looks for the cause"
    )
