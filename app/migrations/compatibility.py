"""What the revisions say about older code: checked, and kept in the database."""

import logging
from collections.abc import Iterable

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, insert
from sqlalchemy.schema import CreateTable
from todo import schema
from todo.schema import COMPATIBLE_CODE, OLDEST_SCHEMA, REVISIONS

logger = logging.getLogger("todo.migrations")


class IncompatibleError(Exception):
    """The revisions contradict themselves, or the schema is not for this code; one line."""


def oldest_code(scripts: ScriptDirectory) -> dict[str, str]:
    """Each revision, oldest first, and the oldest code that works with the schema after it.

    Raises:
        IncompatibleError: the revisions are not those of `todo.schema`, or one does not say
            ``oldest_code``, names none that is as old as itself or older, or takes back what an
            earlier one has ended.
    """
    found = list(scripts.walk_revisions())[::-1]
    follows = {each.revision: each.down_revision for each in found}
    if follows != dict(zip(REVISIONS, (None, *REVISIONS), strict=False)):
        raise IncompatibleError(
            f"the revisions below migrations/versions ({', '.join(follows)}) and those of REVISIONS"
            f" in todo/schema.py ({', '.join(REVISIONS)}) are not the same, one after the other"
        )
    if OLDEST_SCHEMA not in REVISIONS:
        raise IncompatibleError(f"OLDEST_SCHEMA in todo/schema.py, {OLDEST_SCHEMA}, is no revision")
    said: dict[str, str] = {}
    ended = 0  # how many of the oldest revisions' codes work no more
    for number, each in enumerate(found):
        named = getattr(each.module, "oldest_code", None)
        possible = REVISIONS[ended : number + 1]
        if named not in possible:
            raise IncompatibleError(
                f"{each.path}: oldest_code has to be one of {', '.join(possible)}, the oldest code"
                f" that works with the schema after this revision, not {named!r}"
            )
        ended = REVISIONS.index(named)
        said[each.revision] = named
    return said


def record(ctx: MigrationContext, said: dict[str, str], heads: Iterable[str]) -> None:
    """Keep which code works with the schema. ``said``: as from `oldest_code`."""
    ctx.execute(CreateTable(COMPATIBLE_CODE, if_not_exists=True))
    ctx.execute(delete(COMPATIBLE_CODE))
    for head in heads:
        for code in REVISIONS[REVISIONS.index(said[head]) : REVISIONS.index(head) + 1]:
            row = {"schema_revision": head, "code_revision": code}
            ctx.execute(insert(COMPATIBLE_CODE).values(row))


def is_done_by_newer_code(ctx: MigrationContext, command: str) -> bool:
    """Whether an upgrade finds a newer schema, with which this code works: it has nothing to do.

    Raises:
        IncompatibleError: this code does not know the schema and can neither upgrade nor
            downgrade it.
    """
    unknown = [head for head in ctx.get_current_heads() if head not in REVISIONS]
    if not unknown or command not in ("upgrade", "downgrade"):
        return False
    found = f"the schema is at revision {unknown[0]}, which this code ({REVISIONS[-1]}) has not"
    if command == "downgrade":
        raise IncompatibleError(f"{found}: undo it with the release that has it")
    if ctx.connection is None or schema.state(ctx.connection) != "ok":
        raise IncompatibleError(f"{found} and does not work with: run a release that has it")
    logger.info("nothing to migrate: %s but works with", found)
    return True
