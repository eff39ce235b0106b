"""`bump.py ROOT LISTING OLD NEW TREE NEW_LISTING`: copies a distribution as a new release of it.

Its metadata say so, and one module has a line more: all that the smallest of releases would change.
"""

import hashlib
import sys
from pathlib import Path

_SITE_PACKAGES = "lib/python3.13/site-packages/"


def main(root: str, listing: str, old: str, new: str, tree: str, new_listing: str) -> None:
    lines = []
    for line in Path(listing).read_text().splitlines():
        path = line.split(" ", 2)[2]
        place = path.removeprefix(_SITE_PACKAGES)
        content = Path(root, place).read_bytes()
        folder, _, name = place.rpartition("/")
        if folder.endswith(".dist-info") and name == "METADATA":
            content = content.replace(
                f"\nVersion: {old}\n".encode(), f"\nVersion: {new}\n".encode()
            )
        elif place.count("/") == 1 and name == "__init__.py":
            content += b"\nRELEASE = 2\n"
        place = place.replace(f"-{old}.dist-info/", f"-{new}.dist-info/")
        target = Path(tree, place)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"{digest} {len(content)} {_SITE_PACKAGES}{place}\n")
    Path(new_listing).write_text("".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
