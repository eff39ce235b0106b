"""Sub-command `sources`: which of an application's files don't belong into an image, and why.

image/private/unwanted.bzl knows most of them by their names alone. This looks into files: at
`.dockerignore`, and whether a key is a private one. It says all of it in one line; as no source is
an input of its action, it says it once, not with every edit.

Options:
    --name=PATH          repeatable: a file's path in the workspace …
    --file=PATH          … and, in the same order, that file on this machine
    --key=PATH           repeatable: one of these files that may be a private key, by its name
    --dockerignore=PATH  optional: the patterns
    --context=DIR        the folder in the workspace that they count from
    --left-out=PATH      repeatable: what is left out already, for the line …
    --reason=TEXT        … and, in the same order, what it is
    --output=PATH        the files, as in --file, that are to be left out, one a line
"""

from __future__ import annotations

import sys

from layer.dockerignore import Dockerignore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from layer.options import Options

_MOST_NAMES = 5
# PEM (RFC 7468), OpenSSH's and PuTTY's own forms.
_PRIVATE = (b"PRIVATE KEY-----", b"PuTTY-User-Key-File-")
_START = 1 << 20


def run(options: Options) -> None:
    """Writes the file, and says what is in it."""
    names = dict(zip(options.many("file"), options.many("name"), strict=True))
    said: dict[str, list[str]] = {}
    for path, reason in zip(options.many("left-out"), options.many("reason"), strict=True):
        said.setdefault(reason, []).append(path)
    left_out = []
    for file, reason in _unwanted(options, names):
        left_out.append(file)
        said.setdefault(reason, []).append(names[file])
    with open(options.one("output"), "w", encoding="utf-8") as output:
        output.writelines(f"{file}\n" for file in left_out)
    if said:
        print(f"left out of the image: {sentence(said)}", file=sys.stderr)


def _unwanted(options: Options, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    patterns = None
    for path in options.many("dockerignore"):
        with open(path, "rb") as file:
            patterns = Dockerignore(file.read(), path)
    context = options.one("context", "")
    folder = context + "/" if context else ""
    keys = set(options.many("key"))
    for source, name in names.items():
        if source in keys and is_private_key(source):
            yield source, "private key"
        elif (
            patterns and name.startswith(folder) and patterns.leaves_out(name.removeprefix(folder))
        ):
            yield source, "by .dockerignore"


def is_private_key(path: str) -> bool:
    """Whether the file holds a private key; a certificate or a public key does not."""
    with open(path, "rb") as file:
        start = file.read(_START)
    return any(mark in start for mark in _PRIVATE)


def sentence(said: dict[str, list[str]]) -> str:
    """Returns `a, b and 3 more (reason); c (another reason)`."""
    parts = []
    for reason, paths in sorted(said.items()):
        names = sorted(paths)
        more = len(names) - _MOST_NAMES
        end = f" and {more} more" if more > 0 else ""
        parts.append(f"{', '.join(names[:_MOST_NAMES])}{end} ({reason})")
    return "; ".join(parts)
