"""What surrounds every request: its id, its log line, its figures, its last resort."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo.logs import request_id
from todo.problems import Problem, response_for

MAX_BODY_SIZE = 65_536  # bytes; the longest valid request has about a third of it
RECEIVE_TIMEOUT = 10.0  # seconds of silence that a request body may have
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

logger = logging.getLogger("todo.http")

type Observer = Callable[[str, str, int, float], None]
"""Called with method, route template, status and seconds."""


class RequestContext:
    """Outermost ASGI middleware.

    Takes over a well-formed ``X-Request-ID`` or makes one, and returns it; logs one line a request;
    answers 500 for what nobody caught, 413 for too large a body and 408 for one that does not come;
    and while the process is ``ending``, closes each connection with its next answer.
    """

    def __init__(
        self, app: ASGIApp, ending: Callable[[], bool], observe: Observer | None = None
    ) -> None:
        self.app = app
        self.ending = ending
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        identifier = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identifier)
        started = time.perf_counter()
        status = 0
        body_size = 0
        body_ended = False

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = identifier
                if self.ending():
                    headers["connection"] = "close"
            await send(message)

        async def receive_in_time() -> Message:
            nonlocal body_size, body_ended
            if body_ended:  # from now on it waits for the client to go away: as long as it takes
                return await receive()
            try:
                async with asyncio.timeout(RECEIVE_TIMEOUT):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The request body did not arrive in time.") from None
            body_size += len(message.get("body", b""))
            body_ended = not message.get("more_body", False)
            if body_size > MAX_BODY_SIZE:
                raise HTTPException(413, f"The request body is larger than {MAX_BODY_SIZE} bytes.")
            return message

        try:
            await self.app(scope, receive_in_time, send_with_id)
        except Exception:
            logger.exception("unhandled error")
            if not status:
                answer = response_for(Problem(500, "An unexpected error occurred."))
                await answer(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            if self.observe:
                self.observe(scope["method"], route, status, seconds)
            # The route, not the path: a path names a user. The probes would drown everything else.
            if route not in ("/health", "/ready") or status >= 500:
                logger.info(
                    "request",
                    extra={
                        "method": scope["method"],
                        "route": route,
                        "status": status,
                        "duration_ms": round(seconds * 1000, 1),
                    },
                )
            request_id.reset(token)
