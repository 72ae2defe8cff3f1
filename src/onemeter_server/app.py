"""The application: the endpoints of the OneMeter Cloud API over a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from .auth import Services
from .clock import Clock, system_clock
from .errors import install_error_handlers
from .ratelimit import RateLimiter
from .routes import router

if TYPE_CHECKING:
    from .database import Database

__all__ = ["Clock", "create_app", "system_clock"]


def create_app(
    database: Database,
    *,
    rate_limit_per_minute: float | None = None,
    clock: Clock = system_clock,
) -> FastAPI:
    """Return an application that answers from a database, which stays the caller's to close.

    `rate_limit_per_minute` holds for each key; `None` for no limit.
    """
    app = FastAPI(
        title="OneMeter Cloud API",
        # Every request needs a key, and the pages would load scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = Services(
        database=database,
        clock=clock,
        limiter=(
            None if rate_limit_per_minute is None else RateLimiter(rate_limit_per_minute, clock)
        ),
    )
    install_error_handlers(app)
    app.include_router(router)
    return app
