"""Command line of bench/run: what is measured, in which order."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from harness import base, builds, images, itself
from harness.bench import Bench, say
from harness.contestants import Contestant
from harness.measure import Failed
from harness.services import missing_tools
from harness.table import table

_PEERS = ("buildkit", "podman")

# Everybody takes every round of these …
_IN_TURNS: dict[str, Callable[[Bench, Contestant], None]] = {
    "clean": builds.clean,
    "noop": builds.noop,
    "edit": builds.edit,
    "bump": builds.bump,
}
# … and these arrange their rounds themselves.
_WHOLE: dict[str, Callable[[Bench], None]] = {
    "daemon": builds.daemon,
    "size": images.size,
    "start": images.start,
    "overhead": itself.overhead,
    "memory": itself.peak,
}
_STEPS = (*_IN_TURNS, *_WHOLE)


def main(arguments: list[str]) -> int:
    """Run the benchmark; return 0, 1 when a command failed, 2 when something is missing."""
    parser = argparse.ArgumentParser(
        prog="bench/run", description="Compare //image with a multi-stage Dockerfile."
    )
    parser.add_argument("--rounds", type=int, default=3, help="samples per step (default 3)")
    parser.add_argument("--peers", default=",".join(_PEERS), help="builders of the Dockerfile")
    parser.add_argument("--steps", default=",".join(_STEPS), help="some of %(default)s")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    options = parser.parse_args(arguments)
    peers = [peer for peer in options.peers.split(",") if peer]
    steps = options.steps.split(",")
    if unknown := (set(peers) - set(_PEERS)) | (set(steps) - set(_STEPS)):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if missing := missing_tools(peers, base.archive().exists()):
        say(f"missing here; install: apt-get install {' '.join(missing)}")
        return 2

    # Whatever asks us to end, the services are stopped and the folder is removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    work = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, work, ignore_errors=True)
            bench = Bench(stack, Path(__file__).resolve().parents[2], work, peers, options.rounds)
            try:
                for step in steps:
                    if step in _IN_TURNS:
                        bench.in_turns(_IN_TURNS[step])
                    else:
                        _WHOLE[step](bench)
            finally:
                # What was measured is kept even when a later step failed.
                print(table(bench.samples, [contestant.name for contestant in bench.contestants]))
                if options.json:
                    options.json.write_text(json.dumps(bench.samples, indent=2) + "\n")
    except Failed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; everything that was started is stopped")
        return 130
    return 0
