"""Write goldens/: `bazel run //tests/registry:update_goldens`, then look at the difference."""

import os
import pathlib

from tests.registry import layouts


def main() -> None:
    """Write the listing of every image that IMAGES names into the workspace."""
    workspace = pathlib.Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    for name in os.environ["IMAGES"].split(","):
        text = layouts.render(layouts.listing(layouts.FOLDER / name))
        (workspace / layouts.GOLDENS / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
