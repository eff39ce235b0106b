"""The command line of tools/verify-reproducible: see there."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from typing import NoReturn

from frontdoor import namespace, problem, workspace
from frontdoor.problem import Problem, say
from frontdoor.progress import Progress

from . import actions, build, compare, digests, machine, surroundings

EQUAL, DIFFERENT, WRONG_USAGE, NOT_CHECKED, INTERRUPTED = 0, 1, 2, 3, 130

# Two output bases, two checkouts, what was downloaded, and the difference that is being looked at.
_ROOM = 5_000_000_000

_CACHE = "instead: does the second build get every action from the first's disk cache?"

# Of diffoscope's report, which can be endless.
_REPORT_LINES = 60


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Problem(f"{message} (see --help)", code=WRONG_USAGE)


def main(arguments: list[str]) -> int:
    """Verifies; returns the exit code."""
    problem.speaker = "tools/verify-reproducible"
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        options = _options(arguments)
        return _verify(options)
    except (Problem, digests.DigestsError) as error:
        say(" ".join(str(error).split()))
        return error.code if isinstance(error, Problem) and error.code != 1 else NOT_CHECKED
    except OSError as error:
        say(f"{error}: the check did not end")
        return NOT_CHECKED
    except KeyboardInterrupt:
        say("interrupted; nothing is left behind")
        return INTERRUPTED


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="tools/verify-reproducible",
        description="Builds the image twice from nothing, in unlike surroundings, and compares.",
    )
    parser.add_argument("--expect", metavar="DIGEST", help="sha256:… that must be a result")
    parser.add_argument("--once", action="store_true", help="the second build alone; with --expect")
    parser.add_argument("--cache", action="store_true", help=_CACHE)
    parser.add_argument("--work", metavar="FOLDER", help="where to build; default /var/tmp")
    parser.add_argument("--keep", action="store_true", help="leave both builds there")
    options = parser.parse_args(arguments)
    if options.expect and not re.fullmatch(r"sha256:[0-9a-f]{64}", options.expect):
        parser.error(f"--expect {options.expect}: a digest is sha256: and 64 of 0-9 and a-f")
    if options.cache and (options.once or options.expect):
        parser.error("--cache compares no digest: give it without --once and --expect")
    if options.once and not options.expect:
        parser.error("--once has nothing to compare with: give --expect too")
    return options


def _verify(options: argparse.Namespace) -> int:
    checkout = workspace.checkout()
    mode = workspace.kept_mode(checkout)
    if mode is None:
        raise Problem("no mode is chosen yet: tools/bazel --mode=hub or --mode=mirror", code=3)
    free = shutil.disk_usage(options.work or "/var/tmp").free  # noqa: S108
    if free < _ROOM:
        raise Problem(f"{free / 1e9:.1f} GB are free and {_ROOM / 1e9:.0f} needed: --work", code=3)
    progress = Progress()
    isolated = machine.isolate()
    with build.work_folder(options.work, options.keep) as work:
        first = surroundings.plain(os.path.join(work, "first"))
        second = surroundings.unlike(os.path.join(work, "second"), mode)

        def built(one: surroundings.Surroundings, cache: str = "") -> str:
            if one is second:
                machine.put_into_memory(second, isolated, options.keep)
                if cache:
                    machine.give(second, cache)
            return _built(one, checkout, mode, progress, isolated, cache)

        if options.cache:
            cache = os.path.join(work, "cache")
            os.mkdir(cache)
            built(first, cache)
            built(second, cache)
            status = _all_from_cache(first, second)
        else:
            one = None if options.once else built(first)
            other = built(second)
            found = digests.read(_artifacts(other), build.PACKAGE)
            status = EQUAL
            if one:
                _tell_surroundings(one, other, second)
                status = _compare(one, other, found)
            if options.expect:
                status = max(status, _expected(options.expect, found))
        if options.keep:
            say(f"what was built is in {work}")
        return status


def _built(
    made: surroundings.Surroundings,
    checkout: str,
    mode: str,
    progress: Progress,
    isolated: bool,
    cache: str,
) -> str:
    machine.prepare(made, _repository_cache())
    build.copy_sources(checkout, made, mode)
    machine.give(made)
    machine.lend_root_file_system(made, isolated)
    with build.Build(made, progress) as running:
        return running.run(cache)


def _all_from_cache(first: surroundings.Surroundings, second: surroundings.Surroundings) -> int:
    done = actions.read(second.actions)
    if not done:
        raise Problem("Bazel's account of the second build has no action", code=NOT_CHECKED)
    found = actions.count(done)
    say(f"{found} of {len(done)} actions came from the first build's cache")
    if found == len(done):
        return EQUAL
    for line in actions.misses(actions.read(first.actions), done):
        print(line)
    return DIFFERENT


def _repository_cache() -> str:
    """Bazel's default place for downloads."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(workspace.home(), ".cache")
    user = os.environ.get("USER") or "root"
    return os.path.join(cache, "bazel", f"_bazel_{user}", "cache/repos/v1")


def _artifacts(folder: str) -> list[str]:
    """Paths of everything that is compared, from the list that the build wrote."""
    with open(os.path.join(folder, build.PACKAGE, "artifacts.txt"), encoding="utf-8") as file:
        names = file.read().split()
    return [os.path.join(folder, name) for name in names]


def _expected(expect: str, found: digests.Digests) -> int:
    names = [name for name, digest in found.items() if digest == expect]
    if names:
        say(f"{expect} is {names[0]} of these sources")
        return EQUAL
    say(f"{expect} is nothing that these sources give")
    for name, digest in found.items():
        print(f"{digest}  {name}")
    return DIFFERENT


def _tell_surroundings(one: str, other: str, second: surroundings.Surroundings) -> None:
    """What an action saw of the variations, and what could not be varied."""
    left, right = build.seen(one), build.seen(other)
    varied = [name for name in left if left[name] != right.get(name)]
    alike = [name for name in left if name not in varied]
    say("as seen by a build action, these differed: " + ", ".join(varied))
    say("and these did not, because Bazel or this machine keeps them alike: " + ", ".join(alike))
    for note in second.notes:
        say(f"not varied: {note}")


def _compare(one: str, other: str, found: digests.Digests) -> int:
    before = digests.read(_artifacts(one), build.PACKAGE)
    for name, digest in found.items():
        equal = before.get(name) == digest
        print(f"{before.get(name)}  {name}" + ("" if equal else f", then {digest}"), flush=True)
    different = [name for name, digest in found.items() if before.get(name) != digest]
    if not different:
        say(f"{len(found)} digests are equal in both builds")
        return EQUAL
    say(f"{len(different)} of {len(found)} digests differ; the first difference, first / second:")
    # Images before what is made from them.
    for name in sorted(different, key=lambda name: ("index" in name, "sbom" in name, name)):
        paths = (os.path.join(folder, build.PACKAGE, name) for folder in (one, other))
        difference = compare.first_difference(name, *paths)
        if difference:
            say(difference.words)
            _diffoscope(difference)
            break
    return DIFFERENT


def _diffoscope(difference: compare.Difference) -> None:
    program = shutil.which("diffoscope")
    if not program:
        if os.path.exists(namespace.INSIDE):
            say("started by itself, not by bazel run, this asks the machine's diffoscope too")
        else:
            say("diffoscope, where it is installed, would show more")
        return
    done = subprocess.run(
        [
            program,
            *("--text=-", "--no-progress", "--text-color=never"),
            # Blobs are links to what actions made, and of links it compares where they lead.
            *map(os.path.realpath, difference.files),
        ],
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    lines = done.stdout.splitlines()
    print("\n".join(lines[:_REPORT_LINES]))
    if len(lines) > _REPORT_LINES:
        say(f"{len(lines) - _REPORT_LINES} further lines of diffoscope's are left out")
    sys.stdout.flush()
