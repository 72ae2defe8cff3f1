"""What the server is compared with: one row per reading in a plain table, by a bare SQLAlchemy."""

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import JSON, BigInteger, Column, Integer, MetaData, Table, event, insert, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from .fleet import Reading

_NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_TABLES: Final = MetaData()
_READINGS: Final = Table(
    "plain_readings",
    _TABLES,
    Column("device", Integer, primary_key=True),
    Column("time", BigInteger, primary_key=True),
    Column("registers", JSON, nullable=False),
)


def name_of(url: str) -> str:
    """Return the name of the database that a URL is of."""
    return _NAMES[make_url(url).get_backend_name()]


@asynccontextmanager
async def plain_table(url: str) -> AsyncIterator[AsyncEngine]:
    """Open a database that has the plain table, as durable as the server's."""
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername=_DRIVERS[parsed.get_backend_name()]))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up)
    async with engine.begin() as connection:
        await connection.run_sync(_TABLES.create_all)
    try:
        yield engine
    finally:
        await engine.dispose()


async def insert_plainly(engine: AsyncEngine, device: int, readings: Sequence[Reading]) -> None:
    """Insert readings of a device in one transaction."""
    rows = [{"device": device, "time": time, "registers": values} for time, values in readings]
    async with engine.begin() as connection:
        await connection.execute(insert(_READINGS), rows)


def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
