"""End the whole server, with one line and a non-zero exit code, when it can't be configured.

``uvicorn --workers N`` needs help here. Its supervisor imports nothing of the application, so only
a worker sees that a variable is missing. A worker that raises while it imports is restarted for
ever, and one that exits with uvicorn's code for a failed start-up ends the supervisor with code 0,
which looks like success (uvicorn 0.54; https://github.com/encode/uvicorn/discussions/2440). A
signal can't carry a code either: the supervisor answers the usual ones by ending with 0, and the
kernel shields it from the others where it is process 1 of a container.

What is left is the one channel that the supervisor reads: the pipe on which workers answer its
health checks. multiprocessing sends pickled objects over it, so the worker answers with an object
whose unpickling calls `end_process` in the supervisor. The first such answer ends it; the line is
printed once, however many workers there are. This module can go when uvicorn itself exits with the
code of a worker that could not start.

Only the standard library is imported at the top, because the supervisor imports this module too.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, NoReturn

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
UVICORN_STARTUP_FAILURE = 3  # a worker that ends with this code is not restarted
SUPERVISOR_PATIENCE = 4.0  # seconds; the supervisor reads the pipe every half second


def end_process(line: str) -> NoReturn:
    """Print ``line`` and end this process with code 78, without waiting for its children."""
    print(line, file=sys.stderr, flush=True)
    os._exit(EXIT_CONFIG)


def fail(line: str) -> NoReturn:
    """End this process and, in a worker, its supervisor, with ``line`` as the last word."""
    pipe = _pipe_to_supervisor()
    supervisor = multiprocessing.parent_process()
    if pipe is None or supervisor is None:
        end_process(line)
    pipe.send(_Verdict(line))
    supervisor.join(SUPERVISOR_PATIENCE)
    os._exit(UVICORN_STARTUP_FAILURE)


class _Verdict:
    """Pickles as the call ``end_process(line)``."""

    def __init__(self, line: str) -> None:
        self.line = line

    def __reduce__(self) -> tuple[Callable[[str], NoReturn], tuple[str]]:
        return end_process, (self.line,)


def _pipe_to_supervisor() -> "Connection[Any, Any] | None":
    """The worker's end of the health-check pipe, or None outside a uvicorn worker."""
    if multiprocessing.parent_process() is None:
        return None
    from uvicorn.supervisors.multiprocess import Process

    frame: FrameType | None = sys._getframe()
    while frame is not None:
        worker = frame.f_locals.get("self")
        if isinstance(worker, Process):
            return worker.child_conn
        frame = frame.f_back
    return None
