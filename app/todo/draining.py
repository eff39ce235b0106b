"""What happens between SIGTERM and exit.

uvicorn closes at once what it listens on and every connection without a request under way. That
cuts off requests that have been sent and not been read yet: those on connections that wait in the
kernel's queue, and those on kept connections. So the signal is held back from uvicorn for a moment,
in which nobody new is let in and who is there is served and asked to go.

Then uvicorn waits, without a limit, for the answers that are under way. An open stream or a slow
model would outlast the orchestrator's grace period (30 s in Kubernetes) and be killed. So work that
may take long asks here whether it may go on: until `grace` seconds after the signal.
"""

import asyncio
import contextvars
import logging
import signal
import socket
from collections.abc import Awaitable
from types import FrameType
from typing import Any

from todo import listening
from todo.problems import Problem

HANDSHAKE = 0.1  # seconds: one that has begun is through by then
FAREWELL = 1.0  # seconds in which a connection may still bring a request
TICK = 0.02  # seconds
STAY_OPEN = 1.0  # seconds

logger = logging.getLogger("todo")


class Draining:
    """Tells who is served that the process ends, and work that may take long when to end."""

    def __init__(self, grace: float) -> None:
        """``grace``: seconds from the signal until `over` is set."""
        self.started = asyncio.Event()
        self.over = asyncio.Event()
        self._grace = grace
        self._server: Any = None
        self._uvicorns_handler: Any = None
        self._farewell: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Note SIGTERM, and let uvicorn's own handler do its work a moment later."""
        self._loop = asyncio.get_running_loop()
        self._uvicorns_handler = signal.getsignal(signal.SIGTERM)
        # A method of the uvicorn.Server of this process. Under another server nothing is done.
        self._server = getattr(self._uvicorns_handler, "__self__", None)
        if self._server is not None:
            signal.signal(signal.SIGTERM, self._on_signal)
            self._stay_open()

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
        # In a context of its own: the signal may interrupt any request.
        self._loop.call_soon_threadsafe(self._begin, number, context=contextvars.Context())

    def _begin(self, number: int) -> None:
        if self._farewell is not None:
            return
        self.started.set()
        self._loop.call_later(self._grace, self.over.set)
        self._farewell = self._loop.create_task(self._say_farewell(number))

    async def _say_farewell(self, number: int) -> None:
        try:
            await self._serve_the_rest()
        except Exception:  # such as a kernel that knows less; the process has to end all the same
            logger.exception("connections may be cut off")
        self._uvicorns_handler(number, None)

    async def _serve_the_rest(self) -> None:
        """Until no connection is left that may still bring a request."""
        sockets = self._listening()
        listening.close_door(sockets)
        ends = self._loop.time() + FAREWELL
        await asyncio.sleep(HANDSHAKE)
        while listening.queued(sockets) or self._server.server_state.connections:
            if self._loop.time() > ends:
                break
            transports = [each.transport for each in self._server.server_state.connections]
            theirs = [each.get_extra_info("socket") for each in transports]
            listening.open_door(each for each in theirs if each is not None)
            await asyncio.sleep(TICK)

    def _stay_open(self) -> None:
        """While this worker serves, the door is open: another that ended alone has closed it.

        uvicorn ends single workers to restart them (SIGHUP) or to have fewer (SIGTTOU).
        """
        if not self.started.is_set():
            listening.open_door(self._listening())
            self._loop.call_later(STAY_OPEN, self._stay_open)

    def _listening(self) -> list[socket.socket]:
        servers = getattr(self._server, "servers", [])  # there are none before it listens
        return [each for server in servers for each in server.sockets]
