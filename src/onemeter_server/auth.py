"""Who asks: the key in the `Authorization` header, and its rate limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Header, Request

from .errors import too_many_requests, unauthorized
from .queries import Caller, find_caller

if TYPE_CHECKING:
    from .clock import Clock
    from .database import Database
    from .ratelimit import RateLimiter


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
    authorization: Annotated[str | None, Header()] = None,
) -> Caller:
    """Return whose request it is; raise the API's 401 or, above the key's rate, 429."""
    found = await find_caller(services.database, authorization) if authorization else None
    if found is None:
        raise unauthorized()
    if services.limiter is not None:
        retry_after = services.limiter.request(found.key)
        if retry_after is not None:
            raise too_many_requests(retry_after)
    return found


type CallerOf = Annotated[Caller, Depends(caller)]
type ServicesOf = Annotated[Services, Depends(services)]
