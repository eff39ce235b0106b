"""The tools that models call (Model Context Protocol), for the agent and for other MCP clients.

A server is made for one user, whose id comes from a verified token. No tool takes a user, so
nothing that a model writes can reach another user's tasks.
"""

import json
import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ClassVar, Literal

import mcp_types as types
from mcp.server.lowlevel import Server
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from todo import VERSION
from todo.columns import Moment
from todo.database import Database
from todo.problems import Problem
from todo.tasks.models import MAX_ID, Description, SearchText, Task, TaskIn, TaskOut, Title
from todo.tasks.store import TaskFilter, TaskStore

LISTED = 100
NAME = "todo"

logger = logging.getLogger("todo.tools")

type TaskId = Annotated[int, Field(ge=1, le=MAX_ID)]
type BeforeChange = Callable[[AsyncSession], Awaitable[None]]


class Tool(BaseModel):
    """A tool: its fields are the arguments, its docstring is what the model reads."""

    model_config = ConfigDict(extra="forbid")

    name: ClassVar[str]
    hints: ClassVar[types.ToolAnnotations]

    @abstractmethod
    async def run(self, tasks: TaskStore) -> dict[str, Any]:
        """Do it, and return what the model is told. Raises Problem."""

    @classmethod
    def definition(cls) -> types.Tool:
        return types.Tool(
            name=cls.name,
            description=cls.__doc__,
            input_schema=cls.model_json_schema(),
            annotations=cls.hints,
        )


class AddTask(Tool):
    """Add a task to the user's list."""

    name = "add_task"
    hints = types.ToolAnnotations(read_only_hint=False, destructive_hint=False)

    title: Title
    description: Description = ""
    due_at: Moment | None = Field(default=None, description="RFC 3339, with the offset.")

    async def run(self, tasks: TaskStore) -> dict[str, Any]:
        return _shown(await tasks.add(TaskIn(**self.model_dump())))


class ListTasks(Tool):
    """List the user's tasks, newest first, all of them or only the open or the completed ones."""

    name = "list_tasks"
    hints = types.ToolAnnotations(read_only_hint=True)

    status: Literal["all", "open", "completed"] = "all"
    search: SearchText | None = Field(
        default=None, description="Part of the title or the description."
    )

    async def run(self, tasks: TaskStore) -> dict[str, Any]:
        completed = None if self.status == "all" else self.status == "completed"
        where = TaskFilter(completed=completed, search=self.search)
        found = await tasks.find(where, limit=LISTED)
        return {"tasks": [_shown(task) for task in found], "truncated": len(found) == LISTED}


class CompleteTask(Tool):
    """Mark a task as completed, or as open again."""

    name = "complete_task"
    hints = types.ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=True
    )

    task_id: TaskId
    completed: bool = True

    async def run(self, tasks: TaskStore) -> dict[str, Any]:
        return _shown(await tasks.change(self.task_id, None, completed=self.completed))


class UpdateTask(Tool):
    """Change a task's title, description or due time. What is left out stays as it is."""

    name = "update_task"
    hints = types.ToolAnnotations(read_only_hint=False, idempotent_hint=True)

    task_id: TaskId
    title: Title | None = None
    description: Description | None = None
    due_at: Moment | None = Field(
        default=None, description="RFC 3339, with the offset; null for none."
    )

    async def run(self, tasks: TaskStore) -> dict[str, Any]:
        given = self.model_dump(exclude_unset=True, exclude={"task_id"})
        changes = {
            name: value for name, value in given.items() if value is not None or name == "due_at"
        }
        return _shown(await tasks.change(self.task_id, None, **changes))


class DeleteTask(Tool):
    """Delete a task for good."""

    name = "delete_task"
    hints = types.ToolAnnotations(read_only_hint=False, destructive_hint=True)

    task_id: TaskId

    async def run(self, tasks: TaskStore) -> dict[str, Any]:
        await tasks.remove(self.task_id)
        return {"deleted": self.task_id}


TOOLS: dict[str, type[Tool]] = {
    tool.name: tool for tool in (AddTask, ListTasks, CompleteTask, UpdateTask, DeleteTask)
}


def server_for(
    user_id: str, database: Database, before_change: BeforeChange | None = None
) -> Server[Any]:
    """An MCP server whose tools work on this user's tasks, each call in one transaction.

    ``before_change`` is called within the transaction of each tool that may change something.
    """

    async def list_tools(
        _context: Any, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[tool.definition() for tool in TOOLS.values()],
            # The same for everybody and for ever, but a client's cache is its own affair.
            ttl_ms=0,
            cache_scope="public",
        )

    async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            return _failed(f"There is no tool {params.name!r}.")
        try:
            call = tool.model_validate(params.arguments or {})
            async with database.transaction() as session:
                if before_change is not None and not tool.hints.read_only_hint:
                    await before_change(session)
                answer = await call.run(TaskStore(session, user_id))
        except ValidationError as error:
            parts = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]
            return _failed("; ".join(parts))
        except Problem as problem:
            return _failed(problem.detail)
        except Exception:  # whose words are not for models
            logger.exception("a tool failed", extra={"tool": tool.name})
            return _failed("An unexpected error occurred.")
        text = types.TextContent(type="text", text=_json(answer))
        return types.CallToolResult(content=[text], structured_content=answer)

    return Server(NAME, version=VERSION, on_list_tools=list_tools, on_call_tool=call_tool)


def _shown(task: Task) -> dict[str, Any]:
    return TaskOut.model_validate(task).model_dump(mode="json")


def _json(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False)


def _failed(message: str) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=message)], is_error=True
    )
