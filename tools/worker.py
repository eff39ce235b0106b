"""Starts a Python tool as a Bazel action: once, or for many actions as a persistent worker.

    python -I -S -B worker.py TOOL/__main__.py [--library=PATH]… SUBCOMMAND ARGUMENT|@FILE…
    python -I -S -B worker.py TOOL/__main__.py [--library=PATH]… SUBCOMMAND --persistent_worker

`__main__.py` has `COMMANDS`, the names of those modules beside it that are sub-commands, and
`run(module, arguments)`, which returns the exit code. It may have `prepare(module, arguments)`,
which a worker calls before: for what changes the time of the next action and never its result.
`@FILE` stands for its lines, an argument each. PATH is a folder of packages, or a wheel.

Most of what a small action takes is the start of Python and the import of the tool. So Bazel keeps
the process of the second form, which has done both (https://bazel.build/remote/persistent, protocol
"json"), and it forks for each action. An action therefore starts from the same state whatever ran
before it, and its memory goes when it ends.
"""

from __future__ import annotations

import importlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_FLAG = "--persistent_worker"
_LIBRARY = "--library="
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Returns the exit code: the tool's, or 2 where it has no such sub-command."""
    main_file, *words = arguments
    libraries = [word.removeprefix(_LIBRARY) for word in words if word.startswith(_LIBRARY)]
    words = words[len(libraries) :]
    command, rest = "".join(words[:1]), words[1:]
    folder, package = os.path.split(os.path.dirname(main_file))
    # -I keeps the folder of the started script off the path, which is another one anyway.
    sys.path[:0] = [folder, *libraries]
    tool = importlib.import_module(f"{package}.__main__")
    if command not in tool.COMMANDS:
        print(f"usage: {package} {'|'.join(tool.COMMANDS)} …", file=sys.stderr)
        return 2
    module = importlib.import_module(f"{package}.{command}")
    if rest == [_FLAG]:
        _serve(tool, module)
        return 0
    code: int = tool.run(module, [line for argument in rest for line in _lines(argument)])
    return code


def _lines(argument: str) -> list[str]:
    if not argument.startswith("@"):
        return [argument]
    with open(argument[1:], encoding="utf-8") as file:
        return file.read().removesuffix("\n").split("\n")


def _serve(tool: ModuleType, module: ModuleType) -> None:
    """Answers requests until there are no more: Bazel has shut down."""
    import contextlib
    import ctypes
    import functools
    import gc
    import json

    prepare = getattr(tool, "prepare", None)
    prctl = ctypes.CDLL(None).prctl
    # What is there now stays as it is: a collection in a child would copy every page of it.
    gc.freeze()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        arguments = request.get("arguments", [])
        if prepare:
            # What is wrong with them is for the action itself to say.
            with contextlib.suppress(Exception):
                prepare(module, arguments)
        code, output = _in_a_child(functools.partial(tool.run, module, arguments), prctl)
        answer = {"exitCode": code, "output": output, "requestId": request.get("requestId", 0)}
        print(json.dumps(answer), flush=True)


def _in_a_child(work: Callable[[], int], prctl: Callable[[int, int], object]) -> tuple[int, str]:
    """Exit code and output of the work, done in a process of its own."""
    import signal

    output = os.memfd_create("output")
    worker = os.getpid()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # Bazel ends a worker to end its action: the child must not write on behind its back.
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != worker:
                os._exit(1)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for stream, file in enumerate((nothing, output, output)):
                os.dup2(file, stream)
            code = work()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(output, "rb") as written:
        written.seek(0)
        text = written.read().decode("utf-8", "replace")
    return (code, text) if code >= 0 else (128 - code, f"{text}ended by signal {-code}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
