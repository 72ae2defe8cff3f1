"""Reading from the database: whose a key is, devices, and readings by indexed look-ups."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import select

from .clock import epoch_seconds
from .keys import hash_key
from .records import DeviceHistory, DeviceRecord, StoredReading
from .tables import ApiKeyRow, DeviceRow, ReadingRow
from .usage import SECONDS_AN_HOUR, Month

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from .database import Database

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
class Span:
    """From the first to the last reading of a device (epoch seconds)."""

    first: int
    last: int


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


async def reading_span(database: Database, number: int) -> Span | None:
    """Return when a device was read first and last, `None` if never."""

    async def work(session: AsyncSession) -> Span | None:
        first = await _readings(session, number, Window(), limit=1)
        last = await _readings(session, number, Window(descending=True), limit=1)
        return Span(first=first[0].time, last=last[0].time) if first else None

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


def _known_device(row: DeviceRow) -> KnownDevice:
    columns = {field.name: getattr(row, field.name) for field in fields(DeviceRecord)}
    record = DeviceRecord(**columns | {"omit": tuple(row.omit)})
    return KnownDevice(number=row.number, record=record)
