"""The database: Neon's URLs, the connection pool, readiness."""

import asyncio
import ssl
import uuid
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

CONNECT_TIMEOUT = 5.0  # seconds
COMMAND_TIMEOUT = 10.0  # seconds a statement may take
READY_TIMEOUT = 3.0  # seconds
# Per worker. Two workers hold at most 20 connections, and Neon's smallest compute allows about 100.
POOL_SIZE = 5
POOL_OVERFLOW = 5
POOL_TIMEOUT = 5.0  # seconds that a request waits for a free connection
# Neon suspends an idle compute after five minutes and its connections with it.
POOL_RECYCLE = 280  # seconds


class Database:
    """The engine and its sessions. Connects on first use, and again after a restart of the
    server."""

    def __init__(self, url: str) -> None:
        """``url``: Postgres in libpq's form, or ``sqlite+aiosqlite:///file`` for development."""
        self.engine = create_engine(url)
        self.session = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)

    async def state(self) -> str:
        """``ok``, or in a word what is wrong."""
        try:
            async with asyncio.timeout(READY_TIMEOUT), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return "unreachable"
        return "ok"

    async def close(self) -> None:
        await self.engine.dispose()


def create_engine(url: str) -> AsyncEngine:
    """An engine for a URL as Neon shows it, or for SQLite."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        engine = create_async_engine(target)
        event.listen(engine.sync_engine, "connect", _enforce_foreign_keys)
        return engine
    target, connect_args = asyncpg_arguments(target)
    return create_async_engine(
        target,
        connect_args=connect_args,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_TIMEOUT,
        pool_recycle=POOL_RECYCLE,
        pool_pre_ping=True,
        # An error must not carry the values of a statement into a log.
        hide_parameters=True,
    )


def asyncpg_arguments(url: URL) -> tuple[URL, dict[str, Any]]:
    """Translate libpq's URL parameters, which asyncpg's dialect does not know.

    ``sslmode`` keeps libpq's meaning. asyncpg has no channel binding, so
    ``channel_binding=require`` becomes ``verify-full``: the server proves by its certificate that
    nobody sits in the middle. A host with ``-pooler`` in its name is Neon's PgBouncer in
    transaction mode, where two clients may share a server connection: statements are not cached
    and their names never repeat.
    """
    query = dict(url.query)
    mode = str(query.pop("sslmode", "prefer"))
    if query.pop("channel_binding", None) == "require":
        mode = "verify-full"
    root = query.pop("sslrootcert", "system")
    arguments: dict[str, Any] = {"timeout": CONNECT_TIMEOUT, "command_timeout": COMMAND_TIMEOUT}
    if mode in ("verify-ca", "verify-full"):
        context = ssl.create_default_context(cafile=None if root == "system" else str(root))
        context.check_hostname = mode == "verify-full"
        arguments["ssl"] = context
    else:
        arguments["ssl"] = mode
    if "-pooler" in (url.host or ""):
        arguments["statement_cache_size"] = 0
        arguments["prepared_statement_cache_size"] = 0
        arguments["prepared_statement_name_func"] = lambda: f"__todo_{uuid.uuid4()}__"
    return url.set(drivername="postgresql+asyncpg", query=query), arguments


def _enforce_foreign_keys(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
