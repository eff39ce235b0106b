"""Rate limits per user."""

import time
from collections import OrderedDict

from sqlalchemy import case
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from todo.database import insert
from todo.problems import Problem

WINDOW = 60  # seconds
REMEMBERED_USERS = 10_000


class RateLimiter:
    """A token bucket per user in this process's memory.

    It protects a worker, so it need not agree with the other worker's: a user gets at most the
    limit times the number of workers.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, user_id: str) -> None:
        """Raises Problem 429 when the user's bucket is empty."""
        now = time.monotonic()
        tokens, since = self._buckets.pop(user_id, (float(self.per_minute), now))
        tokens = min(self.per_minute, tokens + (now - since) * self.per_minute / WINDOW)
        allowed = tokens >= 1
        self._buckets[user_id] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > REMEMBERED_USERS:
            self._buckets.popitem(last=False)
        if not allowed:
            raise too_many(max(1, round((1 - tokens) * WINDOW / self.per_minute)))


class ChatCount(SQLModel, table=True):
    """How many turns a user has had in the current window; shared by all workers."""

    __tablename__ = "chat_count"

    user_id: str = Field(primary_key=True, max_length=255)
    window: int
    count: int


async def count_chat(session: AsyncSession, user_id: str, per_minute: int) -> None:
    """Count one chat turn, in the caller's transaction.

    Turns cost money, so the count is exact: it is in the database.

    Raises:
        Problem: 429 when the user has had ``per_minute`` turns in this minute.
    """
    seconds = int(time.time())
    window = seconds // WINDOW
    count = col(ChatCount.count)
    statement = (
        insert(session, ChatCount)
        .values(user_id=user_id, window=window, count=1)
        .on_conflict_do_update(
            index_elements=[col(ChatCount.user_id)],
            set_={
                "count": case((col(ChatCount.window) == window, count + 1), else_=1),
                "window": window,
            },
        )
        .returning(count)
    )
    if (await session.exec(statement)).scalar_one() > per_minute:
        raise too_many(WINDOW - seconds % WINDOW)


def too_many(retry_after: int) -> Problem:
    return Problem(429, "Too many requests.", headers={"Retry-After": str(retry_after)})
