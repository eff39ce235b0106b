"""Chat over HTTP. The SDKs are imported with the first request that needs them."""

from collections.abc import AsyncGenerator
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from todo import idempotency
from todo.chat.schemas import ChatIn, ChatOut, TextDelta, ToolCall
from todo.problems import Problem, ProblemDetails, documented
from todo.services import PathUser, ServicesDep, VerifiedUser

router = APIRouter(
    tags=["chat"], responses=documented(400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503, 504)
)


class RunningTurn(Protocol):
    """What is used here of `todo.chat.turn.Turn`, whose module brings the SDKs."""

    conversation_id: str

    async def result(self) -> ChatOut: ...

    async def next_event(self) -> TextDelta | ToolCall | None: ...


async def begun_turn(
    body: ChatIn,
    user_id: PathUser,
    services: ServicesDep,
    idempotency_key: idempotency.Key = None,
) -> RunningTurn:
    """A turn that has passed every check that needs no model. Raises like `Turn.begin`."""
    agent = await services.agent()
    from todo.chat.turn import Turn

    turn = Turn(services, agent, user_id, body, idempotency_key)
    await turn.begin()
    return turn


BegunTurn = Annotated[RunningTurn, Depends(begun_turn)]


@router.post("/api/{user_id}/chat", response_model=ChatOut)
async def chat(turn: BegunTurn) -> ChatOut:
    """Say something about the tasks in natural language.

    The assistant works on the tasks with tools; `tool_calls` says which.
    """
    return await turn.result()


@router.post(
    "/api/{user_id}/chat/stream",
    response_class=EventSourceResponse,
    response_description="Events: `conversation`, then `text` and `tool_call` as they come, and at "
    "the end either `done` with the whole answer or `error` with problem details.",
)
async def stream_chat(
    turn: BegunTurn,
) -> AsyncGenerator[ServerSentEvent]:
    """The same as a stream of server-sent events."""
    yield ServerSentEvent(event="conversation", data={"conversation_id": turn.conversation_id})
    while (event := await turn.next_event()) is not None:
        yield ServerSentEvent(event=event.event, data=event)
    try:
        yield ServerSentEvent(event="done", data=await turn.result())
    except Problem as problem:
        yield ServerSentEvent(event="error", data=ProblemDetails.of(problem))


@router.post(
    "/chatkit",
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
    responses={200: {"content": {"application/json": {}, "text/event-stream": {}}}},
)
async def chatkit(request: Request, user_id: VerifiedUser, services: ServicesDep) -> Response:
    """The ChatKit server protocol: one endpoint for all its requests."""
    body = await request.body()
    agent = await services.agent()
    from todo.chat.kit import TodoKit

    answer = await TodoKit(services, agent).serve(body, user_id)
    if isinstance(answer, bytes):
        return Response(answer, media_type="application/json")
    return StreamingResponse(
        answer,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
