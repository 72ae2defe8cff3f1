"""`onemeter-server demo`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated, Final

import typer

from onemeter_server.cli.errors import complete
from onemeter_server.cli.options import (
    HIGHEST_PORT,
    AccessLogOption,
    CertificateOption,
    HostOption,
    PortOption,
    PrivateKeyOption,
    RateLimitOption,
    greater_than_zero,
)
from onemeter_server.cli.running import api_running, until_stopped
from onemeter_server.serve import address_of, listen, serving
from onemeter_server.settings import DEFAULT_HOST, DEFAULT_PORT, ServerSettings
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store

from .control import CONTROL_HOST, create_control_app
from .life import DemoClock, DemoLife
from .meters import DEMO_KEY

_IN_MEMORY: Final = "sqlite+aiosqlite://"


def demo(  # noqa: PLR0913 - every option of the command is one
    *,
    host: HostOption = DEFAULT_HOST,
    port: PortOption = DEFAULT_PORT,
    database: Annotated[
        str, typer.Option(metavar="URL", help="Where the data is kept. Default: in memory.")
    ] = _IN_MEMORY,
    rate_limit: RateLimitOption = None,
    certificate: CertificateOption = None,
    private_key: PrivateKeyOption = None,
    access_log: AccessLogOption = False,
    speed: Annotated[
        float,
        typer.Option(metavar="N", help="Let time run N times as fast.", callback=greater_than_zero),
    ] = 1.0,
    control_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=HIGHEST_PORT,
            metavar="PORT",
            help=f"For tests: let everybody on this machine withhold, release and add readings and "
            f"replace the meters, without a key, at http://{CONTROL_HOST}:PORT/ (never at --host); "
            f"0 takes a free port. Default: off.",
        ),
    ] = None,
) -> None:
    """Serve two invented meters that live, with a history of a year and the key `demo`."""
    settings = ServerSettings(
        host=host,
        port=port,
        rate_limit=rate_limit,
        certificate=certificate,
        private_key=private_key,
        access_log=access_log,
    )
    complete(_demo(database, settings, DemoClock(speed), control_port))


async def _demo(
    url: str, settings: ServerSettings, clock: DemoClock, control_port: int | None
) -> None:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.open(url))
        life = DemoLife(database, clock)
        await life.begin()
        await stack.enter_async_context(api_running(database, settings, clock))
        if control_port is not None:
            listener = listen(CONTROL_HOST, control_port)
            await stack.enter_async_context(serving(create_control_app(database), listener))
            typer.echo(f"Its control interface is served at {address_of(listener)}/")
        typer.echo(f"Devices: {await Store(database).count_devices()}")
        typer.echo(f"Demo key: {DEMO_KEY}")
        await until_stopped(life.live())
