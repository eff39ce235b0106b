"""One turn of a conversation: a message in, the agent's work, an answer out.

A turn runs in a task of its own. A client that goes away does not stop it, so that what the tools
have done and what the conversation says belong together; a retry with the same Idempotency-Key
gets the answer.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agents import RunItemStreamEvent, RunResultStreaming
from agents.items import ToolCallItem, ToolCallOutputItem
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    InferenceOptions,
    SDKHiddenContextItem,
    ThreadItem,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
)
from openai.types.responses import ResponseFunctionToolCall, ResponseTextDeltaEvent

from todo import idempotency
from todo.chat.agent import TodoAgent, answer_of, problem_of
from todo.chat.history import HISTORY, messages_of
from todo.chat.schemas import ChatIn, ChatOut, TextDelta, ToolCall
from todo.chat.threads import Threads, new_id
from todo.columns import now
from todo.limits import count_chat
from todo.problems import Problem
from todo.services import Services

# What a turn may need beyond its own time to write down how it ended.
KEEPING = timedelta(minutes=1)

logger = logging.getLogger("todo.chat")

type TurnEvent = TextDelta | ToolCall


@dataclass
class _Opening:
    """What the database knows before the model is asked."""

    thread: ThreadMetadata
    is_new: bool
    history: list[ThreadItem] = field(default_factory=list)
    replay: ChatOut | None = None


class Turn:
    """A turn under way."""

    def __init__(
        self, services: Services, agent: TodoAgent, user_id: str, body: ChatIn, key: str | None
    ) -> None:
        self._services = services
        self._agent = agent
        self._user_id = user_id
        self._body = body
        self._attempt: idempotency.Attempt | None = None
        if key is not None:
            seconds = services.settings.chat_timeout_seconds
            lasts = timedelta(seconds=seconds) + KEEPING
            self._attempt = idempotency.Attempt(user_id, key, "chat", body, lasts=lasts)
        self._events: asyncio.Queue[TurnEvent | None] = asyncio.Queue()
        self._tool_calls: dict[str, ToolCall] = {}
        self._task: asyncio.Task[ChatOut] | None = None
        self.conversation_id = ""

    async def begin(self) -> None:
        """Check and count the request, then start the work.

        Raises:
            Problem: 404 for a conversation that this user doesn't have, 409 or 422 for the
                Idempotency-Key, 429 above the limit, 503 or 504 for the database.
        """
        opening = await self._open()
        self.conversation_id = opening.thread.id
        self._task = asyncio.create_task(self._run(opening))
        self._services.turns.add(self._task)
        self._task.add_done_callback(self._ended)

    async def result(self) -> ChatOut:
        """The answer. Raises Problem 502, 503 or 504 if there is none."""
        if self._task is None:
            raise RuntimeError("the turn has not begun")
        return await asyncio.shield(self._task)

    async def next_event(self) -> TurnEvent | None:
        """What happens, as it happens; None when the result is there."""
        return await self._events.get()

    def _ended(self, task: asyncio.Task[ChatOut]) -> None:
        self._services.turns.discard(task)
        self._events.put_nowait(None)
        if not task.cancelled():
            task.exception()  # it is the caller's, who may have gone

    async def _open(self) -> _Opening:
        async with self._services.database.transaction() as session:
            threads = Threads(session, self._user_id)
            if self._attempt is not None:
                first = await self._attempt.claim(session)
                if first is not None:
                    return self._replay(first)
            await count_chat(session, self._user_id, self._services.settings.chat_limit_per_minute)
            if self._body.conversation_id is None:
                thread = ThreadMetadata(id=new_id("thr"), created_at=now())
                return _Opening(thread, is_new=True)
            try:
                thread = await threads.load(self._body.conversation_id)
            except NotFoundError:
                raise Problem(404, "There is no such conversation.") from None
            page = await threads.items(thread.id, HISTORY, None, "desc")
            return _Opening(thread, is_new=False, history=list(reversed(page.data)))

    def _replay(self, first: idempotency.IdempotencyRecord) -> _Opening:
        if first.status != 200 or first.answer is None:
            raise Problem(first.status or 500, str((first.answer or {}).get("detail")))
        answer = ChatOut.model_validate(first.answer)
        thread = ThreadMetadata(id=answer.conversation_id, created_at=now())
        return _Opening(thread, is_new=False, replay=answer)

    async def _run(self, opening: _Opening) -> ChatOut:
        if opening.replay is not None:
            return opening.replay
        question = UserMessageItem(
            id=new_id("msg"),
            thread_id=opening.thread.id,
            created_at=now(),
            content=[UserMessageTextContent(text=self._body.message)],
            inference_options=InferenceOptions(),
        )
        try:
            async with asyncio.timeout(self._services.settings.chat_timeout_seconds):
                text = await self._services.draining.bounded(
                    self._ask([*opening.history, question])
                )
        except Exception as error:
            problem = problem_of(error)
            logger.warning("turn failed", extra={"error": type(error).__name__})
            await self._keep_failure(opening, question, problem)
            raise problem from None
        return await self._keep_answer(opening, question, text)

    async def _ask(self, items: list[ThreadItem]) -> str:
        before_change = self._attempt.note_effect if self._attempt is not None else None
        messages = await messages_of(items)
        async with self._agent.running(self._user_id, messages, before_change) as run:
            await self._follow(run)
            return answer_of(run)

    async def _follow(self, run: RunResultStreaming) -> None:
        async for event in run.stream_events():
            if event.type == "raw_response_event":
                if isinstance(event.data, ResponseTextDeltaEvent):
                    self._events.put_nowait(TextDelta(text=event.data.delta))
            elif isinstance(event, RunItemStreamEvent):
                self._note_tool(event.item)

    def _note_tool(self, item: Any) -> None:
        if isinstance(item, ToolCallItem) and isinstance(item.raw_item, ResponseFunctionToolCall):
            call = item.raw_item
            self._tool_calls[call.call_id] = ToolCall(name=call.name, arguments=call.arguments)
        elif isinstance(item, ToolCallOutputItem) and item.call_id in self._tool_calls:
            called = self._tool_calls[item.call_id]
            done = called.model_copy(update={"output": _text(item.output)})
            self._tool_calls[item.call_id] = done
            self._events.put_nowait(done)

    async def _keep_answer(
        self, opening: _Opening, question: UserMessageItem, text: str
    ) -> ChatOut:
        thread = opening.thread
        answer = AssistantMessageItem(
            id=new_id("msg"),
            thread_id=thread.id,
            created_at=now(),
            content=[AssistantMessageContent(text=text)],
        )
        result = ChatOut(
            conversation_id=thread.id, response=text, tool_calls=list(self._tool_calls.values())
        )
        await self._keep(opening, [question, answer], 200, result.model_dump(mode="json"))
        return result

    async def _keep_failure(
        self, opening: _Opening, question: UserMessageItem, problem: Problem
    ) -> None:
        """Without a tool call nothing has happened; with one, the conversation has to know."""
        if self._tool_calls:
            names = ", ".join(call.name for call in self._tool_calls.values())
            note = SDKHiddenContextItem(
                id=new_id("shcx"),
                thread_id=opening.thread.id,
                created_at=now(),
                content=f"These tools were called, but no answer was given: {names}.",
            )
            await self._keep(opening, [question, note], problem.status, {"detail": problem.detail})
        elif self._attempt is not None:
            async with self._services.database.transaction() as session:
                await self._attempt.release(session)

    async def _keep(
        self, opening: _Opening, items: list[Any], status: int, answer: dict[str, Any]
    ) -> None:
        async with self._services.database.transaction() as session:
            threads = Threads(session, self._user_id)
            if opening.is_new:
                await threads.save(opening.thread)
            for item in items:
                await threads.put(opening.thread.id, item)
            if self._attempt is not None:
                await self._attempt.finish(session, status, answer)


def _text(output: Any) -> str:
    if isinstance(output, dict):
        return str(output.get("text", output))
    return str(output)
