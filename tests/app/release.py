"""Releases that come after this one: copies of the application with further revisions."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from todo.schema import REVISIONS

from tests.app.service import APP


@dataclass(frozen=True)
class Revision:
    """A file below ``migrations/versions``; the statements are Python over ``op`` and ``sa``."""

    name: str
    oldest_code: str | None
    """None: it says nothing."""
    upgrade: str = "pass"
    downgrade: str = "pass"
    follows: str | None = None
    """Default: the one before it."""


# Expand: a column that no older code knows. Its code always fills it, so that a later release can
# contract: that column may not be empty any more.
EXPAND = Revision(
    "expand",
    oldest_code=REVISIONS[-1],
    upgrade='op.add_column("task", sa.Column("priority", sa.Integer))',
    downgrade='op.drop_column("task", "priority")',
)
CONTRACT = Revision(
    "contract",
    oldest_code="expand",
    upgrade='op.execute("UPDATE task SET priority = 0 WHERE priority IS NULL"); '
    'op.alter_column("task", "priority", nullable=False)',
    downgrade='op.alter_column("task", "priority", nullable=True)',
)


def build(
    folder: Path,
    *revisions: Revision,
    uses_priority: bool = False,
    oldest_schema: str | None = None,
    listed: Sequence[str] | None = None,
) -> Path:
    """Make a release; returns its folder.

    Args:
        folder: a new one.
        revisions: after those of this release.
        uses_priority: its code writes the column of `EXPAND`.
        oldest_schema: that its code works with; default: its newest.
        listed: the names that it adds to REVISIONS; default: those of ``revisions``.
    """
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    names = [*REVISIONS, *(revision.name for revision in revisions)]
    for before, revision in zip(names[len(REVISIONS) - 1 :], revisions, strict=False):
        says = f"oldest_code = {revision.oldest_code!r}\n" if revision.oldest_code else ""
        (folder / "migrations" / "versions" / f"{revision.name}.py").write_text(
            f'"""{revision.name}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
            f"revision = {revision.name!r}\ndown_revision = {revision.follows or before!r}\n{says}"
            f"\n\ndef upgrade():\n    {revision.upgrade}\n"
            f"\n\ndef downgrade():\n    {revision.downgrade}\n"
        )
    added = [revision.name for revision in revisions] if listed is None else listed
    _edit(
        folder / "todo" / "schema.py",
        "OLDEST_SCHEMA = ",
        f"REVISIONS += {tuple(added)!r}\n"
        + (f"OLDEST_SCHEMA = {oldest_schema!r} or " if oldest_schema else "OLDEST_SCHEMA = "),
    )
    if uses_priority:
        models = folder / "todo" / "tasks" / "models.py"
        line = "    version: int = 1\n"
        _edit(models, line, f"{line}    priority: int | None = 0\n")
    return folder


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise RuntimeError(f"{file}: {old!r} is there {text.count(old)} times")
    # The copy of a runfile may be one that nobody may write to.
    file.unlink()
    file.write_text(text.replace(old, new), encoding="utf-8")
