"""What every test of the server stands on: a real database, an account, and a clock to move."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import inspect, text

from onemeter_server.app import create_app
from onemeter_server.demo.store import DemoStore
from onemeter_server.demo.tables import DemoBase
from onemeter_server.feeds.intake import Intake
from onemeter_server.models.records import DeviceRecord
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store
from onemeter_server.storage.tables import Base
from tests.postgres import allow_unix_sockets, needed_programs, postgres_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from fastapi import FastAPI
    from sqlalchemy import Connection

    from onemeter_server.models.records import Values
    from tests.postgres import PostgresServer

KEY = "the-key-of-this-account"
DEVICE_ID = "5b2f7a04-6c1d-4e8a-b3f9-0d8e7c6b5a41"

# A Thursday at noon in Warsaw; readings of the tests are dated by hours before and after it.
NOON = datetime(2024, 5, 23, 10, tzinfo=UTC)


@dataclass(slots=True)
class MovableClock:
    """A clock that stands still until the test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the tests ask as, and what they write with."""

    number: int
    database: Database
    store: Store
    intake: Intake
    demo: DemoStore

    async def add_device(self, record: DeviceRecord, *readings: tuple[int, Values]) -> None:
        """Add a device with its readings."""
        await self.store.add_device(self.number, record)
        await self.intake.take(record.id, readings)


def at(instant: str) -> int:
    """Return the epoch seconds of a date of the API."""
    return int(datetime.fromisoformat(instant).timestamp())


@asynccontextmanager
async def asking(app: FastAPI, key: str | None = KEY) -> AsyncGenerator[httpx.AsyncClient]:
    """Open a client of an application, without a socket."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {} if key is None else {"Authorization": key}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://cloud.test/api/", headers=headers
    ) as client:
        yield client


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of a process."""
    with postgres_server(needed_programs()) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a database that the tests of a process share, one after another."""
    with postgres.database("onemeter") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An empty database, of each kind: what goes through one is tested on both."""
    if request.param == "sqlite":
        async with Database.open("sqlite+aiosqlite://") as database:
            yield database
    else:
        allow_unix_sockets()
        async with Database.open(request.getfixturevalue("postgres_url")) as database:
            await database.write_on_connection(_make_empty)
            yield database


def _make_empty(connection: Connection) -> None:
    """Empty all tables; numbers begin anew, as they do in a new database."""
    names = {*Base.metadata.tables, *DemoBase.metadata.tables} & {
        *inspect(connection).get_table_names()
    }
    connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY"))


@pytest.fixture
async def account(database: Database) -> Account:
    store = Store(database)
    number = await store.add_account("Ada")
    await store.add_key(number, "Ada's key", KEY)
    return Account(
        number=number,
        database=database,
        store=store,
        intake=Intake(database),
        demo=await DemoStore.opened(database),
    )


@pytest.fixture
def app(account: Account, clock: MovableClock) -> FastAPI:
    return create_app(account.database, clock=clock)


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(app) as client:
        yield client


@pytest.fixture
def record() -> DeviceRecord:
    return DeviceRecord(id=DEVICE_ID, name="House", meter_id="PAF123")
