"""Puts the service together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from todo import VERSION, logs, metrics, middleware, probes, problems, warmup
from todo.chat import routes as chat
from todo.database import Database
from todo.draining import Draining
from todo.limits import RateLimiter
from todo.mcp_endpoint import McpEndpoint
from todo.services import Services
from todo.settings import Settings
from todo.tasks import routes as tasks
from todo.tokens import create_verifier


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; nothing is connected to before it is first needed."""
    logs.configure()
    services = Services(
        settings=settings,
        database=Database(settings.neon_database_url.get_secret_value()),
        verifier=create_verifier(settings),
        limiter=RateLimiter(settings.rate_limit_per_minute),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        services.draining = Draining(settings.shutdown_grace_seconds)
        services.draining.listen()
        warmup.read_ahead()
        yield
        await services.close()

    app = FastAPI(
        title="Todo",
        version=VERSION,
        description="Todo lists over REST, in natural language, over MCP and for ChatKit.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    problems.install(app)
    app.include_router(probes.router)
    app.include_router(tasks.router)
    app.include_router(chat.router)
    app.router.routes.append(Route("/mcp", McpEndpoint(services), methods=["POST"]))

    observe = None
    if settings.metrics_token is not None:
        figures = metrics.Metrics()
        observe = figures.observe
        app.include_router(metrics.router(figures, settings.metrics_token))
    app.add_middleware(middleware.RequestContext, observe=observe)
    return app
