"""`onemeter-server run`."""

from __future__ import annotations

import typer

from onemeter_server.settings import DEFAULT_HOST, DEFAULT_PORT, ServerSettings
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store

from .errors import complete
from .options import (
    AccessLogOption,
    CertificateOption,
    DatabaseOption,
    HostOption,
    PortOption,
    PrivateKeyOption,
    RateLimitOption,
    default_database,
)
from .running import api_running, until_stopped


def run(  # noqa: PLR0913 - every option of the command is one
    *,
    host: HostOption = DEFAULT_HOST,
    port: PortOption = DEFAULT_PORT,
    database: DatabaseOption = None,
    rate_limit: RateLimitOption = None,
    certificate: CertificateOption = None,
    private_key: PrivateKeyOption = None,
    access_log: AccessLogOption = False,
) -> None:
    """Run the server until it is told to stop."""
    settings = ServerSettings(
        host=host,
        port=port,
        rate_limit=rate_limit,
        certificate=certificate,
        private_key=private_key,
        access_log=access_log,
    )
    complete(_run(database or default_database(), settings))


async def _run(url: str, settings: ServerSettings) -> None:
    async with Database.open(url) as database, api_running(database, settings):
        typer.echo(f"Devices: {await Store(database).count_devices()}")
        await until_stopped()
