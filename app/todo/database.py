"""The database: Neon's URLs, the connection pool, readiness."""

import asyncio
import logging
import ssl
import time
import uuid
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from todo import schema
from todo.problems import Problem
from todo.schema import SchemaState

logger = logging.getLogger("todo.database")

CONNECT_TIMEOUT = 5.0  # seconds
COMMAND_TIMEOUT = 10.0  # seconds a statement may take
READY_TIMEOUT = 3.0  # seconds
# Per worker. Two workers hold at most 20 connections, and Neon's smallest compute allows about 100.
POOL_SIZE = 5
POOL_OVERFLOW = 5
POOL_TIMEOUT = 5.0  # seconds that a request waits for a free connection
# Neon suspends an idle compute after five minutes and its connections with it.
POOL_RECYCLE = 280  # seconds
PING_AFTER = 10.0  # seconds that a connection may be idle and still be trusted
PING_TIMEOUT = 2.0  # seconds

type State = SchemaState | Literal["unreachable"]


class Database:
    """The engine and its sessions. Connects on first use, and again after the server restarts."""

    def __init__(self, url: str) -> None:
        """``url``: Postgres in libpq's form, or ``sqlite+aiosqlite:///file`` for development."""
        self.engine = create_engine(url)
        self._session = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """A session whose work is committed at the end of the block, and rolled back on an error.

        Raises:
            Problem: 503 if the database can't be reached or has no free connection, 504 if a
                statement takes longer than `COMMAND_TIMEOUT` or the server is silent.
        """
        with _problems():
            async with self._session() as session, session.begin():
                yield session

    @asynccontextmanager
    async def single(self) -> AsyncGenerator[AsyncSession]:
        """A session in which each statement is a transaction of its own.

        A third of the round trips where there is one statement. Raises like `transaction`.
        """
        with _problems():
            async with self._session(bind=self._autocommit) as session, session.begin():
                yield session

    async def state(self) -> State:
        """Whether the database answers and has a schema that this code works with."""
        try:
            async with asyncio.timeout(READY_TIMEOUT), self.engine.connect() as connection:
                return await connection.run_sync(schema.state)
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            # SQLite calls operational what Postgres calls a programming error.
            missing = isinstance(error, ProgrammingError) or "no such table" in str(error)
            return "migrations missing" if missing else "unreachable"

    async def close(self) -> None:
        await self.engine.dispose()


@contextmanager
def _problems() -> Generator[None]:
    """Turn the errors of a database that is at fault into problems."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        if isinstance(error, DBAPIError) and not _unavailable(error):
            raise
        slow = isinstance(error, TimeoutError)  # an OSError, which asyncpg raises bare
        logger.warning("database error", extra={"error": type(error).__name__})
        raise Problem(
            504 if slow else 503,
            "The database did not answer in time." if slow else "The database is unavailable.",
            headers={"Retry-After": "5"},
        ) from error


def _unavailable(error: DBAPIError) -> bool:
    """Whether the server is at fault, not the statement."""
    if error.connection_invalidated or isinstance(error, InterfaceError | OperationalError):
        return True
    # PostgreSQL's error classes (appendix A of its manual): connection exception, insufficient
    # resources, operator intervention.
    return str(getattr(error.orig, "sqlstate", ""))[:2] in ("08", "53", "57")


def create_engine(url: str) -> AsyncEngine:
    """An engine for a URL as Neon shows it, or for SQLite."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        engine = create_async_engine(target)
        event.listen(engine.sync_engine, "connect", _enforce_foreign_keys)
        return engine
    target, connect_args = asyncpg_arguments(target)
    engine = create_async_engine(
        target,
        connect_args=connect_args,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_TIMEOUT,
        pool_recycle=POOL_RECYCLE,
        # An error must not carry the values of a statement into a log.
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _check_connection)
    event.listen(engine.sync_engine, "checkin", _note_use)
    return engine


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
    arguments: dict[str, Any] = {
        "timeout": float(str(query.pop("connect_timeout", 0))) or CONNECT_TIMEOUT,
        "command_timeout": COMMAND_TIMEOUT,
    }
    # Parts of the start-up packet; Neon's `options` names the endpoint where there is no SNI.
    packet = {name: query.pop(name) for name in ("application_name", "options") if name in query}
    if packet:
        arguments["server_settings"] = packet
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


def _check_connection(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Give a connection out only if it lives; otherwise the pool tries another.

    asyncpg knows when the server has closed it. Only one that was idle may have been forgotten
    silently, so only that costs the round trips of SQLAlchemy's ``pool_pre_ping``.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError
    used = record.info.get("used")
    if used is not None and time.monotonic() - used > PING_AFTER:
        try:
            connection.run_async(lambda driver: driver.execute("SELECT 1", timeout=PING_TIMEOUT))
        except Exception:
            raise DisconnectionError from None


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _enforce_foreign_keys(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def insert(session: AsyncSession, table: type[SQLModel]) -> Any:
    """``INSERT`` with ``ON CONFLICT``, which Postgres and SQLite share but SQLAlchemy has twice."""
    dialect = session.get_bind().dialect.name
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)
