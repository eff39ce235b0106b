"""The scripted model on the loopback interface, told by each test what to say."""

import asyncio
import logging
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any

import uvicorn
from develop.scripted_model import Reply, create_app

from tests.app.postgres import free_port

ASKED_TIMEOUT = 60.0  # seconds
ENOUGH = Reply(text="Nothing more to say.")


class ModelServer:
    """Gives the replies in `say` one after the other, then the last words of `ENOUGH` for ever."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.requests: list[dict[str, Any]] = []
        self._replies: deque[Reply] = deque()
        self._forever = ENOUGH
        self._server = uvicorn.Server(
            uvicorn.Config(create_app(self._script), port=self.port, log_level="warning")
        )
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()))

    def say(self, *replies: Reply, forever: Reply = ENOUGH) -> None:
        """What the model answers to the next requests, and to all after them."""
        self._replies.extend(replies)
        self._forever = forever

    async def asked(self, times: int) -> None:
        """Wait until it has been asked so often."""
        deadline = time.monotonic() + ASKED_TIMEOUT
        while len(self.requests) < times:
            if time.monotonic() > deadline:
                raise TimeoutError(f"asked {len(self.requests)} times, not {times}")
            await asyncio.sleep(0.05)

    def reset(self) -> None:
        self._replies.clear()
        self._forever = ENOUGH
        self.requests.clear()

    async def _script(self, body: dict[str, Any]) -> Reply:
        self.requests.append(body)
        return self._replies.popleft() if self._replies else self._forever

    def __enter__(self) -> "ModelServer":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True  # nobody waits any more for a reply that is late
        logging.getLogger("uvicorn.error").disabled = True  # it would report each of them
        self._thread.join(10)
