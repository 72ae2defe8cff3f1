"""The command `onemeter-server`: runs the server and makes keys."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from sqlalchemy.exc import SQLAlchemyError

from .app import create_app
from .clock import system_clock
from .control import CONTROL_HOST, create_control_app
from .database import Database
from .demo import DEMO_KEY
from .demo_life import DemoClock, DemoLife
from .keys import new_key
from .serve import serving
from .store import NameTakenError, Store

if TYPE_CHECKING:
    from collections.abc import Coroutine

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8124
DEFAULT_ACCOUNT: Final = "home"

_IN_MEMORY: Final = "sqlite+aiosqlite://"
_HIGHEST_PORT: Final = 65_535

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
key_app = typer.Typer(no_args_is_help=True, help="Make, list and remove API keys.")
app.add_typer(key_app, name="key")

type DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Where the data is kept, e.g. sqlite:///cloud.sqlite. Default: a file in the "
        "user's data folder.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    host: str
    port: int
    database: str
    rate_limit: float | None
    demo: bool
    demo_speed: float
    control_port: int | None


@app.callback()
def main() -> None:
    """Serve the OneMeter Cloud API from this machine."""


@app.command()
def run(  # noqa: PLR0913 - every option of the command is one
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option(min=0, max=_HIGHEST_PORT, help="The port; 0 takes a free one.")
    ] = DEFAULT_PORT,
    database: DatabaseOption = None,
    rate_limit: Annotated[
        float | None,
        typer.Option(metavar="PER_MINUTE", help="Requests a minute and key. Default: any."),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="Serve two invented meters, in memory unless --database is given."
        ),
    ] = False,
    demo_speed: Annotated[
        float, typer.Option(metavar="N", help="Let the demo's time run N times as fast.")
    ] = 1.0,
    control_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=_HIGHEST_PORT,
            metavar="PORT",
            help=f"For tests: let everybody on this machine withhold, release and add readings and "
            f"replace the demo's meters, without a key, at http://{CONTROL_HOST}:PORT/ (never at "
            f"--host); 0 takes a free port. Default: off.",
        ),
    ] = None,
) -> None:
    """Run the server until it is told to stop."""
    if rate_limit is not None and rate_limit <= 0:
        raise typer.BadParameter("must be greater than 0", param_hint="--rate-limit")
    if demo_speed <= 0:
        raise typer.BadParameter("must be greater than 0", param_hint="--demo-speed")
    if database is None:
        database = _IN_MEMORY if demo else default_database()
    settings = _Settings(
        host=host,
        port=port,
        database=database,
        rate_limit=rate_limit,
        demo=demo,
        demo_speed=demo_speed,
        control_port=control_port,
    )
    # Where the loop cannot handle signals (Windows), Ctrl-C arrives as this exception.
    with suppress(KeyboardInterrupt):
        _complete(_run(settings))


@key_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    account: Annotated[
        str, typer.Option(help="The account whose devices the key sees.")
    ] = DEFAULT_ACCOUNT,
    database: DatabaseOption = None,
) -> None:
    """Make a key and print it; it is not shown again."""
    _complete(_add_key(database or default_database(), account, name))


@key_app.command("list")
def list_keys(database: DatabaseOption = None) -> None:
    """List the names of all keys."""
    _complete(_list_keys(database or default_database()))


@key_app.command("remove")
def remove_key(
    name: Annotated[str, typer.Argument(help="The name that the key was made with.")],
    database: DatabaseOption = None,
) -> None:
    """Remove a key."""
    _complete(_remove_key(database or default_database(), name))


def default_database() -> str:
    """Return the URL of a file in the user's data folder, which is made if it is missing."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    folder = Path(home) / "onemeter"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{folder / 'cloud.sqlite'}"


def _complete(work: Coroutine[None, None, None]) -> None:
    """Run a command to its end; tell the user what went wrong in one line."""
    try:
        asyncio.run(work)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        _fail(f"The database cannot be used: {str(error).splitlines()[0]}")
    except OSError as error:
        _fail(f"The server cannot start: {error}")


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(1)


async def _run(settings: _Settings) -> None:
    stopped = asyncio.Event()
    _stop_on_signals(stopped)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.open(settings.database))
        clock = DemoClock(settings.demo_speed) if settings.demo else system_clock
        life = None
        if isinstance(clock, DemoClock):
            life = DemoLife(database, clock)
            await life.begin()
        server = create_app(database, rate_limit_per_minute=settings.rate_limit, clock=clock)
        address = await stack.enter_async_context(serving(server, settings.host, settings.port))
        typer.echo(f"The OneMeter Cloud API is served at {address}")
        if settings.control_port is not None:
            control = await stack.enter_async_context(
                serving(create_control_app(database), CONTROL_HOST, settings.control_port, path="/")
            )
            typer.echo(f"Its control interface is served at {control}")
        typer.echo(f"Devices: {await Store(database).count_devices()}")
        if life is None:
            await stopped.wait()
            return
        typer.echo(f"Demo key: {DEMO_KEY}")
        await _live_until(stopped, life)


async def _live_until(stopped: asyncio.Event, life: DemoLife) -> None:
    """Let the demo live until it is stopped; raise what ends it before."""
    living = asyncio.create_task(life.live())
    stop = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait((living, stop), return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
    finally:
        living.cancel()
        stop.cancel()
        await asyncio.gather(living, stop, return_exceptions=True)


def _stop_on_signals(stopped: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)


async def _add_key(url: str, account: str, name: str) -> None:
    key = new_key()
    async with Database.open(url) as database:
        store = Store(database)
        try:
            await store.add_key(await store.add_account(account), name, key)
        except NameTakenError:
            _fail(f"There is a key of the name {name} already")
    typer.echo(key)


async def _list_keys(url: str) -> None:
    async with Database.open(url) as database:
        for key in await Store(database).list_keys():
            typer.echo(f"{key.name}\t{key.account}")


async def _remove_key(url: str, name: str) -> None:
    async with Database.open(url) as database:
        if not await Store(database).remove_key(name):
            _fail(f"There is no key of the name {name}")
