"""Column types and checks that several tables share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from sqlalchemy import BigInteger, DateTime, Dialect, Integer
from sqlalchemy.types import TypeDecorator

# SQLite numbers rows by itself only in a column that is exactly INTEGER.
BigIdentity = BigInteger().with_variant(Integer, "sqlite")

# Postgres has no NUL in text. The pattern says it in the OpenAPI document too.
NO_NUL = r"^[^\x00]*$"
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:")


def now() -> datetime:
    return datetime.now(UTC)


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None


def _only_rfc3339(value: object) -> object:
    """pydantic would take numbers too, as seconds since 1970."""
    if isinstance(value, str) and not _RFC3339.match(value):
        raise ValueError("is no date and time of RFC 3339")
    if isinstance(value, int | float):
        raise ValueError("is a number")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_only_rfc3339), AfterValidator(_to_utc)]
"""A point in time with its offset, kept in UTC."""


class UtcDateTime(TypeDecorator[datetime]):
    """``timestamptz``; in SQLite, which has no zones, UTC by agreement."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return value if value.tzinfo else value.replace(tzinfo=UTC)
