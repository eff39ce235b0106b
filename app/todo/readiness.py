"""Whether the service may have traffic."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from todo.database import State
from todo.services import ServicesDep

router = APIRouter(tags=["probes"])


class Readiness(BaseModel):
    ready: bool
    database: State


@router.get("/ready", responses={503: {"model": Readiness}})
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """Readiness: the database answers and its schema is one that this code works with."""
    state = await services.database.state()
    if state != "ok":
        response.status_code = 503
    return Readiness(ready=state == "ok", database=state)
