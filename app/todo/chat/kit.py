"""The ChatKit server protocol: the chat front end's threads, items and streamed answers."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator

from agents.models.fake_id import FAKE_RESPONSES_ID
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    ChatKitReq,
    ErrorEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsRetryAfterItemReq,
    ThreadStreamEvent,
    UserMessageItem,
)
from pydantic import TypeAdapter, ValidationError

from todo.chat.agent import TodoAgent, answer_of, problem_of
from todo.chat.history import HISTORY, messages_of
from todo.chat.schemas import MESSAGE_LENGTH
from todo.chat.threads import ThreadStore, new_id
from todo.limits import count_chat
from todo.problems import Problem
from todo.services import Services

ANSWERED = (ThreadsCreateReq, ThreadsAddUserMessageReq, ThreadsRetryAfterItemReq)
SUPPORTED = frozenset(
    {
        "threads.create",
        "threads.add_user_message",
        "threads.retry_after_item",
        "threads.get_by_id",
        "threads.list",
        "threads.update",
        "threads.delete",
        "items.list",
    }
)
STOPPED = ErrorEvent(message="The server is restarting.", allow_retry=True)

logger = logging.getLogger("todo.chat")

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # in JSON it is always written so
_any_request: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)


class TodoKit(ChatKitServer[str]):
    """ChatKit over the user's conversations. The request context is the user's id."""

    def __init__(self, services: Services, agent: TodoAgent) -> None:
        super().__init__(ThreadStore(services.database))
        self._services = services
        self._agent = agent

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: str
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Answer with the agent; the message is in the store already."""
        try:
            page = await self.store.load_thread_items(thread.id, None, HISTORY, "desc", context)
            messages = await messages_of(list(reversed(page.data)))
            kit: AgentContext[str] = AgentContext(
                thread=thread, store=self.store, request_context=context
            )
            seconds = self._services.settings.chat_timeout_seconds
            async with asyncio.timeout(seconds), self._agent.running(context, messages) as run:
                async for event in _with_ids(stream_agent_response(kit, run)):
                    yield event
                answer_of(run)
        except Exception as error:
            problem = problem_of(error)
            logger.warning("chatkit turn failed", extra={"error": type(error).__name__})
            raise CustomStreamError(problem.detail, allow_retry=True) from None

    async def serve(self, body: bytes, user_id: str) -> bytes | AsyncGenerator[bytes]:
        """Answer one request of the protocol: JSON, or a stream of server-sent events.

        Raises:
            Problem: 422 for what is no request of the protocol, 400 for one that is not offered,
                404 for a thread or an item that this user doesn't have, 429 above the limit.
        """
        request = _parsed(body)
        if isinstance(request, ANSWERED):
            async with self._services.database.transaction() as session:
                limit = self._services.settings.chat_limit_per_minute
                await count_chat(session, user_id, limit)
        try:
            result = await self.process(body, user_id)
            if not isinstance(result, StreamingResult):
                return result.json
            # With the first event a missing thread shows while the status can still be 404.
            stream = self._pumped(result.json_events)
            first = await anext(stream)
        except NotFoundError:
            raise Problem(404, "There is no such thread or item.") from None
        return _joined(first, stream)

    async def _pumped(self, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """The events, made in a task of their own.

        The library's generators hold cancel scopes, which must be left in the task that entered
        them; the task of a response may end anywhere.
        """
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=16)

        async def pump() -> None:
            try:
                async for event in events:
                    await queue.put(event)
            finally:
                await events.aclose()

        task = asyncio.ensure_future(self._services.draining.bounded(pump()))
        self._services.turns.add(task)
        task.add_done_callback(self._services.turns.discard)
        try:
            while not task.done() or not queue.empty():
                step = asyncio.ensure_future(queue.get())
                await asyncio.wait({step, task}, return_when=asyncio.FIRST_COMPLETED)
                if step.done() and (event := step.result()) is not None:
                    yield event
                else:
                    step.cancel()
            try:
                await task
            except Problem:
                yield b"data: " + STOPPED.model_dump_json(exclude_none=True).encode() + b"\n\n"
        finally:
            task.cancel()


async def _with_ids(events: AsyncIterator[ThreadStreamEvent]) -> AsyncGenerator[ThreadStreamEvent]:
    """Give each message an id of its own.

    Chat Completions has no ids of messages, and the Agents SDK uses one and the same for all.
    """
    identifier = ""
    async for event in events:
        match event:
            case ThreadItemAddedEvent(item=item) if item.id == FAKE_RESPONSES_ID:
                identifier = item.id = new_id("msg")
            case ThreadItemDoneEvent(item=item) if item.id == FAKE_RESPONSES_ID:
                item.id = identifier
            case ThreadItemUpdatedEvent() if event.item_id == FAKE_RESPONSES_ID:
                event.item_id = identifier
        yield event


async def _joined(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for event in rest:
            yield event
    finally:
        await rest.aclose()


def _parsed(body: bytes) -> ChatKitReq:
    if _NUL.search(body):
        raise Problem(422, "A text holds U+0000, which can't be kept.")
    try:
        request = _any_request.validate_json(body)
    except ValidationError:
        raise Problem(422, "This is no request of the ChatKit protocol.") from None
    if request.type not in SUPPORTED:
        raise Problem(400, f"{request.type} is not offered.")
    if isinstance(request, ThreadsCreateReq | ThreadsAddUserMessageReq):
        message = request.params.input
        if message.attachments or any(part.type != "input_text" for part in message.content):
            raise Problem(400, "Messages of text alone are offered.")
        text = "".join(part.text for part in message.content)
        if not 0 < len(text.strip()) <= len(text) <= MESSAGE_LENGTH or "\0" in text:
            raise Problem(422, f"A message has 1 to {MESSAGE_LENGTH} characters.")
    return request
