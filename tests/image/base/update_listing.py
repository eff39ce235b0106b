"""Rewrites the golden listings: `bazel run //tests/image/base:update_listing`."""

import os
from pathlib import Path

from tests.image.base.layout import PLATFORMS, base, listing

if __name__ == "__main__":
    folder = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"], "tests/image/base")
    for platform in PLATFORMS:
        (folder / f"{platform}.mtree").write_text(listing(base(platform)))
