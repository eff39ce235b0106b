"""Records the digests of what was just built: `bazel run //image:accept_digests`.

Only the lines of the present mode change. Prints what changed; exit code 1, and one line, when the
file can't be read or written.
"""

from __future__ import annotations

import argparse
import os
import sys

from reproduce import digests


def main(arguments: list[str]) -> int:
    """Rewrites the file in the workspace that `bazel run` names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mode", required=True, choices=("hub", "mirror"))
    parser.add_argument("--package", required=True, help="of the artifacts, such as `image`")
    parser.add_argument("artifacts", nargs="+")
    options = parser.parse_args(arguments)
    name = os.path.join(options.package, "expected_digests.txt")
    path = os.path.join(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ""), name)
    try:
        found = digests.read(options.artifacts, options.package)
        modes = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                modes = digests.parse(file.read())
        old = modes.get(options.mode, {})
        modes[options.mode] = found
        with open(path, "w", encoding="utf-8") as file:
            file.write(digests.write(modes))
    except (OSError, digests.DigestsError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    for artifact in sorted({*old, *found}):
        if old.get(artifact) != found.get(artifact):
            print(f"{artifact}: {old.get(artifact, 'none')} -> {found.get(artifact, 'none')}")
    if old == found:
        print(f"{name} holds these digests already")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
