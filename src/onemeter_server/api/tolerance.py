"""What clients differ in: letters and slashes of paths, HEAD, CORS, compression."""

from __future__ import annotations

from http import HTTPMethod, HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WORDS: Final = {
    word.lower(): word
    for word in (
        *("api", "devices", "readings", "usages", "export", "quarter", "hour", "day"),
        *("data", "data.csv", "data.xlsx", "usageProfile", "report", "summary"),
        *("docs", "openapi.json"),
    )
}

_METHODS: Final = ("GET", "HEAD", "OPTIONS")

# JSON shrinks to a seventh at the lowest level already; each further one costs more than it gains.
_COMPRESSION: Final = 1
_WORTH_COMPRESSING_BYTES: Final = 1_000


class _AnyCase:
    """Takes paths in upper and lower case, with any slashes between and behind their parts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": canonical_path(scope["path"])}
        await self._app(scope, receive, send)


class _EveryMethod:
    """Answers HEAD as GET without the body, and OPTIONS by the methods that there are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope.get("method"):
            case HTTPMethod.OPTIONS:
                allowed = {"Allow": ", ".join(_METHODS)}
                answer = Response(status_code=HTTPStatus.NO_CONTENT, headers=allowed)
                await answer(scope, receive, send)
            case HTTPMethod.HEAD:

                async def send_head(message: Message) -> None:
                    if message["type"] == "http.response.body":
                        message = {**message, "body": b""}
                    await send(message)

                await self._app({**scope, "method": HTTPMethod.GET.value}, receive, send_head)
            case _:
                await self._app(scope, receive, send)


def install_tolerance(app: FastAPI) -> None:
    """Let an application answer all clients of the API, web pages of other hosts among them."""
    app.add_middleware(_AnyCase)
    app.add_middleware(
        GZipMiddleware, minimum_size=_WORTH_COMPRESSING_BYTES, compresslevel=_COMPRESSION
    )
    app.add_middleware(_EveryMethod)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=_METHODS,
        allow_headers=["Authorization"],
        expose_headers=["Retry-After"],
    )


def canonical_path(path: str) -> str:
    """Return a path as the routes write it."""
    parts = (part for part in path.split("/") if part)
    return "/" + "/".join(_WORDS.get(part.lower(), part) for part in parts)
