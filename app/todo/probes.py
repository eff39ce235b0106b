"""What is answered from the first moment: is it alive, what is it."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from todo import VERSION

PATHS = frozenset({"/health", "/version"})

router = APIRouter(tags=["probes"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Version(BaseModel):
    version: str


@router.get("/health")
async def health() -> Health:
    """Liveness: the process answers. Never touches the database."""
    return Health()


@router.get("/version")
async def version() -> Version:
    """The version of the service."""
    return Version(version=VERSION)
