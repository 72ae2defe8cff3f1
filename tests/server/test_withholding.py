"""Readings that are kept back are invisible everywhere, and come back as they were."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_server.app import create_app
from onemeter_server.demo.spans import Span
from onemeter_server.demo.store import DemoStore
from onemeter_server.models.records import DeviceRecord
from onemeter_server.storage.database import Database
from onemeter_server.storage.devices import UnknownDeviceError
from onemeter_server.storage.store import Store

from .conftest import DEVICE_ID, KEY, NOON, MovableClock, asking

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from .conftest import Account

NOON_EPOCH = int(NOON.timestamp())
QUARTER = 900


def quarter(number: int) -> int:
    """Return the epoch seconds of a quarter-hour, counted from the first reading."""
    return NOON_EPOCH - (11 - number) * QUARTER


READINGS = [
    (quarter(i), {"1_8_0": 100 + i, "2_8_0": i, "16_7_0": 0.5, "0_2_2": "G11"}) for i in range(12)
]


@pytest.fixture
async def store(account: Account, record: DeviceRecord) -> DemoStore:
    """The store, with three hours of readings up to noon."""
    await account.add_device(record, *READINGS)
    return account.demo


async def told(api: httpx.AsyncClient) -> dict[str, Any]:
    """Return everything that the API says of the device."""
    readings = await api.get(f"devices/{DEVICE_ID}/readings")
    device = await api.get(f"devices/{DEVICE_ID}")
    return {"device": device.json(), "readings": readings.json()}


async def quarters(api: httpx.AsyncClient) -> list[int]:
    """Return the numbers of the quarter-hours whose readings are visible."""
    readings = (await told(api))["readings"].get("readings", [])
    return [row["1_8_0"] - 100 for row in readings]


async def test_a_device_looks_as_if_the_withheld_readings_did_not_exist(
    account: Account, store: DemoStore, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID, quarter(4), quarter(11))
    withheld = await told(api)

    await account.store.remove_device(DEVICE_ID)
    await account.add_device(DeviceRecord(id=DEVICE_ID, name="House", meter_id="PAF123"))
    await store.add_readings(DEVICE_ID, READINGS[:4])

    assert withheld == await told(api)
    assert withheld["device"]["lastReading"]["OBIS"]["1_8_0"] == 103
    assert withheld["device"]["usage"]["fullTime"] == 3
    assert withheld["device"]["production"]["fullTime"] == 3


async def test_released_readings_are_there_unchanged_and_in_order(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    before = await told(api)
    await store.withhold(DEVICE_ID, quarter(3), quarter(8))
    assert await told(api) != before

    await store.release(DEVICE_ID)

    assert await told(api) == before


async def test_both_bounds_are_withheld(store: DemoStore, api: httpx.AsyncClient) -> None:
    await store.withhold(DEVICE_ID, quarter(2), quarter(9))

    assert await quarters(api) == [0, 1, 10, 11]


async def test_a_hole_does_not_move_the_last_reading(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    before = (await told(api))["device"]["lastReading"]
    await store.withhold(DEVICE_ID, quarter(2), quarter(9))

    assert (await told(api))["device"]["lastReading"] == before | {"count": 4}


async def test_a_device_all_of_whose_readings_are_withheld_has_none(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID)

    answer = await api.get(f"devices/{DEVICE_ID}/readings")
    device = (await api.get(f"devices/{DEVICE_ID}")).json()

    assert answer.status_code == 404
    assert device["lastReading"] is device["initialReading"] is device["firstReading"] is None
    assert device["usage"]["fullTime"] is None


async def test_an_open_span_keeps_back_what_is_still_to_come(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID, quarter(10))
    await store.add_readings(DEVICE_ID, [(quarter(12), {"1_8_0": 112})])
    assert await quarters(api) == list(range(10))

    await store.release(DEVICE_ID)

    assert await quarters(api) == list(range(13))


async def test_a_span_without_a_start_keeps_back_what_is_uploaded_late(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID, None, quarter(5))
    await store.add_readings(DEVICE_ID, [(quarter(-1), {"1_8_0": 99})])

    assert await quarters(api) == list(range(6, 12))


async def test_one_upload_leaves_the_reader_out_of_range(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID, quarter(8))

    await store.release(DEVICE_ID, None, quarter(11))
    await store.add_readings(DEVICE_ID, [(quarter(12), {"1_8_0": 112})])
    assert await quarters(api) == list(range(12))

    await store.release(DEVICE_ID)
    assert await quarters(api) == list(range(13))


async def test_after_a_release_new_readings_appear_at_once(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID, quarter(8))
    await store.release(DEVICE_ID)
    await store.add_readings(DEVICE_ID, [(quarter(12), {"1_8_0": 112})])

    assert await quarters(api) == list(range(13))


async def test_part_of_a_span_can_be_released(store: DemoStore, api: httpx.AsyncClient) -> None:
    await store.withhold(DEVICE_ID, quarter(2), quarter(9))
    await store.release(DEVICE_ID, quarter(4), quarter(5))

    assert await quarters(api) == [0, 1, 4, 5, 10, 11]


async def test_a_withheld_reading_can_be_corrected(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID, quarter(11))
    await store.add_readings(DEVICE_ID, [(quarter(11), {"1_8_0": 150})])
    assert await quarters(api) == list(range(11))

    await store.release(DEVICE_ID)

    assert await quarters(api) == [*range(11), 50]


async def test_another_device_is_not_concerned(
    account: Account, store: DemoStore, api: httpx.AsyncClient
) -> None:
    other = DeviceRecord(id="0d1e2f30-4152-4637-8495-a6b7c8d9e0f1")
    await account.add_device(other, *READINGS)
    before = (await api.get(f"devices/{other.id}")).json()

    await store.withhold(DEVICE_ID)

    assert (await api.get(f"devices/{other.id}")).json() == before


async def test_a_device_is_removed_with_its_withheld_readings(
    account: Account, store: DemoStore, record: DeviceRecord, api: httpx.AsyncClient
) -> None:
    await store.withhold(DEVICE_ID)
    await account.store.remove_device(DEVICE_ID)
    await account.add_device(record, READINGS[0])
    await store.release(DEVICE_ID, quarter(1))

    assert await quarters(api) == [0]


async def test_withheld_readings_outlive_the_server(tmp_path: Path, record: DeviceRecord) -> None:
    url = f"sqlite:///{tmp_path / 'cloud.sqlite'}"
    async with Database.open(url) as database:
        accounts = Store(database)
        number = await accounts.add_account("Ada")
        await accounts.add_key(number, "Ada's key", KEY)
        await accounts.add_device(number, record)
        store = await DemoStore.opened(database)
        await store.add_readings(DEVICE_ID, READINGS)
        await store.withhold(DEVICE_ID, quarter(6))

    async with (
        Database.open(url) as database,
        asking(create_app(database, clock=MovableClock())) as api,
    ):
        store = DemoStore(database)
        await store.add_readings(DEVICE_ID, [(quarter(12), {"1_8_0": 112})])
        assert await quarters(api) == list(range(6))

        await store.release(DEVICE_ID)

        assert await quarters(api) == list(range(13))


type Step = tuple[str, Span]
"""What is done, and in which span of quarter-hours."""


@st.composite
def steps(draw: st.DrawFn) -> Step:
    bounds = st.none() | st.integers(0, 11)
    start, end = draw(bounds), draw(bounds)
    if start is not None and end is not None:
        start, end = min(start, end), max(start, end)
    return draw(st.sampled_from(["read", "withhold", "release"])), Span(start=start, end=end)


async def do(store: DemoStore, step: Step) -> None:
    what, span = step
    if what == "read":
        await store.add_readings(DEVICE_ID, [READINGS[i] for i in range(12) if i in span])
        return
    start = None if span.start is None else quarter(span.start)
    end = None if span.end is None else quarter(span.end)
    await (store.withhold if what == "withhold" else store.release)(DEVICE_ID, start, end)


@settings(max_examples=25, deadline=None)
@given(st.lists(steps(), max_size=8))
def test_visible_is_what_was_read_and_lies_in_no_withheld_span(done: list[Step]) -> None:
    async def run() -> None:
        read: set[int] = set()
        withheld: set[int] = set()
        async with Database.open("sqlite+aiosqlite://") as database:
            accounts = Store(database)
            number = await accounts.add_account("Ada")
            await accounts.add_key(number, "Ada's key", KEY)
            await accounts.add_device(number, DeviceRecord(id=DEVICE_ID))
            store = await DemoStore.opened(database)
            for what, span in done:
                await do(store, (what, span))
                instants = {i for i in range(12) if i in span}
                read |= instants if what == "read" else set()
                withheld |= instants if what == "withhold" else set()
                withheld -= instants if what == "release" else set()
            async with asking(create_app(database, clock=MovableClock())) as api:
                assert await quarters(api) == sorted(read - withheld)
                await store.release(DEVICE_ID)
                assert await quarters(api) == sorted(read)

    asyncio.run(run())


async def test_readings_added_while_a_span_is_being_withheld_do_not_slip_through(
    tmp_path: Path, record: DeviceRecord
) -> None:
    async with Database.open(f"sqlite:///{tmp_path / 'cloud.sqlite'}") as database:
        accounts = Store(database)
        await accounts.add_device(await accounts.add_account("Ada"), record)
        store = await DemoStore.opened(database)

        await asyncio.gather(
            *(
                work
                for reading in READINGS
                for work in (
                    store.add_readings(DEVICE_ID, [reading]),
                    store.withhold(DEVICE_ID, reading[0]),
                    store.withhold(DEVICE_ID, quarter(0), reading[0]),
                )
            )
        )

        inventory = await DemoStore(database).inventory(DEVICE_ID)
        assert inventory is not None
        assert (inventory.stored.count, inventory.withheld.count) == (0, 12)


async def test_only_readings_of_a_known_device_are_withheld_and_released(account: Account) -> None:
    with pytest.raises(UnknownDeviceError):
        await account.demo.withhold(DEVICE_ID)
    with pytest.raises(UnknownDeviceError):
        await account.demo.release(DEVICE_ID)
    with pytest.raises(UnknownDeviceError):
        await account.demo.replace_meter(DEVICE_ID)


async def test_a_span_that_ends_before_it_starts_is_refused(
    store: DemoStore, api: httpx.AsyncClient
) -> None:
    with pytest.raises(ValueError, match="before it starts"):
        await store.withhold(DEVICE_ID, quarter(5), quarter(4))
    with pytest.raises(ValueError, match="before it starts"):
        await store.release(DEVICE_ID, quarter(5), quarter(4))

    assert await quarters(api) == list(range(12))
