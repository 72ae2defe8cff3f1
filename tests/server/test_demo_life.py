"""The demo in a database: a year of history, and life after it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from onemeter_server.app import create_app
from onemeter_server.demo.life import DemoClock, DemoLife
from onemeter_server.demo.meters import DEMO_KEY, FLAT_ID, HOUSE_ID
from onemeter_server.demo.store import DemoStore
from onemeter_server.demo.tables import DemoMeterRow
from onemeter_server.storage.database import Database

from .conftest import MovableClock, asking, at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import httpx
    from sqlalchemy.ext.asyncio import AsyncSession

    type Step = Callable[[DemoStore], Awaitable[None]]

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


async def test_withheld_readings_of_the_living_demo_appear_when_they_are_released(
    database: Database, demo: httpx.AsyncClient, life: DemoLife, clock: MovableClock
) -> None:
    store = DemoStore(database)
    await store.withhold(HOUSE_ID, at("2024-05-23T10:15:00Z"))
    for _ in range(4):
        clock.move(minutes=15)
        await life.catch_up()

    house, flat = (await demo.get("devices")).json()["devices"]
    assert house["lastReading"]["date"] == "2024-05-23T10:00:00.000Z"
    assert flat["lastReading"]["date"] == "2024-05-23T11:00:00.000Z"

    await store.release(HOUSE_ID)

    assert await last_dates(demo) == {"2024-05-23T11:00:00.000Z"}
    assert len(await rows_of(demo, HOUSE_ID)) == len(await rows_of(demo, FLAT_ID))


@dataclass(frozen=True, slots=True)
class Lives:
    """Two demos that begin at the same time, one of them with restarts, in files of their own."""

    folder: Path

    async def house(self, *steps: Step, restarts: bool) -> list[dict[str, Any]]:
        """Return the house's readings after these steps, with an hour after each of them."""
        clock = MovableClock()
        url = f"sqlite:///{self.folder / f'restarts {restarts}'}"
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(Database.open(url))
            life = DemoLife(database, DemoClock(clock=clock), history=SHORT)
            await life.begin()
            for step in steps:
                await step(DemoStore(database))
                clock.move(hours=1)
                if restarts:
                    await stack.aclose()
                    database = await stack.enter_async_context(Database.open(url))
                    life = DemoLife(database, DemoClock(clock=clock), history=SHORT)
                    await life.begin()
                else:
                    await life.catch_up()
            async with asking(create_app(database), DEMO_KEY) as client:
                return await rows_of(client, HOUSE_ID)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            (
                lambda store: store.withhold(HOUSE_ID),
                lambda store: store.release(HOUSE_ID),
            ),
            id="while everything is withheld",
        ),
        pytest.param(
            (
                lambda store: store.withhold(HOUSE_ID, None, at("2024-05-22T00:00:00Z")),
                lambda store: store.withhold(HOUSE_ID, at("2024-05-23T10:00:00Z")),
            ),
            id="while both ends are withheld",
        ),
        pytest.param(
            (
                lambda store: store.add_readings(HOUSE_ID, [(0, {"1_8_0": 1})]),
                lambda store: store.add_readings(
                    HOUSE_ID, [(at("2024-06-01T00:00:00Z"), {"1_8_0": 1})]
                ),
            ),
            id="after readings with wrong dates",
        ),
        pytest.param(
            (
                lambda store: store.replace_meter(HOUSE_ID, {"1_8_0": 5}),
                lambda store: store.replace_meter(HOUSE_ID),
                lambda store: store.withhold(HOUSE_ID),
                lambda store: store.replace_meter(HOUSE_ID, {"1_8_0": 7}),
                lambda store: store.release(HOUSE_ID),
            ),
            id="after meters were replaced",
        ),
    ],
)
async def test_a_restart_changes_nothing(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    lives = Lives(tmp_path)

    through = await lives.house(*steps, restarts=False)
    restarted = await lives.house(*steps, restarts=True)

    assert through == restarted
    assert len(through) > 100


ENERGY = ("1_8_0", "1_8_1", "1_8_2", "2_8_0", "5_8_0", "8_8_0", "15_8_0")


async def counted(
    database: Database,
    clock: MovableClock,
    demo: httpx.AsyncClient,
    *meters: dict[str, float] | None,
) -> list[dict[str, Any]]:
    """Replace the meter of the house after each hour; return the readings from noon on."""
    life = DemoLife(database, DemoClock(clock=clock), history=SHORT)
    await life.begin()
    for registers in meters:
        if registers is not None:
            await DemoStore(database).replace_meter(HOUSE_ID, registers)
        clock.move(hours=1)
        await life.catch_up()
    return await rows_of(demo, HOUSE_ID, **{"from": "2024-05-23T10:00:00Z"})


@pytest.fixture
async def same_meter(clock: MovableClock) -> list[dict[str, Any]]:
    """The readings of the house from noon on, had its meter not been replaced."""
    time = MovableClock(clock.now)
    async with (
        Database.open("sqlite+aiosqlite://") as database,
        asking(create_app(database, clock=time), DEMO_KEY) as client,
    ):
        return await counted(database, time, client, None, None)


async def test_a_new_meter_counts_from_its_start_values_what_the_old_one_would_have_counted(
    database: Database,
    clock: MovableClock,
    demo: httpx.AsyncClient,
    same_meter: list[dict[str, Any]],
) -> None:
    rows = await counted(database, clock, demo, {"2_8_0": 12.5}, None)

    assert rows[0] == same_meter[0]
    for row, same in zip(rows[1:], same_meter[1:], strict=True):
        for code in ENERGY:
            start = 12.5 if code == "2_8_0" else 0
            assert row[code] == pytest.approx(start + same[code] - same_meter[0][code], abs=1e-6)
        assert {code: row[code] for code in row if code not in ENERGY} == {
            code: same[code] for code in same if code not in ENERGY
        }
    assert rows[1]["1_8_0"] < 1 < rows[0]["1_8_0"]


async def test_a_meter_can_be_replaced_again(
    database: Database,
    clock: MovableClock,
    demo: httpx.AsyncClient,
    same_meter: list[dict[str, Any]],
) -> None:
    rows = await counted(database, clock, demo, {"1_8_0": 100}, {"1_8_0": 200})

    last, before = same_meter[-1]["1_8_0"], same_meter[4]["1_8_0"]
    assert rows[-1]["1_8_0"] == pytest.approx(200 + last - before, abs=1e-6)


async def test_of_meters_replaced_between_two_readings_the_last_one_counts(
    database: Database, clock: MovableClock, demo: httpx.AsyncClient, life: DemoLife
) -> None:
    store = DemoStore(database)
    await store.replace_meter(HOUSE_ID, {"1_8_0": 100})
    await store.replace_meter(HOUSE_ID, {"1_8_0": 200})
    clock.move(minutes=15)
    await life.catch_up()

    assert 200 <= (await rows_of(demo, HOUSE_ID))[-1]["1_8_0"] < 201


@pytest.mark.parametrize("start", [{}, {"1_8_0": 30.03, "1_8_1": 10.01, "1_8_2": 20.02}])
async def test_the_parts_of_a_new_meter_add_up(
    database: Database, clock: MovableClock, demo: httpx.AsyncClient, start: dict[str, float]
) -> None:
    rows = await counted(database, clock, demo, start, *(None for _ in range(30)))

    assert len(rows) == 31 * 4 + 1
    for row in rows:
        assert round(row["1_8_1"] + row["1_8_2"], 2) == row["1_8_0"]


async def test_a_new_meter_counts_for_one_device_and_changes_no_given_reading(
    database: Database, clock: MovableClock, demo: httpx.AsyncClient, life: DemoLife
) -> None:
    store = DemoStore(database)
    before = (await rows_of(demo, FLAT_ID))[-1]["15_8_0"]
    await store.replace_meter(HOUSE_ID)
    await store.add_readings(HOUSE_ID, [(at("2024-05-23T10:10:00Z"), {"1_8_0": 777})])
    clock.move(minutes=15)
    await life.catch_up()

    given, next_one = (await rows_of(demo, HOUSE_ID))[-2:]
    assert given == {"date": "2024-05-23T10:10:00.000Z", "1_8_0": 777}
    assert next_one["1_8_0"] < 1
    assert (await rows_of(demo, FLAT_ID))[-1]["15_8_0"] >= before


async def test_a_demo_of_before_there_were_records_of_its_meters_goes_on(tmp_path: Path) -> None:
    async def forget(store: DemoStore) -> None:
        async def work(session: AsyncSession) -> None:
            await session.execute(delete(DemoMeterRow))

        await store._database.write(work)  # noqa: SLF001 - as an older version left it

    async def nothing(_store: DemoStore) -> None:
        pass

    lives = Lives(tmp_path)

    assert await lives.house(forget, nothing, restarts=True) == await lives.house(
        nothing, nothing, restarts=False
    )
