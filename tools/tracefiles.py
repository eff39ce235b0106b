"""Puts lcov tracefiles together, for `bazel coverage`: those of one test, or of all of them.

Bazel's own program for it is a Java one that it downloads. Every reader of tracefiles adds up what
several records say of one source, so they only have to stand in one file.

    --coverage_dir=DIR   the *.dat below it: what one test left
    --reports_file=FILE  names the files, one a line: what all tests left
    --output_file=FILE   all of them, in a fixed order
"""

import argparse
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Writes the output file; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--coverage_dir", type=Path)
    parser.add_argument("--reports_file", type=Path)
    parser.add_argument("--output_file", type=Path, required=True)
    options, _ = parser.parse_known_args(arguments)  # more, for other languages
    files: list[Path] = []
    if options.coverage_dir:
        files += sorted(options.coverage_dir.rglob("*.dat"))
    if options.reports_file:
        files += map(Path, options.reports_file.read_text("utf-8").split("\n"))
    contents = [
        file.read_bytes() for file in files if file.is_file() and file != options.output_file
    ]
    options.output_file.write_bytes(b"".join(contents))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
