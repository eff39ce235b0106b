"""Steps for Bazel alone: its memory, and what tools/bazel adds to it."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from frontdoor import workspace

from harness.bench import Bench, say
from harness.measure import Failed, PeakMemory, run, seconds, times

_RUNS = 10


def peak(bench: Bench) -> None:
    """Peak memory of Bazel's server, its client and all its actions over a clean build."""
    record = bench.bazel.output_base() / "server" / "server.pid.txt"
    bench.bazel.clean()
    client = subprocess.Popen(
        bench.bazel.build.split(), cwd=bench.bazel.folder, stderr=subprocess.DEVNULL
    )

    def roots() -> set[int]:
        # The server detaches itself from the client that starts it.
        return {client.pid, int(record.read_text())} if record.exists() else {client.pid}

    try:
        with PeakMemory(roots) as watch:
            if client.wait() != 0:
                raise Failed("tools/bazel build //image failed")
    finally:
        if client.poll() is None:
            client.terminate()
            client.wait()
    bench.record("peak memory MB", "bazel", watch.peak / 1e6)


def overhead(bench: Bench) -> None:
    """A no-op through tools/bazel, and the same Bazel called by itself in the same file system."""
    if workspace.kept_mode(str(bench.bazel.folder)) != "mirror":
        say("what tools/bazel adds is measured in mirror mode alone")
        return
    options = ("--shell=none", "--warmup", "2", "--runs", str(_RUNS))
    with tempfile.TemporaryDirectory(dir=bench.bazel.folder.parent) as folder:
        # The machine's programs are not there inside.
        tool = shutil.copy(shutil.which("hyperfine") or "hyperfine", folder)
        report = Path(folder) / "report.json"
        words = [tool, *options, "--style", "none", "--export-json", str(report)]
        direct = [sys.executable, "-I", "-S", str(Path(__file__).with_name("direct.py"))]
        for _ in range(bench.rounds):
            through = seconds(bench.bazel.build, cwd=bench.bazel.folder, env={}, options=options)
            run([*direct, bench.bazel.folder, *words], cwd=bench.bazel.folder)
            both = sorted(through)[_RUNS // 2], sorted(times(report))[_RUNS // 2]
            bench.record("tools/bazel over Bazel s", "bazel", both[0] - both[1])
