"""What an orchestrator asks: is it alive, may it have traffic, what is it."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from todo import VERSION
from todo.database import State
from todo.services import ServicesDep

router = APIRouter(tags=["probes"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    ready: bool
    database: State


class Version(BaseModel):
    version: str


@router.get("/health")
async def health() -> Health:
    """Liveness: the process answers. Never touches the database."""
    return Health()


@router.get("/ready", responses={503: {"model": Readiness}})
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """Readiness: the database answers and its schema is the one that this version needs."""
    state = await services.database.state()
    if state != "ok":
        response.status_code = 503
    return Readiness(ready=state == "ok", database=state)


@router.get("/version")
async def version() -> Version:
    """The version of the service."""
    return Version(version=VERSION)
