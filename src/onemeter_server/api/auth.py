"""Who asks: the key in the `Authorization` header, and its rate limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from onemeter_server.storage.store import Caller, Store

from .errors import ApiError, told, too_many_requests, unauthorized

if TYPE_CHECKING:
    from fastapi import Response

    from onemeter_server.clock import Clock
    from onemeter_server.storage.database import Database

    from .ratelimit import RateLimiter

_KEY: Final = APIKeyHeader(
    name="Authorization",
    scheme_name="API-Key",
    description="The key as it is, without a word such as `Bearer` before it.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What requests are answered with."""

    database: Database
    clock: Clock
    limiter: RateLimiter | None


async def services(request: Request) -> Services:
    """Return the services of the application that a request came to."""
    return cast("Services", request.app.state.services)


async def caller(
    services: Annotated[Services, Depends(services)],
    authorization: Annotated[str | None, Security(_KEY)],
) -> Caller:
    """Return whose request it is; raise the API's 401 or, above the key's rate, 429."""
    found = await Store(services.database).find_caller(authorization) if authorization else None
    if found is None:
        raise unauthorized()
    if services.limiter is not None:
        retry_after = services.limiter.request(found.key)
        if retry_after is not None:
            raise too_many_requests(retry_after)
    return found


async def nothing_there(request: Request, error: Exception) -> Response:
    """Answer a request that nobody takes: below `/api/` its key is looked at first."""
    if request.url.path.split("/")[1] == "api":
        try:
            await caller(request.app.state.services, request.headers.get("Authorization"))
        except ApiError as refusal:
            return told(refusal)
    return told(error)


type CallerOf = Annotated[Caller, Depends(caller)]
type ServicesOf = Annotated[Services, Depends(services)]
