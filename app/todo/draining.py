"""What happens between SIGTERM and exit.

uvicorn stops accepting and then waits, without a limit, for the answers that are under way. An
open stream or a slow model would outlast the orchestrator's grace period (30 s in Kubernetes) and
be killed. So work that may take long asks here whether it may go on: until `grace` seconds after
the signal.
"""

import asyncio
import signal
from collections.abc import Awaitable
from types import FrameType
from typing import Any

from todo.problems import Problem


class Draining:
    """Tells work that may take long when to end. Create it inside the running loop."""

    def __init__(self, grace: float) -> None:
        """``grace``: seconds from the signal until `over` is set."""
        self.started = asyncio.Event()
        self.over = asyncio.Event()
        self._grace = grace
        self._loop = asyncio.get_running_loop()
        self._previous: Any = None

    def listen(self) -> None:
        """Note SIGTERM, then let uvicorn's own handler do its work."""
        self._previous = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, self._on_signal)

    async def bounded[T](self, work: Awaitable[T]) -> T:
        """Await ``work``, and cancel it when the grace period is over.

        Raises:
            Problem: 503, the process is ending and ``work`` took too long.
        """
        task = asyncio.ensure_future(work)
        over = asyncio.ensure_future(self.over.wait())
        try:
            await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Problem(503, "The server is restarting.", headers={"Retry-After": "1"})
            return task.result()
        finally:
            over.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._begin)
        if callable(self._previous):
            self._previous(number, frame)

    def _begin(self) -> None:
        self.started.set()
        self._loop.call_later(self._grace, self.over.set)
