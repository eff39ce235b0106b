"""What Alembic runs: each migration in one transaction, one command at a time."""

import asyncio

import todo.chat.models
import todo.idempotency
import todo.limits
import todo.tasks.models  # noqa: F401  (each adds its tables to the metadata)
from alembic import context
from sqlalchemy import Connection, text
from sqlmodel import SQLModel
from todo import logs
from todo.database import create_engine
from todo.failfast import fail
from todo.settings import SettingsError, load_database_url

# Any number that no other program locks in this database: two migration jobs must not run at once.
LOCK = 0x70D0


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.run_migrations()


async def run(url: str) -> None:
    engine = create_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


logs.configure()
try:
    url = load_database_url()
except SettingsError as error:
    fail(str(error))
try:
    asyncio.run(run(url))
except OSError as error:
    raise SystemExit(f"cannot migrate: the database can't be reached ({error.strerror})") from None
