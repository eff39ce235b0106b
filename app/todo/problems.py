"""Errors as problem details (RFC 9457)."""

import http
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from todo.logs import request_id

MEDIA_TYPE = "application/problem+json"


class InvalidPart(BaseModel):
    """One part of the request that is not valid."""

    location: str = Field(description="Where it is, such as `body.title`")
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457 problem details; ``type`` is ``about:blank``, so ``title`` is the status's
    phrase."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Not Found", "status": 404}]}
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: list[InvalidPart] | None = None

    @classmethod
    def of(cls, problem: "Problem") -> "ProblemDetails":
        """The details of a problem in this request."""
        return cls(
            title=http.HTTPStatus(problem.status).phrase,
            status=problem.status,
            detail=problem.detail,
            request_id=request_id.get(),
        )


class Problem(Exception):
    """An error to answer with. ``detail`` is for the caller: no secret, no internals."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def response_for(problem: Problem, errors: list[InvalidPart] | None = None) -> JSONResponse:
    """The HTTP answer that carries a problem."""
    body = ProblemDetails.of(problem)
    body.errors = errors
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI ``responses`` of an operation that answers with these problems."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    return {
        status: {
            "description": http.HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: schema},
        }
        for status in statuses
    }


def sends_json(request: Request) -> bool:
    """Whether the request's media type is JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def install(app: FastAPI) -> None:
    """Answer every error of the application with problem details."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, error: Problem) -> JSONResponse:
        return response_for(error)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        problem = Problem(error.status_code, str(error.detail), headers=error.headers)
        return response_for(problem)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        if any(part["loc"] == ("body",) for part in error.errors()) and not sends_json(request):
            return response_for(Problem(415, "Send the body as `Content-Type: application/json`."))
        # Without the input itself: it may hold what must not be repeated.
        parts = [
            InvalidPart(location=".".join(map(str, part["loc"])), message=part["msg"])
            for part in error.errors()
        ]
        return response_for(Problem(422, "The request is not valid."), parts)
