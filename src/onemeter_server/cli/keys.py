"""`onemeter-server key`: makes, lists and removes API keys."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from onemeter_server.storage.database import Database
from onemeter_server.storage.keys import new_key
from onemeter_server.storage.store import NameTakenError, Store

from .errors import complete, fail
from .options import DatabaseOption, default_database

DEFAULT_ACCOUNT: Final = "home"

app = typer.Typer(no_args_is_help=True, help="Make, list and remove API keys.")


@app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    account: Annotated[
        str, typer.Option(help="The account whose devices the key sees.")
    ] = DEFAULT_ACCOUNT,
    database: DatabaseOption = None,
) -> None:
    """Make a key and print it; it is not shown again."""
    complete(_add_key(database or default_database(), account, name))


@app.command("list")
def list_keys(database: DatabaseOption = None) -> None:
    """List the names of all keys."""
    complete(_list_keys(database or default_database()))


@app.command("remove")
def remove_key(
    name: Annotated[str, typer.Argument(help="The name that the key was made with.")],
    database: DatabaseOption = None,
) -> None:
    """Remove a key."""
    complete(_remove_key(database or default_database(), name))


async def _add_key(url: str, account: str, name: str) -> None:
    key = new_key()
    async with Database.open(url) as database:
        store = Store(database)
        try:
            await store.add_key(await store.add_account(account), name, key)
        except NameTakenError:
            fail(f"There is a key of the name {name} already")
    typer.echo(key)


async def _list_keys(url: str) -> None:
    async with Database.open(url) as database:
        for key in await Store(database).list_keys():
            typer.echo(f"{key.name}\t{key.account}")


async def _remove_key(url: str, name: str) -> None:
    async with Database.open(url) as database:
        if not await Store(database).remove_key(name):
            fail(f"There is no key of the name {name}")
