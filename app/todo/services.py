"""What requests share within one worker, and the dependencies that hand it to them."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers

from todo.database import Database
from todo.draining import Draining
from todo.limits import RateLimiter
from todo.problems import Problem
from todo.settings import Settings
from todo.tokens import Verifier, unauthorized
from todo.warmup import Warmup

if TYPE_CHECKING:
    from todo.chat.agent import TodoAgent


@dataclass
class Services:
    """The parts of the running service."""

    settings: Settings
    database: Database
    verifier: Verifier
    limiter: RateLimiter
    draining: Draining
    warmup: Warmup = field(default_factory=Warmup)
    turns: set[asyncio.Future[Any]] = field(default_factory=set)
    """Work that outlives its request; awaited before the process ends."""
    _agent: "TodoAgent | None" = None

    async def agent(self) -> "TodoAgent":
        """The agent, once the SDKs are there."""
        await self.warmup.done()
        if self._agent is None:
            from todo.chat.agent import TodoAgent

            self._agent = TodoAgent(self.settings, self.database)
        return self._agent

    async def close(self) -> None:
        if self.turns:
            await asyncio.wait(self.turns)
        if self._agent is not None:
            await self._agent.close()
        await self.database.close()


# Dependencies are coroutines even where they await nothing: FastAPI runs the others in threads.
async def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]

_bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="A token that Better Auth signed."
)


async def admit(services: Services, headers: Headers) -> str:
    """The user whom the bearer token names. Raises Problem 401, or 429 above the rate limit."""
    given = headers.getlist("authorization")
    if len(given) > 1:  # whoever stands before this service may have looked at another one
        raise unauthorized("there is more than one Authorization header")
    scheme, _, token = "".join(given).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "A bearer token is needed.", headers={"WWW-Authenticate": "Bearer"})
    user_id = await services.verifier.user(token)
    services.limiter.check(user_id)
    services.warmup.begin()
    return user_id


async def verified_user(
    request: Request,
    services: ServicesDep,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """The user whom the bearer token names. Raises like `admit`."""
    return await admit(services, request.headers)


async def path_user(
    user_id: Annotated[str, Path(description="The id of the token's own user.")],
    verified: Annotated[str, Depends(verified_user)],
) -> str:
    """The user of the path, who must be the token's. Raises Problem 403 for another."""
    if user_id != verified:
        raise Problem(403, "The path names another user than the token.")
    return verified


VerifiedUser = Annotated[str, Depends(verified_user)]
PathUser = Annotated[str, Depends(path_user)]
