"""Tasks over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import JSONResponse

from todo import idempotency
from todo.problems import Problem, documented
from todo.services import PathUser, ServicesDep
from todo.tasks.models import MAX_ID, Completion, Task, TaskIn, TaskOut, TaskPage, TaskQuery
from todo.tasks.store import TaskFilter, TaskStore

router = APIRouter(
    prefix="/api/{user_id}/tasks",
    tags=["tasks"],
    responses=documented(400, 401, 403, 413, 415, 422, 429, 503, 504),
)

TaskId = Annotated[int, Path(ge=1, le=MAX_ID)]


IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^(\*|(W/)?"[0-9]{1,9}")$',
        description='The ETag of the version to change, such as `"3"`; `*` for any.',
    ),
]


async def expected_version(if_match: IfMatch = None) -> int | None:
    """The version that If-Match names (RFC 9110 section 13.1.1), None for any."""
    if if_match is None or if_match == "*":
        return None
    return int(if_match.removeprefix("W/").strip('"'))


async def required_version(if_match: IfMatch = None) -> int | None:
    """The same where it must be given (RFC 6585 section 3).

    Raises:
        Problem: 428 without If-Match.
    """
    if if_match is None:
        raise Problem(
            428,
            "Send If-Match with the ETag of the task as you have read it, so that nobody's change "
            "in between is lost; or `If-Match: *` to replace whatever is there.",
        )
    return await expected_version(if_match)


ExpectedVersion = Annotated[int | None, Depends(expected_version)]
RequiredVersion = Annotated[int | None, Depends(required_version)]

_ETAG: dict[str, Any] = {
    "headers": {"ETag": {"description": "The task's version", "schema": {"type": "string"}}}
}


def _answer(task: Task, response: Response) -> TaskOut:
    response.headers["ETag"] = f'"{task.version}"'
    return TaskOut.model_validate(task)


@router.get("")
async def list_tasks(
    user_id: PathUser,
    services: ServicesDep,
    query: Annotated[TaskQuery, Query()],
) -> TaskPage:
    """The user's tasks, filtered, sorted, a page at a time."""
    where = TaskFilter(completed=query.completed, search=query.q, due_before=query.due_before)
    async with services.database.single() as session:
        store = TaskStore(session, user_id)
        found = await store.find(where, query.sort, query.offset, query.limit + 1)
    following = query.offset + query.limit if len(found) > query.limit else None
    return TaskPage.model_validate({"items": found[: query.limit], "next_offset": following})


@router.post(
    "",
    status_code=201,
    response_model=TaskOut,
    responses={201: _ETAG, **documented(409)},
)
async def create_task(
    task: TaskIn,
    user_id: PathUser,
    services: ServicesDep,
    idempotency_key: idempotency.Key = None,
) -> JSONResponse:
    """Create a task. With an Idempotency-Key a retry gives the first answer again."""
    if idempotency_key is None:
        async with services.database.single() as session:
            return _created(_shown(await TaskStore(session, user_id).add(task)))
    attempt = idempotency.Attempt(user_id, idempotency_key, "create_task", task)
    async with services.database.transaction() as session:
        first = await attempt.claim(session)
        if first is not None:
            return _created(first.answer or {}, replayed=True)
        answer = _shown(await TaskStore(session, user_id).add(task))
        await attempt.finish(session, 201, answer)
    return _created(answer)


def _shown(task: Task) -> dict[str, Any]:
    return TaskOut.model_validate(task).model_dump(mode="json")


def _created(answer: dict[str, Any], *, replayed: bool = False) -> JSONResponse:
    headers = {"ETag": f'"{answer["version"]}"'}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(answer, status_code=201, headers=headers)


@router.get("/{task_id}", responses={200: _ETAG, **documented(404)})
async def read_task(
    task_id: TaskId, user_id: PathUser, services: ServicesDep, response: Response
) -> TaskOut:
    """One task."""
    async with services.database.single() as session:
        return _answer(await TaskStore(session, user_id).get(task_id), response)


@router.put("/{task_id}", responses={200: _ETAG, **documented(404, 412, 428)})
async def replace_task(
    task_id: TaskId,
    task: TaskIn,
    user_id: PathUser,
    services: ServicesDep,
    response: Response,
    version: RequiredVersion,
) -> TaskOut:
    """Replace a task, if nobody has changed it meanwhile. A retry is answered like the first."""
    async with services.database.single() as session:
        store = TaskStore(session, user_id)
        return _answer(await store.change(task_id, version, **task.model_dump()), response)


@router.patch("/{task_id}/complete", responses={200: _ETAG, **documented(404, 412)})
async def complete_task(
    task_id: TaskId,
    user_id: PathUser,
    services: ServicesDep,
    response: Response,
    version: ExpectedVersion,
    completion: Completion | None = None,
) -> TaskOut:
    """Complete a task, or open it again with `{"completed": false}`. A retry changes no more."""
    completed = completion.completed if completion else True
    async with services.database.single() as session:
        store = TaskStore(session, user_id)
        return _answer(await store.change(task_id, version, completed=completed), response)


@router.delete(
    "/{task_id}", status_code=204, response_class=Response, responses=documented(404, 412)
)
async def delete_task(
    task_id: TaskId, user_id: PathUser, services: ServicesDep, version: ExpectedVersion
) -> None:
    """Delete a task. With If-Match only if nobody has changed it meanwhile."""
    async with services.database.single() as session:
        await TaskStore(session, user_id).remove(task_id, version)
