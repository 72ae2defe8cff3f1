"""Running servers until the user stops the command."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import typer

from onemeter_server.app import create_app
from onemeter_server.clock import system_clock
from onemeter_server.serve import CertificateError, address_of, listen, serving, tls_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

    from onemeter_server.clock import Clock
    from onemeter_server.settings import ServerSettings
    from onemeter_server.storage.database import Database


@asynccontextmanager
async def api_running(
    database: Database, settings: ServerSettings, clock: Clock = system_clock
) -> AsyncGenerator[None]:
    """Serve the API of a database as long as the context lasts, and say where.

    Raises `CertificateError`, and `OSError` when it cannot listen.
    """
    if settings.access_log:
        _log_requests()
    tls = None
    if settings.certificate is not None:
        tls = tls_of(settings.certificate, settings.private_key)
    elif settings.private_key is not None:
        raise CertificateError(f"{settings.private_key} is the private key of none")
    app = create_app(database, rate_limit_per_minute=settings.rate_limit, clock=clock)
    listener = listen(settings.host, settings.port)
    async with serving(app, listener, tls=tls, access_log=settings.access_log):
        address = address_of(listener, tls=tls is not None)
        typer.echo(f"The OneMeter Cloud API is served at {address}/api/")
        yield


async def until_stopped(*works: Coroutine[None, None, None]) -> None:
    """Wait until the user stops the command; raise what ends one of the works before."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    tasks = [asyncio.create_task(work) for work in (stopped.wait(), *works)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_requests() -> None:
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
