"""Retried requests: the same ``Idempotency-Key`` has its effect once and gets the same answer.

The semantics are those of the IETF draft draft-ietf-httpapi-idempotency-key-header: another
request under a used key is 422, a request whose first attempt is still under way is 409. Keys are
a user's own and are kept for 24 hours.

A process may be killed in the middle of an attempt. Where attempt and answer are one transaction
nothing of it is left. A longer attempt holds its key for a limited time; then a retry takes the key
over, unless the attempt had an effect, which would be had twice.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import JSON, ColumnElement, delete, update
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from todo.columns import UtcDateTime, now
from todo.database import insert
from todo.problems import Problem

KEPT = timedelta(hours=24)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes a retry safe: the first answer under this key is given again.",
    ),
]


class IdempotencyRecord(SQLModel, table=True):
    """A used key. ``status`` is null while an attempt is under way or after it was interrupted;
    ``answer`` is then null as long as the attempt has had no effect."""

    __tablename__ = "idempotency_key"

    user_id: str = Field(primary_key=True, max_length=255)
    key: str = Field(primary_key=True, max_length=255)
    request_hash: str = Field(max_length=64)
    status: int | None = None
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Attempt:
    """One attempt at a request with a key. Every method works in the caller's transaction."""

    def __init__(
        self, user_id: str, key: str, operation: str, body: BaseModel, *, lasts: timedelta = KEPT
    ) -> None:
        """``lasts``: how long it holds the key at most."""
        self._user_id = user_id
        self._key = key
        # What makes two requests the same.
        content = f"{operation}\n{body.model_dump_json()}"
        self._request_hash = hashlib.sha256(content.encode()).hexdigest()
        self._lasts = lasts
        self._since = now()

    async def claim(self, session: AsyncSession) -> IdempotencyRecord | None:
        """Claim the key.

        Returns None if it is ours now, and the finished record of the first attempt otherwise. A
        concurrent transaction with the same key waits here until the first one has ended (Postgres
        waits on the unique index, SQLite on the database).

        Raises:
            Problem: 422 if the key belongs to another request, 409 if the first attempt is under
                way or was interrupted after it had an effect.
        """
        await session.exec(
            delete(IdempotencyRecord).where(
                col(IdempotencyRecord.user_id) == self._user_id,
                col(IdempotencyRecord.created_at) < self._since - KEPT,
            )
        )
        statement = (
            insert(session, IdempotencyRecord)
            .values(
                user_id=self._user_id,
                key=self._key,
                request_hash=self._request_hash,
                created_at=self._since,
            )
            .on_conflict_do_nothing()
            .returning(col(IdempotencyRecord.key))
        )
        if (await session.exec(statement)).scalar_one_or_none() is not None:
            return None
        record = await session.get(IdempotencyRecord, (self._user_id, self._key))
        if record is None or record.request_hash != self._request_hash:
            raise Problem(422, "This Idempotency-Key was used for another request.")
        if record.status is not None:
            return record
        await self._take_over(session, record)
        return None

    async def _take_over(self, session: AsyncSession, record: IdempotencyRecord) -> None:
        if record.created_at > self._since - self._lasts:
            raise _under_way()
        if record.answer is not None:
            raise Problem(
                409,
                "The first request with this Idempotency-Key was interrupted after it had changed "
                "tasks. See what it has done, and go on with a new key.",
            )
        if not await self._update(session, record.created_at, created_at=self._since):
            raise _under_way()

    async def note_effect(self, session: AsyncSession) -> None:
        """Note that the attempt has an effect, in the transaction of that effect.

        Raises:
            Problem: 409 if another attempt has taken the key over.
        """
        if not await self._update(session, self._since, answer={}):
            raise _under_way()

    async def finish(self, session: AsyncSession, status: int, answer: dict[str, Any]) -> None:
        """Keep the answer. Raises like `note_effect`."""
        if not await self._update(session, self._since, status=status, answer=answer):
            raise _under_way()

    async def release(self, session: AsyncSession) -> None:
        """Give the key back: the attempt had no effect and may be made again."""
        await session.exec(delete(IdempotencyRecord).where(*self._held(self._since)))

    async def _update(self, session: AsyncSession, since: datetime, **values: Any) -> bool:
        """Whether the attempt that began at ``since`` still holds the key."""
        statement = update(IdempotencyRecord).where(*self._held(since)).values(**values)
        return bool((await session.exec(statement)).rowcount)

    def _held(self, since: datetime) -> list[ColumnElement[bool]]:
        return [
            col(IdempotencyRecord.user_id) == self._user_id,
            col(IdempotencyRecord.key) == self._key,
            col(IdempotencyRecord.created_at) == since,
            col(IdempotencyRecord.status).is_(None),
        ]


def _under_way() -> Problem:
    return Problem(
        409,
        "The first request with this Idempotency-Key is under way.",
        headers={"Retry-After": "5"},
    )
