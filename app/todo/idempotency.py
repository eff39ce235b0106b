"""Retried requests: the same ``Idempotency-Key`` has its effect once and gets the same answer.

The semantics are those of the IETF draft draft-ietf-httpapi-idempotency-key-header: another
request under a used key is 422, a request whose first attempt is still under way is 409. Keys are
a user's own and are kept for 24 hours.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import JSON, delete
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
    """A used key. ``answer`` is null while the first attempt is under way."""

    __tablename__ = "idempotency_key"

    user_id: str = Field(primary_key=True, max_length=255)
    key: str = Field(primary_key=True, max_length=255)
    request_hash: str = Field(max_length=64)
    status: int | None = None
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


def fingerprint(operation: str, body: BaseModel) -> str:
    """What makes two requests the same: the operation and the body."""
    return hashlib.sha256(f"{operation}\n{body.model_dump_json()}".encode()).hexdigest()


async def claim(
    session: AsyncSession, user_id: str, key: str, request_hash: str
) -> IdempotencyRecord | None:
    """Claim the key in the caller's transaction.

    Returns None if it is ours now, and the finished record of the first attempt otherwise. A
    concurrent transaction with the same key waits here until the first one has ended (Postgres
    waits on the unique index, SQLite on the database).

    Raises:
        Problem: 422 if the key belongs to another request, 409 if the first attempt is under way.
    """
    await session.exec(
        delete(IdempotencyRecord).where(
            col(IdempotencyRecord.user_id) == user_id,
            col(IdempotencyRecord.created_at) < now() - KEPT,
        )
    )
    statement = (
        insert(session, IdempotencyRecord)
        .values(user_id=user_id, key=key, request_hash=request_hash, created_at=now())
        .on_conflict_do_nothing()
        .returning(col(IdempotencyRecord.key))
    )
    if (await session.exec(statement)).scalar_one_or_none() is not None:
        return None
    record = await session.get(IdempotencyRecord, (user_id, key))
    if record is None or record.request_hash != request_hash:
        raise Problem(422, "This Idempotency-Key was used for another request.")
    if record.status is None:
        raise Problem(
            409,
            "The first request with this Idempotency-Key is under way or was interrupted.",
            headers={"Retry-After": "5"},
        )
    return record


async def finish(
    session: AsyncSession, user_id: str, key: str, status: int, answer: dict[str, Any]
) -> None:
    """Keep the answer of a claimed key, in the caller's transaction."""
    record = await session.get_one(IdempotencyRecord, (user_id, key))
    record.status = status
    record.answer = answer
    session.add(record)


async def release(session: AsyncSession, user_id: str, key: str) -> None:
    """Give the key back: the attempt had no effect and may be made again."""
    await session.exec(
        delete(IdempotencyRecord).where(
            col(IdempotencyRecord.user_id) == user_id, col(IdempotencyRecord.key) == key
        )
    )
