"""The demo in a database: a year of history, and life after it."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from onemeter_server.app import create_app
from onemeter_server.database import Database
from onemeter_server.demo import DEMO_KEY, FLAT_ID, HOUSE_ID
from onemeter_server.demo_life import DemoClock, DemoLife

from .conftest import MovableClock, asking, at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

QUARTER = 900
SHORT = timedelta(days=2)


@pytest.fixture
def clock() -> MovableClock:
    clock = MovableClock()
    clock.move(minutes=7)
    return clock


@pytest.fixture
async def year(database: Database, clock: MovableClock) -> DemoLife:
    life = DemoLife(database, DemoClock(clock=clock))
    await life.begin()
    return life


@pytest.fixture
async def life(database: Database, clock: MovableClock) -> DemoLife:
    life = DemoLife(database, DemoClock(clock=clock), history=SHORT)
    await life.begin()
    return life


@pytest.fixture
async def demo(database: Database, clock: MovableClock) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(create_app(database, clock=clock), DEMO_KEY) as client:
        yield client


async def rows_of(api: httpx.AsyncClient, device_id: str, **query: str) -> list[dict[str, Any]]:
    answer = await api.get(f"devices/{device_id}/readings", params=query)
    rows: list[dict[str, Any]] = answer.json()["readings"]
    return rows


async def last_dates(api: httpx.AsyncClient) -> set[str]:
    devices = (await api.get("devices")).json()["devices"]
    return {device["lastReading"]["date"] for device in devices}


@pytest.mark.usefixtures("year")
async def test_there_is_a_house_and_a_flat(demo: httpx.AsyncClient) -> None:
    devices = (await demo.get("devices")).json()["devices"]

    assert [(device["_id"], device["info"]["name"]) for device in devices] == [
        (HOUSE_ID, "House"),
        (FLAT_ID, "Flat"),
    ]
    tariff = devices[0]["config"]["contract"]["distributionTariff"]
    assert tariff["name"] == "G12w"
    assert devices[1]["config"]["usageKeys"] == {"activeEnergy": "15_8_0"}
    assert devices[0]["usage"]["previousMonth"] > 100
    assert devices[0]["production"]["previousMonth"] > 100
    assert devices[1]["production"]["fullTime"] is None


@pytest.mark.usefixtures("year")
async def test_history_is_a_year_up_to_the_last_quarter_hour(demo: httpx.AsyncClient) -> None:
    for device_id in (HOUSE_ID, FLAT_ID):
        dates = [row["date"] for row in await rows_of(demo, device_id, codes="15_8_0")]

        assert len(dates) == 365 * 96 + 1
        assert dates[0] == "2023-05-24T10:00:00.000Z"
        assert dates[-1] == "2024-05-23T10:00:00.000Z"


async def test_a_reading_comes_each_quarter_hour(
    demo: httpx.AsyncClient, life: DemoLife, clock: MovableClock
) -> None:
    clock.move(minutes=7)
    await life.catch_up()
    assert await last_dates(demo) == {"2024-05-23T10:00:00.000Z"}

    clock.move(minutes=1)
    await life.catch_up()
    assert await last_dates(demo) == {"2024-05-23T10:15:00.000Z"}


async def test_what_was_slept_through_is_made_up_for(
    demo: httpx.AsyncClient, life: DemoLife, clock: MovableClock
) -> None:
    clock.move(hours=3)
    await life.catch_up()

    rows = await rows_of(demo, HOUSE_ID, **{"from": "2024-05-23T10:00:00Z"})
    assert [at(row["date"]) for row in rows] == [
        at("2024-05-23T10:00:00Z") + QUARTER * i for i in range(13)
    ]


async def test_life_goes_on_as_if_it_had_been_history(tmp_path: Path) -> None:
    async def told(url: str, *moves: timedelta) -> list[dict[str, Any]]:
        """Begin at noon, live on in these steps, each after a restart; return what is there."""
        clock = MovableClock()
        async with Database.open(url) as database:
            await DemoLife(database, DemoClock(clock=clock), history=SHORT).begin()
        for move in moves:
            clock.now += move
            async with Database.open(url) as database:
                await DemoLife(database, DemoClock(clock=clock), history=SHORT).begin()
        async with (
            Database.open(url) as database,
            asking(create_app(database), DEMO_KEY) as client,
        ):
            return await rows_of(client, HOUSE_ID)

    steps = await told(f"sqlite:///{tmp_path / 'a'}", timedelta(hours=1), timedelta(days=2))
    leap = await told(f"sqlite:///{tmp_path / 'b'}", timedelta(days=2, hours=1))

    assert steps == leap
    assert len(steps) == (48 + 49) * 4 + 1


def test_demo_time_runs_as_fast_as_told() -> None:
    real = MovableClock()
    clock = DemoClock(speed=60, clock=real)
    start = clock()
    real.move(seconds=10)

    assert start == MovableClock().now
    assert clock() - start == timedelta(minutes=10)


@pytest.mark.parametrize("speed", [0, -1])
def test_demo_time_runs_forward(speed: float) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        DemoClock(speed)


@pytest.mark.parametrize(
    ("speed", "minutes", "seconds"), [(1, 7, 60), (1, 14.5, 30), (60, 7, 8), (9000, 0, 0.1)]
)
def test_sleep_ends_at_the_next_quarter_hour(
    database: Database, speed: float, minutes: float, seconds: float
) -> None:
    real = MovableClock()
    real.move(minutes=minutes)

    life = DemoLife(database, DemoClock(speed, real))

    assert life.seconds_to_next() == pytest.approx(seconds)


async def test_a_fast_demo_lives_by_itself(database: Database) -> None:
    clock = DemoClock(speed=90_000)
    life = DemoLife(database, clock, history=SHORT)
    await life.begin()
    living = asyncio.create_task(life.live())
    try:
        async with (
            asyncio.timeout(20),
            asking(create_app(database, clock=clock), DEMO_KEY) as client,
        ):
            before = await last_dates(client)
            while await last_dates(client) <= before:
                pass
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
