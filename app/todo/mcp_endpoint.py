"""MCP's Streamable HTTP transport under ``/mcp``, stateless, for bearers of a user's token."""

import asyncio

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from todo.problems import Problem, response_for, sends_json
from todo.services import Services, admit

TIMEOUT = 30.0  # seconds


class McpEndpoint:
    """An ASGI application that answers each POST by itself.

    There are no sessions, since the next request may come to the other worker; and so no GET, which
    would open a stream for messages that nobody sends.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            user_id = await admit(self.services, Headers(scope=scope))
            await self.services.warmup.done()
            try:
                async with asyncio.timeout(TIMEOUT):
                    await self._serve(user_id, scope, receive, send)
            except TimeoutError:
                raise Problem(504, "The tools did not answer in time.") from None
        except Problem as problem:
            await response_for(problem)(scope, receive, send)

    async def _serve(self, user_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from todo.tools import server_for

        request = Request(scope, receive)
        if not sends_json(request):
            raise Problem(415, "Send the message as `Content-Type: application/json`.")
        # Read here, where a body that is too large or too late is still an error of ours.
        body: bytes | None = await request.body()

        async def receive_again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message = {"type": "http.request", "body": body, "more_body": False}
            body = None
            return message

        manager = StreamableHTTPSessionManager(
            server_for(user_id, self.services.database), json_response=True, stateless=True
        )
        async with manager.run():
            await manager.handle_request(scope, receive_again, send)
