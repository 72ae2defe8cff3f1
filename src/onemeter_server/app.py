"""The application: the endpoints of the OneMeter Cloud API over a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from .api.auth import Services, nothing_there
from .api.document import DOCUMENT_PATH, TITLE, document_of
from .api.errors import install_error_handlers
from .api.export_routes import router as export_router
from .api.profile_routes import router as profile_router
from .api.ratelimit import RateLimiter
from .api.report_routes import router as report_router
from .api.routes import router
from .api.tolerance import install_tolerance
from .clock import Clock, system_clock
from .web.docs import router as pages

if TYPE_CHECKING:
    from .storage.database import Database

__all__ = ["Clock", "create_app", "system_clock"]


class _Application(FastAPI):
    """FastAPI with the API's own document."""

    @override
    def openapi(self) -> dict[str, Any]:
        """Return the document, which is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = document_of(self.routes)
        return self.openapi_schema


def create_app(
    database: Database,
    *,
    rate_limit_per_minute: float | None = None,
    clock: Clock = system_clock,
) -> FastAPI:
    """Return an application that answers from a database, which stays the caller's to close.

    `rate_limit_per_minute` holds for each key; `None` for no limit.
    """
    app = _Application(
        title=TITLE,
        openapi_url=DOCUMENT_PATH,
        # These pages would load scripts from elsewhere.
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
    app.add_exception_handler(HTTPException, nothing_there)
    install_tolerance(app)
    for routes in (router, export_router, profile_router, report_router, pages):
        app.include_router(routes)
    return app
