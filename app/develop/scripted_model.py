"""A local server that speaks OpenAI's Chat Completions and says what a script tells it to."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True)
class Reply:
    """One answer of the model."""

    text: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """Tools to call: name and arguments; a string is sent as it is, valid JSON or not."""
    status: int = 200
    delay: float = 0.0
    """Seconds before the answer begins."""
    pause: float = 0.0
    """Seconds between the words of a streamed answer."""
    raw: str | None = None
    """Sent instead of everything else."""


type Script = Callable[[dict[str, Any]], Awaitable[Reply]]
"""From a request's body to the reply."""


def create_app(script: Script) -> Starlette:
    """The server; its base URL ends in ``/v1``."""

    async def complete(request: Request) -> Response:
        body = await request.json()
        reply = await script(body)
        await asyncio.sleep(reply.delay)
        if reply.raw is not None:
            return Response(reply.raw, reply.status, media_type="application/json")
        if reply.status != 200:
            error = {"error": {"message": "scripted failure", "type": "scripted"}}
            return JSONResponse(error, reply.status)
        if body.get("stream"):
            return StreamingResponse(_chunks(reply, body), media_type="text/event-stream")
        return JSONResponse(_completion(reply, body))

    return Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])


def _tool_calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "id": f"call_{uuid.uuid4().hex[:12]}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            },
        }
        for index, (name, arguments) in enumerate(reply.calls)
    ]


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": body.get("model", "scripted"),
    }


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _completion(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = _tool_calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return _head(body, "chat.completion") | {"choices": [choice], "usage": usage}


async def _chunks(reply: Reply, body: dict[str, Any]) -> AsyncGenerator[str]:
    head = _head(body, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps(head | {'choices': [choice]})}\n\n"

    yield chunk({"role": "assistant", "content": ""})
    for number, word in enumerate(reply.text.split(" ") if reply.text else []):
        await asyncio.sleep(reply.pause)
        yield chunk({"content": word if number == 0 else f" {word}"})
    for call in _tool_calls(reply):
        yield chunk({"tool_calls": [call]})
    yield chunk({}, _finish(reply))
    yield "data: [DONE]\n\n"
