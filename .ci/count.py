"""Count test cases in JUnit XML files and print the closing line ``N passed, N failed``.

Usage: ``count.py [--parts-failed N] FOLDER…``

Each folder is searched, links followed, for ``*.xml`` in the JUnit format that Bazel
(``bazel-testlogs``) and pytest write. A skipped case is counted as skipped and named, so that
nothing is passed over in silence. ``--parts-failed`` is the number of parts of the run that exited
non-zero: when no case accounts for them they are counted as failures. The exit code is 0 only if
nothing failed and at least one test passed.
"""

import argparse
import os
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path


def reports(folders: list[Path]) -> Iterator[Path]:
    """Yield every JUnit file below the folders, in a fixed order."""
    for folder in folders:
        for directory, _, names in sorted(os.walk(folder, followlinks=True)):
            yield from (Path(directory, name) for name in sorted(names) if name.endswith(".xml"))


def main() -> int:
    """Print the skipped and failed cases, then the closing line; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts-failed", type=int, default=0)
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args()

    passed = failed = skipped = 0
    for report in reports(arguments.folders):
        for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own files
            name = f"{case.get('classname', report.parent.name)}::{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {name}")
            elif (skip := case.find("skipped")) is not None:
                skipped += 1
                print(f"skipped: {name}: {skip.get('message', 'no reason given')}")
            else:
                passed += 1
    if arguments.parts_failed and not failed:
        failed = arguments.parts_failed
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
