"""Serving an application from the running event loop, with a clean end that needs no timers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, override

from uvicorn import Config
from uvicorn.server import ServerState

from onemeter_server.serve import ApiProtocol, address_of, listen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
    from typing import Any

    type Message = MutableMapping[str, Any]
    type Receive = Callable[[], Awaitable[Message]]
    type Send = Callable[[Message], Awaitable[None]]
    type ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]


class _Protocol(ApiProtocol):
    """A connection whose keep-alive timer never outlives it."""

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None


@asynccontextmanager
async def serving(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, *, path: str = "/api/"
) -> AsyncGenerator[str]:
    """Serve an application as long as the context lasts; yield its base URL, ending in `path`.

    At the end every connection and every request still open is broken off. Uvicorn's own server
    sleeps and polls, which hangs when tests freeze the time; here nothing waits for a timer.
    """
    config = Config(
        _quiet_when_cancelled(app),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    config.load()
    state = ServerState()
    state.default_headers = config.encoded_headers
    loop = asyncio.get_running_loop()
    listener = listen(host, port)
    server = await loop.create_server(
        lambda: _Protocol(config=config, server_state=state, app_state={}, _loop=loop),
        sock=listener,
    )
    try:
        yield f"{address_of(listener)}{path}"
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        # The connections learn in the next turn of the loop that they are lost.
        await asyncio.sleep(0)
        requests = list(state.tasks)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        await server.wait_closed()


def _quiet_when_cancelled(app: ASGIApp) -> ASGIApp:
    """Return an application whose broken-off requests are not reported as failures."""

    async def quiet(scope: Message, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            return

    return quiet
