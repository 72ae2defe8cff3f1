"""What is asked often is kept ready: the answer about each device, in the device's own row.

Readings that plainly go on change it at once. Any others only mark it: what they mean follows from
all readings of the device, so whoever asks for it next has it made anew, once.
"""

from __future__ import annotations

import asyncio
from itertools import batched
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import select

from onemeter_server.energy.summary import Gathering, Summary
from onemeter_server.models.months import Month

from .days import Window, days_of
from .devices import record_of
from .payload import device_payload
from .tables import DeviceRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from onemeter_server.models.records import StoredReading

    from .database import Database

    type _Answer = Row[tuple[int, bytes | None, int | None, int | None]]

_DEVICES_A_PAGE: Final = 500
_DEVICES_A_TRANSACTION: Final = 20

_ANSWERS: Final = select(
    DeviceRow.number, DeviceRow.payload, DeviceRow.payload_from, DeviceRow.payload_until
).order_by(DeviceRow.number)


async def read_device(database: Database, account: int, device_id: str, now: int) -> bytes | None:
    """Return the JSON of a device at an instant (epoch seconds), `None` if there is none."""
    query = _ANSWERS.where(DeviceRow.account_id == account, DeviceRow.id == device_id)
    answers = await _current(database, await _rows(database, query), now)
    return answers[0] if answers else None


async def read_devices(database: Database, account: int, now: int) -> AsyncIterator[list[bytes]]:
    """Yield the JSON of all devices of an account at an instant, in the order of adding."""
    query = _ANSWERS.where(DeviceRow.account_id == account).limit(_DEVICES_A_PAGE)
    last = 0
    while rows := await _rows(database, query.where(DeviceRow.number > last)):
        yield await _current(database, rows, now)
        last = rows[-1].number


def go_on(row: DeviceRow, readings: Sequence[StoredReading]) -> None:
    """Keep a device's row ready after new readings, or mark it where that takes all readings."""
    summary = None if row.summary is None else Summary.decode(row.summary)
    zone = record_of(row).zone
    for reading in sorted(readings, key=lambda reading: reading.time):
        if summary is None:
            break
        summary = summary.continued(reading, row.main_register, zone)
    if summary is None:
        forget(row)
    else:
        _write(row, summary, summary.newest)


def forget(row: DeviceRow) -> None:
    """Mark a device whose readings, or what they mean, have changed."""
    row.summary = None
    row.payload = None


async def _rows(
    database: Database, query: Select[tuple[int, bytes | None, int | None, int | None]]
) -> Sequence[_Answer]:
    async def work(session: AsyncSession) -> Sequence[_Answer]:
        return (await session.execute(query)).all()

    return await database.read(work)


async def _current(database: Database, rows: Sequence[_Answer], now: int) -> list[bytes]:
    """Return the answers of rows; those that do not hold now are made anew."""
    answers = {
        number: payload
        for number, payload, since, until in rows
        if payload is not None and since is not None and until is not None and since <= now < until
    }
    others = [row.number for row in rows if row.number not in answers]
    for numbers in batched(others, _DEVICES_A_TRANSACTION):

        async def work(session: AsyncSession, numbers: Sequence[int] = numbers) -> dict[int, bytes]:
            return await _made(session, numbers, now)

        answers |= await database.write(work)
    return [answers[row.number] for row in rows if row.number in answers]


async def _made(session: AsyncSession, numbers: Sequence[int], now: int) -> dict[int, bytes]:
    """Make the answers of devices anew; return them, but not of those that have been removed."""
    held = select(DeviceRow).where(DeviceRow.number.in_(numbers)).order_by(DeviceRow.number)
    rows = (await session.scalars(held.with_for_update())).all()
    return {row.number: await _make(session, row, now) for row in rows}


async def _make(session: AsyncSession, row: DeviceRow, now: int) -> bytes:
    if row.summary is not None:
        return _write(row, Summary.decode(row.summary), now)
    gathering = Gathering(row.main_register, record_of(row).zone)
    async for day in days_of(session, row.number, Window()):
        gathering.add(day)
    return _write(row, await asyncio.to_thread(gathering.summary), now)


def _write(row: DeviceRow, summary: Summary | None, now: int) -> bytes:
    """Write what a device's readings tell, and the answer about it in the month of an instant."""
    record = record_of(row)
    month = Month.of(now, record.zone)
    payload = orjson.dumps(device_payload(record, summary, now))
    row.summary = None if summary is None else summary.encode()
    row.payload, row.payload_from, row.payload_until = payload, month.start, month.end
    return payload
