"""Check that no two distributions of one environment own the same path with different content.

    collisions.py OUTPUT NAME LISTING [NAME LISTING]…

A listing has a line per file: SHA-256, size in bytes, path in the virtual environment. Writes an
empty OUTPUT, or prints the first collision and exits with 1.
"""

import sys
from pathlib import Path


def collision(listings: list[tuple[str, Path]]) -> str | None:
    """The first collision, in one sentence."""
    owners: dict[str, tuple[str, str]] = {}
    for name, listing in listings:
        for line in listing.read_text(encoding="utf-8").split("\n")[:-1]:
            digest, _, path = line.split(" ", 2)
            owner, owned = owners.setdefault(path, (name, digest))
            if owned != digest:
                return (
                    f"{owner} and {name} both install {path}, with different content: whichever "
                    "came last would win. Remove one of them from pyproject.toml, or take versions "
                    "that don't collide."
                )
    return None


def main() -> None:
    """Command line: see the module's docstring."""
    output, *pairs = sys.argv[1:]
    if problem := collision(list(zip(pairs[::2], map(Path, pairs[1::2]), strict=True))):
        sys.exit(problem)
    Path(output).touch()


if __name__ == "__main__":
    main()
