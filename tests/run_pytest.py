"""Run pytest on the files given, as Bazel's test protocol wants it."""

import os
import sys

import pytest


def main() -> int:
    """Returns pytest's exit code: 0 only if a test ran and all passed."""
    arguments = [
        "--rootdir=.",
        "--config-file=pyproject.toml",
        # The runfiles are not to be written to.
        "-p",
        "no:cacheprovider",
        f"--basetemp={os.environ['TEST_TMPDIR']}/pytest",
    ]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        arguments.append(f"--junit-xml={report}")
    if chosen := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        arguments.append(f"-k={chosen}")

    def run() -> int:
        return pytest.main(arguments + sys.argv[1:])

    if "COVERAGE_DIR" in os.environ:
        from tests.measure import measured

        return measured(run)
    return run()


if __name__ == "__main__":
    sys.exit(main())
