"""Puts the service together, in two steps so that it answers its liveness probe at once.

The first step needs FastAPI alone. The second, the API with its database layer, takes longer to
import than everything before it and runs in a thread while the worker already serves; whatever
needs it waits.
"""

import asyncio
import importlib
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from todo import VERSION, logs, metrics, middleware, probes, problems, warmup
from todo.draining import Draining
from todo.failfast import fail
from todo.settings import Settings

if TYPE_CHECKING:
    from todo.services import Services

logger = logging.getLogger("todo")


class Loading:
    """The second step: begun when the worker starts, awaited by what needs the API."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._task: asyncio.Task[Services] | None = None

    def begin(self, draining: Draining) -> None:
        self._task = asyncio.create_task(self._load(draining))

    async def done(self) -> "Services":
        """Wait until the API is there."""
        if self._task is None:
            raise RuntimeError("the application has not been started")
        return await asyncio.shield(self._task)

    async def _load(self, draining: Draining) -> "Services":
        try:
            api = await asyncio.to_thread(importlib.import_module, "todo.api")
            services: Services = api.install(self._app, self._settings, draining)
        except Exception:
            # Without it the worker would be alive for ever and never ready.
            logger.exception("the API could not be loaded")
            fail("cannot start: the API could not be loaded")
        if self._settings.warm_up == "start":
            services.warmup.begin()
        else:
            warmup.read_ahead()
        return services


class AfterLoading:
    """ASGI middleware: every request but those of the first step's own routes waits for the API."""

    def __init__(self, app: ASGIApp, loading: Loading) -> None:
        self.app = app
        self.loading = loading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in probes.PATHS:
            await self.loading.done()
        await self.app(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; nothing is connected to before it is first needed."""
    logs.configure()
    draining = Draining(settings.shutdown_grace_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        draining.listen()
        loading.begin(draining)
        yield
        await (await loading.done()).close()

    app = FastAPI(
        title="Todo",
        version=VERSION,
        description="Todo lists over REST, in natural language, over MCP and for ChatKit.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    loading = Loading(app, settings)
    problems.install(app)
    app.include_router(probes.router)

    observe = None
    if settings.metrics_token is not None:
        figures = metrics.Metrics()
        observe = figures.observe
        app.include_router(metrics.router(figures, settings.metrics_token))
    app.add_middleware(AfterLoading, loading=loading)
    app.add_middleware(middleware.RequestContext, ending=draining.started.is_set, observe=observe)
    return app
