"""Serving applications on Uvicorn: listening, TLS, errors below HTTP, and a graceful end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, override

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .api.errors import invalid_http, told

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from fastapi import FastAPI

REQUEST_SECONDS: Final = 10.0
"""How long a client may take to send the head of a request."""

_GRACE_SECONDS: Final = 5
_BACKLOG: Final = 128


class CertificateError(Exception):
    """A certificate, or the private key that belongs to it, cannot be used."""


class ApiProtocol(H11Protocol):
    """A connection of Uvicorn's that waits for requests in bounded time and speaks the API's JSON.

    What is no HTTP is answered before any application sees it.
    """

    request_deadline: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._expect_request()
        else:
            self._expect_nothing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    @override
    def send_400_response(self, msg: str) -> None:
        answer = told(invalid_http())
        head = h11.Response(
            status_code=answer.status_code,
            headers=[*answer.raw_headers, (b"connection", b"close")],
        )
        for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _expect_request(self) -> None:
        """Give up the connection unless the head of a request is there in time."""
        # Uvicorn's own timer ends connections that have been idle since the last answer.
        if self.request_deadline is None and self.timeout_keep_alive_task is None:
            self.request_deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _expect_nothing(self) -> None:
        if self.request_deadline is not None:
            self.request_deadline.cancel()
            self.request_deadline = None


class _Server(uvicorn.Server):
    """Uvicorn's server within a program that handles the signals itself."""

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises `OSError`."""
    if ":" not in host:
        return socket.create_server((host, port), backlog=_BACKLOG)
    every = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(
        (host, port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=every
    )


def address_of(listener: socket.socket, *, tls: bool = False) -> str:
    """Return the address of a listening socket as people open it, without a path."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if listener.family == socket.AF_INET6 else host
    return f"{'https' if tls else 'http'}://{shown}:{port}"


def tls_of(certificate: Path, private_key: Path | None) -> ssl.SSLContext:
    """Return what TLS needs of a certificate (PEM) and its private key, which may be in one file.

    Raises `CertificateError` when a file cannot be read, is no PEM, is locked by a password, or the
    two do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, private_key, password=lambda: "")
    except OSError as error:
        files = certificate if private_key is None else f"{certificate} with {private_key}"
        raise CertificateError(f"{files}: {error.strerror or error}") from error
    return context


@asynccontextmanager
async def serving(
    app: FastAPI,
    listener: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    access_log: bool = False,
) -> AsyncGenerator[None]:
    """Serve an application on a listening socket as long as the context lasts.

    At its end requests that are being answered have some seconds left. The socket is closed.
    """
    config = uvicorn.Config(
        app,
        http=ApiProtocol,
        ws="none",
        log_config=None,
        access_log=access_log,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    config.load()
    config.ssl = tls
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
