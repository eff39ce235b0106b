"""The task's table and its forms on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from todo.columns import NO_NUL, BigIdentity, Moment, UtcDateTime, now

TITLE_LENGTH = 200
DESCRIPTION_LENGTH = 2000
MAX_OFFSET = 1_000_000
MAX_ID = 2**63 - 1

Title = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=TITLE_LENGTH,
        pattern=r"^[^\x00]*[^\s\x00][^\x00]*$",
    ),
]
Description = Annotated[str, StringConstraints(max_length=DESCRIPTION_LENGTH, pattern=NO_NUL)]
SearchText = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]

SortKey = Literal[
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "due_at",
    "-due_at",
    "title",
    "-title",
]


class TaskIn(BaseModel):
    """A task as a client writes it."""

    title: Title
    description: Description = ""
    due_at: Moment | None = None
    completed: bool = False


class Task(SQLModel, table=True):
    """A row of the table ``task``. ``version`` grows by one with each change."""

    __table_args__ = (Index("ix_task_user_created", "user_id", "created_at", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigIdentity)
    user_id: str = Field(max_length=255)
    title: str = Field(max_length=TITLE_LENGTH)
    description: str = Field(default="", max_length=DESCRIPTION_LENGTH)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    version: int = 1


class TaskQuery(BaseModel):
    """Which tasks to list. A parameter that is none of these is an error, not a wider list."""

    model_config = ConfigDict(extra="forbid")

    completed: bool | None = Field(default=None, description="Only such tasks.")
    q: SearchText | None = Field(default=None, description="Part of the title or the description.")
    due_before: Moment | None = Field(default=None, description="Only tasks due before this.")
    sort: SortKey = Field(default="-created_at", description="A minus sorts downwards.")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    limit: int = Field(default=50, ge=1, le=100)


class TaskOut(BaseModel):
    """A task as a client reads it. ``version`` is also the ETag."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    description: str
    due_at: datetime | None
    completed: bool
    created_at: datetime
    updated_at: datetime
    version: int


class TaskPage(BaseModel):
    """Some of the tasks; ``next_offset`` is null on the last page."""

    items: list[TaskOut]
    next_offset: int | None


class Completion(BaseModel):
    """Whether the task is to be completed (the default) or open again."""

    completed: bool = True
