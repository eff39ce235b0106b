"""Reads the front door's own arguments, settles the mode and hands over to Bazel."""

from __future__ import annotations

import errno
import itertools
import os

from . import workspace
from .problem import Problem, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_DOCTOR = "tools/bazel --doctor says what is wrong on this machine"
_USAGE = "--mode=hub and --mode=mirror choose the mode; --doctor says what was found"


def main(arguments: list[str]) -> int:
    """Runs `tools/bazel` with `arguments`; returns an exit code only where Bazel is not started."""
    try:
        return _run(arguments)
    except Problem as problem:
        say(problem.message)
        return problem.code
    except KeyboardInterrupt:
        say("interrupted; the same command goes on from here")
        return 130
    except OSError as error:
        if error.errno == errno.ENOSPC:
            say(f"the disk is full ({error}): free some space, then run again")
        else:
            say(f"{error.filename or 'failed'}: {error.strerror or error}; {_DOCTOR}")
        return 1


def _run(arguments: list[str]) -> int:
    checkout = workspace.checkout()
    _working_folder()
    if arguments[:1] == ["--doctor"]:
        if arguments[1:]:
            raise Problem(f"--doctor stands alone, without {arguments[1]}; {_USAGE}", code=2)
        from . import doctor

        return doctor.examine(checkout)

    mode = workspace.kept_mode(checkout)
    if arguments and arguments[0].partition("=")[0] == "--mode":
        mode = arguments[0].partition("=")[2]
        if mode not in workspace.MODES:
            raise Problem(f"{arguments[0]}: no such mode; {_USAGE}", code=2)
        workspace.keep_mode(checkout, mode)
        say(f"mode {mode}, kept in user.bazelrc")
        arguments = arguments[1:]
        if not arguments:
            return 0
    if mode is None:
        from . import probe

        mode, why = probe.choose()
        workspace.keep_mode(checkout, mode)
        other = "mirror" if mode == "hub" else "hub"
        say(f"mode {mode}: {why} (kept in user.bazelrc; tools/bazel --mode={other} changes it)")

    startup = list(itertools.takewhile(lambda word: word.startswith("-"), arguments))
    if arguments[len(startup) : len(startup) + 1] == ["test"]:
        from . import memory, skipped

        more = memory.options(checkout, startup)
        arguments = [*startup, "test", *more, *arguments[len(startup) + 1 :]]
        if (code := skipped.stand_by(checkout)) is not None:
            return code

    if mode == "mirror":  # Bazelisk's Bazel would find neither its registry nor its rules
        from . import mirror

        return mirror.start(checkout, arguments)

    from . import hub

    # Bazelisk may have chosen a Bazel already.
    command = os.environ.get("BAZEL_REAL") or hub.command()
    _execute(command, [os.path.basename(command), *arguments], hub.environment(checkout))


def _working_folder() -> None:
    try:
        os.getcwd()
    except FileNotFoundError:
        raise Problem("the working folder was removed: go to one that is there") from None


def _execute(program: str, arguments: list[str], environment: dict[str, str]) -> NoReturn:
    try:
        os.execve(program, arguments, environment)
    except OSError as error:
        raise Problem(f"{program} cannot be started ({error.strerror}): reinstall it") from error
