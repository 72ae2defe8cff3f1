"""Reading from the database: whose a key is, devices, and readings by indexed look-ups."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import func, select, true, union_all

from .clock import epoch_seconds
from .keys import hash_key
from .records import DeviceHistory, DeviceRecord, StoredReading
from .tables import ApiKeyRow, DemoMeterRow, DeviceRow, ReadingRow, WithheldReadingRow
from .usage import SECONDS_AN_HOUR, Month
from .withholding import withheld_spans

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from .database import Database
    from .spans import Span
    from .withholding import ReadingTable

# The table itself: rows in bulk come out quicker than through the mapped class.
_READINGS: Final = ReadingRow.__table__

# So many readings before an instant are looked at for one that has the register in question.
_LOOK_BACK_ROWS: Final = 8

# Decoding and encoding so many rows keeps the event loop busy for a few milliseconds only.
_ROWS_A_PAGE: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the number of the key and of the account it belongs to."""

    key: int
    account: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """A device and the number that its readings are stored under."""

    number: int
    record: DeviceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which readings of a device: from `since` to `until` (epoch seconds, both included)."""

    since: int | None = None
    until: int | None = None
    descending: bool = False
    skip: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledMeter:
    """A meter of the living demo: its first reading's time, and what its registers started at."""

    since: int
    registers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How many readings there are, and from when to when (epoch seconds; `None` if none)."""

    count: int = 0
    first: int | None = None
    last: int | None = None


NOTHING: Final = Extent()
"""The extent of no readings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is stored of a device: readings that the API shows, and readings that are kept back."""

    device_id: str
    stored: Extent
    withheld: Extent
    withheld_spans: Sequence[Span]


async def find_caller(database: Database, key: str) -> Caller | None:
    """Return whose key this is, `None` if nobody's."""
    key_hash = hash_key(key)

    async def work(session: AsyncSession) -> Caller | None:
        row = await session.scalar(select(ApiKeyRow).where(ApiKeyRow.key_hash == key_hash))
        return None if row is None else Caller(key=row.id, account=row.account_id)

    return await database.transact(work)


async def find_device(database: Database, account: int, device_id: str) -> KnownDevice | None:
    """Return a device of an account, `None` if the account has none of this id."""

    async def work(session: AsyncSession) -> KnownDevice | None:
        row = await session.scalar(
            select(DeviceRow).where(DeviceRow.id == device_id, DeviceRow.account_id == account)
        )
        return None if row is None else _known_device(row)

    return await database.transact(work)


async def find_devices(database: Database, account: int) -> list[KnownDevice]:
    """Return all devices of an account in the order in which they were added."""

    async def work(session: AsyncSession) -> list[KnownDevice]:
        rows = await session.scalars(
            select(DeviceRow).where(DeviceRow.account_id == account).order_by(DeviceRow.number)
        )
        return [_known_device(row) for row in rows]

    return await database.transact(work)


async def read_history(database: Database, device: KnownDevice, now: datetime) -> DeviceHistory:
    """Return the readings that a device's payload is made of, without reading all of them."""
    month = Month.of(now, device.record.zone)

    async def work(session: AsyncSession) -> DeviceHistory:
        first = await _readings(session, device.number, Window(), limit=1)
        if not first:
            return DeviceHistory()

        async def before(instant: int | None) -> Sequence[StoredReading]:
            window = Window(until=instant, descending=True)
            return await _readings(session, device.number, window, limit=_LOOK_BACK_ROWS)

        newest = await before(None)
        return DeviceHistory(
            first=first[0],
            newest=newest,
            before_last_hour=await before(newest[0].time - SECONDS_AN_HOUR),
            before_this_month=await before(epoch_seconds(month.start)),
            before_previous_month=await before(epoch_seconds(month.previous_start)),
        )

    return await database.transact(work)


async def recorded_extent(database: Database, number: int, *, until: int) -> Extent:
    """Return the extent of all readings of a device up to an instant, the withheld ones too."""

    async def work(session: AsyncSession) -> Extent:
        return await _extent(session, number, ReadingRow, WithheldReadingRow, until=until)

    return await database.transact(work)


async def installed_meters(database: Database, number: int) -> list[InstalledMeter]:
    """Return the meters of a device of the living demo that have been read, the first one first."""

    async def work(session: AsyncSession) -> list[InstalledMeter]:
        rows = await session.execute(
            select(DemoMeterRow.since, DemoMeterRow.registers)
            .where(DemoMeterRow.device_number == number, DemoMeterRow.since.is_not(None))
            .order_by(DemoMeterRow.since, DemoMeterRow.id)
        )
        return [
            InstalledMeter(since=since, registers=registers)
            for since, registers in rows
            if since is not None
        ]

    return await database.transact(work)


async def find_inventory(database: Database, device_id: str) -> Inventory | None:
    """Return what is stored of a device of any account, `None` if there is none of this id."""

    async def work(session: AsyncSession) -> Inventory | None:
        number = await session.scalar(select(DeviceRow.number).where(DeviceRow.id == device_id))
        return None if number is None else await _inventory(session, number, device_id)

    return await database.transact(work)


async def find_inventories(database: Database) -> list[Inventory]:
    """Return what is stored of each device of all accounts, in the order of adding."""

    async def work(session: AsyncSession) -> list[Inventory]:
        devices = await session.execute(
            select(DeviceRow.number, DeviceRow.id).order_by(DeviceRow.number)
        )
        return [await _inventory(session, number, id_) for number, id_ in devices.all()]

    return await database.transact(work)


async def read_pages(
    database: Database, number: int, window: Window
) -> AsyncIterator[list[StoredReading]]:
    """Yield the readings of a device page by page, each page by one indexed look-up."""
    while True:

        async def work(session: AsyncSession, window: Window = window) -> list[StoredReading]:
            return await _readings(session, number, window, limit=_ROWS_A_PAGE)

        page = await database.transact(work)
        if page:
            yield page
        if len(page) < _ROWS_A_PAGE:
            return
        last = page[-1].time
        window = (
            Window(since=window.since, until=last - 1, descending=True)
            if window.descending
            else Window(since=last + 1, until=window.until)
        )


async def _readings(
    session: AsyncSession, number: int, window: Window, *, limit: int
) -> list[StoredReading]:
    query = select(_READINGS.c.time, _READINGS.c.registers).where(
        _READINGS.c.device_number == number
    )
    if window.since is not None:
        query = query.where(_READINGS.c.time >= window.since)
    if window.until is not None:
        query = query.where(_READINGS.c.time <= window.until)
    order = _READINGS.c.time.desc() if window.descending else _READINGS.c.time
    rows = await session.execute(query.order_by(order).offset(window.skip).limit(limit))
    return [StoredReading(time=time, values=orjson.loads(text)) for time, text in rows]


async def _inventory(session: AsyncSession, number: int, device_id: str) -> Inventory:
    return Inventory(
        device_id=device_id,
        stored=await _extent(session, number, ReadingRow),
        withheld=await _extent(session, number, WithheldReadingRow),
        withheld_spans=await withheld_spans(session, number),
    )


async def _extent(
    session: AsyncSession, number: int, *tables: ReadingTable, until: int | None = None
) -> Extent:
    times = union_all(
        *(
            select(table.time).where(
                table.device_number == number, true() if until is None else table.time <= until
            )
            for table in tables
        )
    ).subquery()
    query = select(func.count(), func.min(times.c.time), func.max(times.c.time))
    count, first, last = (await session.execute(query.select_from(times))).one()
    return Extent(count=count, first=first, last=last)


def _known_device(row: DeviceRow) -> KnownDevice:
    columns = {field.name: getattr(row, field.name) for field in fields(DeviceRecord)}
    record = DeviceRecord(**columns | {"omit": tuple(row.omit)})
    return KnownDevice(number=row.number, record=record)
