"""Reads and writes tasks. Every statement is scoped by the user, so another user's task is no
task."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from todo.columns import now
from todo.problems import Problem
from todo.tasks.models import SortKey, Task, TaskIn


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks to list; None means all."""

    completed: bool | None = None
    search: str | None = None
    """Part of the title or the description, in any case."""
    due_before: datetime | None = None


class TaskStore:
    """One user's tasks, within the caller's transaction."""

    def __init__(self, session: AsyncSession, user_id: str) -> None:
        self.session = session
        self.user_id = user_id

    async def add(self, task: TaskIn) -> Task:
        row = Task(user_id=self.user_id, **task.model_dump())
        self.session.add(row)
        await self.session.flush()
        return row

    async def find(
        self, where: TaskFilter, sort: SortKey = "-created_at", offset: int = 0, limit: int = 50
    ) -> Sequence[Task]:
        query = select(Task).where(col(Task.user_id) == self.user_id)
        if where.completed is not None:
            query = query.where(col(Task.completed) == where.completed)
        if where.search:
            query = query.where(
                or_(
                    col(Task.title).icontains(where.search, autoescape=True),
                    col(Task.description).icontains(where.search, autoescape=True),
                )
            )
        if where.due_before is not None:
            query = query.where(col(Task.due_at) < where.due_before)
        column: Any = getattr(Task, sort.removeprefix("-"))
        down = sort.startswith("-")
        order = column.desc() if down else column.asc()
        if column is Task.due_at:  # only here: elsewhere it would keep the index from being used
            order = order.nulls_last()
        # The id makes the order total, so that no page repeats or leaves out a task.
        query = query.order_by(order, col(Task.id).desc() if down else col(Task.id).asc())
        return (await self.session.exec(query.offset(offset).limit(limit))).all()

    async def get(self, task_id: int) -> Task:
        """Raises Problem 404 for a task that this user does not have."""
        query = select(Task).where(col(Task.id) == task_id, col(Task.user_id) == self.user_id)
        row = (await self.session.exec(query)).one_or_none()
        if row is None:
            raise Problem(404, f"There is no task {task_id}.")
        return row

    async def change(self, task_id: int, version: int | None, **values: Any) -> Task:
        """Set ``values``; with ``version``, only if the task still has it.

        One statement, so that no concurrent change can come between the check and the write. Where
        exactly this change has been made to that version already, the request is a retry and the
        task its answer (RFC 9110 section 13.1.1).

        Raises:
            Problem: 404 for a task that this user does not have, 412 if it has changed meanwhile.
        """
        statement = (
            update(Task)
            .where(*self._this(task_id, version))
            .values(**values, updated_at=now(), version=col(Task.version) + 1)
            .returning(Task)
            .execution_options(populate_existing=True)
        )
        row: Task | None = (await self.session.exec(statement)).scalar_one_or_none()
        if row is not None:
            return row
        row = await self.get(task_id)
        if version is not None and row.version == version + 1 > 1 and _has(row, values):
            return row
        raise _changed_meanwhile(row, version)

    async def remove(self, task_id: int, version: int | None = None) -> None:
        """Raises like `change`."""
        statement = delete(Task).where(*self._this(task_id, version)).returning(col(Task.id))
        if (await self.session.exec(statement)).scalar_one_or_none() is None:
            raise _changed_meanwhile(await self.get(task_id), version)

    def _this(self, task_id: int, version: int | None) -> list[Any]:
        where = [col(Task.id) == task_id, col(Task.user_id) == self.user_id]
        return where if version is None else [*where, col(Task.version) == version]


def _has(task: Task, values: dict[str, Any]) -> bool:
    return all(getattr(task, name) == value for name, value in values.items())


def _changed_meanwhile(task: Task, version: int | None) -> Problem:
    return Problem(412, f"Task {task.id} has version {task.version}, not {version}.")
