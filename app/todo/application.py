"""Puts the service together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from todo import VERSION, probes
from todo.database import Database
from todo.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; nothing is connected to before it is first needed."""
    database = Database(settings.neon_database_url.get_secret_value())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        await database.close()

    app = FastAPI(title="Todo", version=VERSION, lifespan=lifespan)
    app.state.settings = settings
    app.state.database = database
    app.include_router(probes.router)
    return app
