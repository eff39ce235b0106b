"""What Alembic runs: each migration in one transaction, one command at a time.

An upgrade by older code than the database's, as in a release that is rolled back, changes nothing.
"""

import asyncio
from collections.abc import Collection

import todo.chat.models
import todo.idempotency
import todo.limits
import todo.tasks.models  # noqa: F401  (each adds its tables to the metadata)
from alembic import context
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from migrations.compatibility import (
    IncompatibleError,
    is_done_by_newer_code,
    oldest_code,
    record,
)
from sqlalchemy import Connection, text
from sqlmodel import SQLModel
from todo import logs
from todo.database import create_engine
from todo.failfast import fail
from todo.schema import COMPATIBLE_CODE
from todo.settings import SettingsError, load_database_url

# Any number that no other program locks in this database: two migration jobs must not run at once.
LOCK = 0x70D0


def migrate(connection: Connection) -> None:
    said = oldest_code(ScriptDirectory.from_config(context.config))
    steps = 0

    def after_step(
        ctx: MigrationContext, step: object, heads: Collection[str], run_args: object
    ) -> None:
        nonlocal steps
        steps += 1
        record(ctx, said, heads)

    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        include_name=lambda name, kind, _: (kind, name) != ("table", COMPATIBLE_CODE.name),
        on_version_apply=after_step,
        literal_binds=context.is_offline_mode(),
    )
    ctx = context.get_context()
    options = context.config.cmd_opts
    command = options.cmd[0].__name__ if options else ""
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if is_done_by_newer_code(ctx, command):
            return
        context.run_migrations()
        if command == "upgrade" and not steps and not context.is_offline_mode():
            # The database may be older than this record, or a revision's word have been changed.
            record(ctx, said, ctx.get_current_heads())


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
except IncompatibleError as error:
    raise SystemExit(f"cannot migrate: {error}") from None
