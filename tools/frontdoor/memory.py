"""What `bazel test` gets besides: a /tmp in memory for each test."""

from __future__ import annotations

import os

from . import workspace

# The structure test unpacks the whole image there for each of its items; a disk takes 2 to 4 times
# as long.
_FOLDER = "/tmp"  # noqa: S108 - of each sandbox


def options(checkout: str, startup: list[str]) -> list[str]:
    """The option, or none where it would hide what Bazel works on.

    Bazel refuses every action whose folder lies below such a path, and does not find sources there.

    Args:
      checkout: the workspace.
      startup: Bazel's startup options, which may name the place of its output.
    """
    places = [checkout, os.path.dirname(workspace.cache()), os.environ.get("TEST_TMPDIR", "/")]
    places += [word.partition("=")[2] or word for word in startup]
    hidden = any(f"{os.path.realpath(place)}/".startswith(f"{_FOLDER}/") for place in places)
    return [] if hidden else [f"--sandbox_tmpfs_path={_FOLDER}"]
