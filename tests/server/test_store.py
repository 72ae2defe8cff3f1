"""What is written stays, once, and secrets are not among it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from onemeter_server.feeds.intake import Intake
from onemeter_server.models.records import StoredReading
from onemeter_server.storage.database import Database
from onemeter_server.storage.days import Window, read_pages
from onemeter_server.storage.devices import UnknownDeviceError, find_device, find_devices
from onemeter_server.storage.keys import new_key
from onemeter_server.storage.store import KeyRecord, NameTakenError, Store

from .conftest import DEVICE_ID

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncSession

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account


async def stored(account: Account) -> list[tuple[int, Any]]:
    """Return everything that is stored of the device."""
    device = await find_device(account.database, account.number, DEVICE_ID)
    assert device is not None
    return [
        (reading.time, reading.values)
        async for page in read_pages(account.database, device.number, Window())
        for reading in page
    ]


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_adding_the_same_readings_twice_changes_nothing(
    account: Account, record: DeviceRecord
) -> None:
    readings = [(900 * i, {"1_8_0": i}) for i in range(5)]
    await account.add_device(record, *readings)
    await account.intake.take(DEVICE_ID, reversed(readings))

    assert await stored(account) == readings


async def test_a_reading_is_corrected_register_by_register(
    account: Account, record: DeviceRecord
) -> None:
    await account.add_device(record, (900, {"1_8_0": 1, "2_8_0": 1}))
    await account.intake.take(DEVICE_ID, [(900, {"1_8_0": 2})])

    assert await stored(account) == [(900, {"1_8_0": 2, "2_8_0": 1})]


async def test_readings_of_an_unknown_device_are_refused(account: Account) -> None:
    with pytest.raises(UnknownDeviceError):
        await account.intake.take(DEVICE_ID, [(900, {"1_8_0": 1})])


async def test_a_device_is_stored_as_it_was_given(account: Account, record: DeviceRecord) -> None:
    full = replace(record, extra={"tags": ["a", {"b": None}]}, omit=("meta",), multiplier=2.5)
    await account.add_device(full)

    assert [device.record for device in await find_devices(account.database, account.number)] == [
        full
    ]


async def test_a_device_can_be_changed(account: Account, record: DeviceRecord) -> None:
    await account.add_device(record, (900, {"1_8_0": 1}))
    await account.store.update_device(replace(record, name="Barn"))

    device = await find_device(account.database, account.number, DEVICE_ID)

    assert device is not None
    assert device.record.name == "Barn"
    assert await stored(account) == [(900, {"1_8_0": 1})]


async def test_a_device_is_removed_with_its_readings(
    account: Account, record: DeviceRecord
) -> None:
    await account.add_device(record, (900, {"1_8_0": 1}))
    await account.store.remove_device(DEVICE_ID)
    assert await account.store.count_devices() == 0

    await account.add_device(record)
    assert await stored(account) == []


async def test_what_is_not_there_can_neither_be_changed_nor_removed(
    account: Account, record: DeviceRecord
) -> None:
    with pytest.raises(UnknownDeviceError):
        await account.store.update_device(record)
    with pytest.raises(UnknownDeviceError):
        await account.store.remove_device(DEVICE_ID)


async def test_a_devices_id_is_a_uuid_and_taken_once(
    account: Account, record: DeviceRecord
) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        await account.add_device(replace(record, id="my device"))
    await account.add_device(record)
    with pytest.raises(IntegrityError):
        await account.add_device(record)


async def test_an_unknown_time_zone_is_refused(account: Account, record: DeviceRecord) -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        await account.add_device(replace(record, timezone="Mars/Olympus"))


async def test_an_account_is_found_again_by_its_name(account: Account) -> None:
    assert await account.store.add_account("Ada") == account.number
    assert await account.store.add_account("Bob") != account.number


async def test_keys_are_listed_and_removed_by_name(account: Account) -> None:
    await account.store.add_key(account.number, "a second", "text")

    assert await account.store.list_keys() == [
        KeyRecord(name="Ada's key", account="Ada"),
        KeyRecord(name="a second", account="Ada"),
    ]
    assert await account.store.remove_key("a second")
    assert not await account.store.remove_key("a second")


async def test_a_keys_name_is_taken_once(account: Account) -> None:
    with pytest.raises(NameTakenError):
        await account.store.add_key(account.number, "Ada's key", "text")


async def test_the_text_of_a_key_is_nowhere_in_the_file(tmp_path: Path) -> None:
    key = new_key()
    async with Database.open(f"sqlite:///{tmp_path / 'cloud.sqlite'}") as database:
        store = Store(database)
        await store.add_key(await store.add_account("Ada"), "a key of Ada", key)

    content = everything_in(tmp_path)
    assert b"a key of Ada" in content
    assert key.encode() not in content


async def test_a_file_keeps_everything_until_it_is_opened_again(
    tmp_path: Path, record: DeviceRecord
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'cloud.sqlite'}"
    async with Database.open(url) as database:
        store = Store(database)
        account = await store.add_account("Ada")
        await store.add_device(account, record)
        await Intake(database).take(DEVICE_ID, [(900, {"1_8_0": 1})])

    async with Database.open(url) as database:
        device = await find_device(database, account, DEVICE_ID)
        assert device is not None
        pages = [page async for page in read_pages(database, device.number, Window())]

    assert device.record == record
    assert pages == [[StoredReading(time=900, values={"1_8_0": 1})]]


async def test_what_goes_on_at_the_same_time_does_not_disturb_each_other(
    account: Account, record: DeviceRecord
) -> None:
    await account.add_device(record)

    await asyncio.gather(
        *(account.intake.take(DEVICE_ID, [(i, {"1_8_0": i})]) for i in range(20)),
        *(find_devices(account.database, account.number) for _ in range(20)),
    )

    assert len(await stored(account)) == 20


async def test_a_cancelled_caller_does_not_cost_the_database(
    account: Account, record: DeviceRecord
) -> None:
    await account.add_device(record)
    begun = asyncio.Event()
    go_on = asyncio.Event()

    async def slow(_session: AsyncSession) -> None:
        begun.set()
        await go_on.wait()

    caller = asyncio.create_task(account.database.write(slow))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()

    assert await account.store.count_devices() == 1


async def test_no_thread_outlives_the_database(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    for url in ("sqlite+aiosqlite://", f"sqlite+aiosqlite:///{tmp_path / 'cloud.sqlite'}"):
        async with Database.open(url) as database:
            await asyncio.gather(*(Store(database).count_devices() for _ in range(5)))
            assert set(threading.enumerate()) > before
        assert set(threading.enumerate()) == before


async def test_a_database_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(SQLAlchemyError):
        async with Database.open(f"sqlite:///{tmp_path / 'no folder' / 'cloud.sqlite'}"):
            pass
    assert set(threading.enumerate()) == before
