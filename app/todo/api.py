"""The API: everything that needs the database. Imported in the background, see `application`."""

from fastapi import FastAPI
from starlette.routing import Route

from todo import readiness
from todo.chat import routes as chat
from todo.database import Database
from todo.draining import Draining
from todo.limits import RateLimiter
from todo.mcp_endpoint import McpEndpoint
from todo.services import Services
from todo.settings import Settings
from todo.tasks import routes as tasks
from todo.tokens import create_verifier


def install(app: FastAPI, settings: Settings, draining: Draining) -> Services:
    """Add the API's routes to the application, and what they share."""
    services = Services(
        settings=settings,
        database=Database(settings.neon_database_url.get_secret_value()),
        verifier=create_verifier(settings),
        limiter=RateLimiter(settings.rate_limit_per_minute),
        draining=draining,
    )
    app.state.services = services
    app.include_router(readiness.router)
    app.include_router(tasks.router)
    app.include_router(chat.router)
    app.router.routes.append(Route("/mcp", McpEndpoint(services), methods=["POST"]))
    return services
