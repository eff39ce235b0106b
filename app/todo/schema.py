"""Which schema this code works with, and which code a schema works with.

While a release is rolled out or back, two versions of the code share one database. So neither asks
for a schema of its own: the code names the oldest schema that it works with, here, and each
revision the oldest code that works with the schema after it, which is kept in the database. Code
is named by the newest revision that it has. ``app/README.md`` says how to write a revision.
"""

from typing import Literal

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

# Every revision below migrations/versions, oldest first. The server doesn't import Alembic, which
# could tell; a migration refuses to run when the two differ.
REVISIONS = ("0001",)
# With an older schema than this the code is not ready. A release that works without its own newest
# revisions names an earlier one, and is ready before the migration has run.
OLDEST_SCHEMA = REVISIONS[-1]

# For the schema that there is, every code that works with it, known to who reads it or not. Written
# with each step of a migration and like ``alembic_version`` no part of any revision: the code from
# before this table knows the schema by its revision alone.
COMPATIBLE_CODE = Table(
    "compatible_code",
    MetaData(),
    Column("schema_revision", String(32), primary_key=True),
    Column("code_revision", String(32), primary_key=True),
)

type SchemaState = Literal[
    "ok",
    "migrations missing",
    "schema older than the code: run the migration",
    "schema newer than the code and incompatible: run a newer release",
]


def state(connection: Connection) -> SchemaState:
    """Whether this code works with the schema that there is.

    Raises:
        DBAPIError: among others when no migration has ever run.
    """
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is None:
        return "migrations missing"
    if found in REVISIONS:
        if REVISIONS.index(found) >= REVISIONS.index(OLDEST_SCHEMA):
            return "ok"
        return "schema older than the code: run the migration"
    # Only newer code makes such a schema, and it keeps the table. Whatever else has made this one
    # does not say that this code works with it.
    said = select(COMPATIBLE_CODE.c.code_revision).where(
        COMPATIBLE_CODE.c.schema_revision == found,
        COMPATIBLE_CODE.c.code_revision == REVISIONS[-1],
    )
    if inspect(connection).has_table(COMPATIBLE_CODE.name) and connection.scalar(said) is not None:
        return "ok"
    return "schema newer than the code and incompatible: run a newer release"
