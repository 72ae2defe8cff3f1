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

from .migrate import bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import URL, Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_ASYNC_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_WRITES: Final = "onemeter_writes"

_SQLITE_PRAGMAS: Final = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is acknowledged is on disk
)

# Another process may take this long for one transaction, of many readings at a time.
_SQLITE_TIMEOUT_SECONDS: Final = 60


class Database:
    """An open database with all its tables. `Database.open` makes one."""

    def __init__(self, engine: AsyncEngine, *, in_memory: bool) -> None:
        """Take over an engine.

        SQLite writes in one transaction at a time: others wait here for their turn, not in vain for
        a lock. A database in memory has one connection, so reading waits as well.
        """
        self._engine = engine
        is_sqlite = engine.dialect.name == "sqlite"
        self._turn_to_write = asyncio.Lock() if is_sqlite else nullcontext()
        self._turn_to_read = self._turn_to_write if in_memory else nullcontext()
        self._running: set[asyncio.Task[object]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncGenerator[Self]:
        """Open the database of a SQLAlchemy URL, and bring its tables up to date.

        `sqlite+aiosqlite://` lives in memory as long as it is open. Raises `SQLAlchemyError` when
        the URL makes no sense or the database cannot be opened, and `DatabaseVersionError` when
        another version of the server has made it.
        """
        parsed = _with_async_driver(make_url(url))
        in_memory = _is_sqlite(parsed) and parsed.database in {None, "", ":memory:"}
        threads: list[threading.Thread] = []
        engine = _create_engine(parsed, in_memory=in_memory, threads=threads)
        database = cls(engine, in_memory=in_memory)
        try:
            await database.write_on_connection(bring_up_to_date)
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

    async def read[T](self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Read in a transaction of its own, which sees one state of the database.

        Cancelling the caller does not interrupt the transaction: a query cut in two would cost the
        connection, and with it a database in memory.
        """
        return await self._apart(self._transact(work, self._turn_to_read, writes=False))

    async def write[T](self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Do some work in a transaction of its own: all of it or, if it raises, nothing.

        When this returns, what has been written is on disk. Cancelling the caller does not
        interrupt the transaction.
        """
        return await self._apart(self._transact(work, self._turn_to_write, writes=True))

    async def write_on_connection(self, work: Callable[[Connection], None]) -> None:
        """Do some work that needs a connection itself in a transaction of its own."""

        async def with_session(session: AsyncSession) -> None:
            await (await session.connection()).run_sync(work)

        await self.write(with_session)

    def _options(self, *, writes: bool) -> dict[str, object]:
        """Return what a transaction has to be told.

        PostgreSQL, too, shows one state to all statements of a transaction that only reads. Those
        that write see what was done until they could hold a device.
        """
        if self.dialect == "postgresql" and not writes:
            return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return {_WRITES: writes}

    async def _apart[T](self, work: Coroutine[None, None, T]) -> T:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _transact[T](
        self,
        work: Callable[[AsyncSession], Awaitable[T]],
        turn: AbstractAsyncContextManager[None],
        *,
        writes: bool,
    ) -> T:
        async with (
            turn,
            AsyncSession(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            await session.connection(execution_options=self._options(writes=writes))
            return await work(session)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _with_async_driver(url: URL) -> URL:
    """Return the URL with the driver that the server uses, if it names none."""
    return url.set(drivername=_ASYNC_DRIVERS.get(url.drivername, url.drivername))


def _create_engine(url: URL, *, in_memory: bool, threads: list[threading.Thread]) -> AsyncEngine:
    """Return an engine; the threads that SQLite's driver starts are noted in `threads`."""
    if not _is_sqlite(url):
        # Connections of before a restart of the database are found out before they are used.
        return create_async_engine(url, hide_parameters=True, pool_pre_ping=True)

    def connect(*arguments: object, **options: object) -> sqlite3.Connection:
        threads.append(threading.current_thread())
        return sqlite3.Connection(*arguments, **options)  # type: ignore[arg-type]

    engine = create_async_engine(
        url,
        connect_args={"factory": connect, "timeout": _SQLITE_TIMEOUT_SECONDS},
        # An error's text must not carry what was asked for (hashes of keys, names).
        hide_parameters=True,
        **({"poolclass": StaticPool} if in_memory else {}),
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_on_sqlite)
    return engine


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, before the first change only.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_on_sqlite(connection: Connection) -> None:
    """Begin a transaction; one that writes takes the lock at once, not midway."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
