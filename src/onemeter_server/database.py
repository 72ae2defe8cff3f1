"""The database: opening it, and one place through which every transaction goes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import StaticPool

from .tables import Base

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from sqlalchemy import URL
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_ASYNC_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_SQLITE_PRAGMAS: Final = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
)


class Database:
    """An open database with all its tables. `Database.open` makes one."""

    def __init__(self, engine: AsyncEngine, *, single_connection: bool) -> None:
        """Take over an engine; with a single connection only one transaction runs at a time."""
        self._engine = engine
        self._turn = asyncio.Lock() if single_connection else nullcontext()
        self._running: set[asyncio.Task[object]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncGenerator[Self]:
        """Open the database of a SQLAlchemy URL, creating what tables are missing.

        `sqlite+aiosqlite://` lives in memory as long as it is open. Raises `SQLAlchemyError` when
        the URL makes no sense or the database cannot be opened.
        """
        parsed = _with_async_driver(make_url(url))
        in_memory = _is_sqlite(parsed) and parsed.database in {None, "", ":memory:"}
        threads: list[threading.Thread] = []
        engine = _create_engine(parsed, in_memory=in_memory, threads=threads)
        database = cls(engine, single_connection=in_memory)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            yield database
        finally:
            await asyncio.gather(*database._running, return_exceptions=True)
            await engine.dispose()
            # The driver's threads have been told to end, but are not waited for by anyone else.
            for thread in threads:
                thread.join()

    @property
    def dialect(self) -> str:
        """The SQL dialect: `sqlite` or `postgresql`."""
        return self._engine.dialect.name

    async def transact[T](self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Do some work in a transaction of its own: all of it or, if it raises, nothing.

        Cancelling the caller does not interrupt the transaction: a query cut in two would cost the
        connection, and with it a database in memory.
        """
        task = asyncio.create_task(self._transact(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _transact[T](self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with (
            self._turn,
            AsyncSession(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            return await work(session)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _with_async_driver(url: URL) -> URL:
    """Return the URL with the driver that the server uses, if it names none."""
    return url.set(drivername=_ASYNC_DRIVERS.get(url.drivername, url.drivername))


def _create_engine(url: URL, *, in_memory: bool, threads: list[threading.Thread]) -> AsyncEngine:
    """Return an engine; the threads that SQLite's driver starts are noted in `threads`."""
    if not _is_sqlite(url):
        return create_async_engine(url, hide_parameters=True)

    def connect(*arguments: object, **options: object) -> sqlite3.Connection:
        threads.append(threading.current_thread())
        return sqlite3.Connection(*arguments, **options)  # type: ignore[arg-type]

    engine = create_async_engine(
        url,
        connect_args={"factory": connect},
        # An error's text must not carry what was asked for (hashes of keys, names).
        hide_parameters=True,
        **({"poolclass": StaticPool} if in_memory else {}),
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
