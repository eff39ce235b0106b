"""`bazel coverage`: which lines of the sources it asks about a test has run in its own process."""

import os
from collections.abc import Callable
from pathlib import Path


def measured(run: Callable[[], int]) -> int:
    """Calls `run`, leaves an lcov tracefile in COVERAGE_DIR, and returns what `run` returned.

    COVERAGE_MANIFEST names the sources, as paths from the workspace's root: geninfo(1) for the
    format, https://bazel.build/configure/coverage for the two variables.
    """
    import coverage  # there under `bazel coverage` alone

    named = Path(os.environ["COVERAGE_MANIFEST"]).read_text().splitlines()
    sources = {os.path.realpath(path): path for path in named if path.endswith(".py")}
    meter = coverage.Coverage(data_file=None, config_file=False, include=list(sources))
    meter.start()
    try:
        return run()
    finally:
        meter.stop()
        lines = []
        for file in sorted(meter.get_data().measured_files() & sources.keys()):
            _, there, _, missed, _ = meter.analysis2(file)
            lines.append(f"SF:{sources[file]}")
            lines += [f"DA:{line},{int(line not in missed)}" for line in there]
            lines += [f"LH:{len(there) - len(missed)}", f"LF:{len(there)}", "end_of_record"]
        report = Path(os.environ["COVERAGE_DIR"], "python.dat")
        report.write_text("".join(f"{line}\n" for line in lines))
