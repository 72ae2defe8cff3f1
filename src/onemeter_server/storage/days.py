"""Readings in the database: blocks of one device and one UTC day each.

Whoever changes something holds the device (`devices.hold_device`) in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import batched
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from onemeter_server.models.records import StoredReading

from .packing import pack, unpack
from .tables import ReadingDayRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession

    from .database import Database

SECONDS_A_DAY: Final = 86_400

# The table itself: rows in bulk come out quicker than through the mapped class.
_DAYS: Final = ReadingDayRow.__table__

# Unpacking and encoding so many days keeps the event loop busy for a few milliseconds only.
_DAYS_A_PAGE: Final = 20
_DAYS_A_STATEMENT: Final = 500


class Outcome(StrEnum):
    """What became of a reading."""

    STORED = "stored"
    KNOWN = "known"
    CORRECTED = "corrected"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which readings of a device: from `since` to `until` (epoch seconds, both included)."""

    since: int | None = None
    until: int | None = None
    descending: bool = False
    skip: int = 0

    def __contains__(self, reading: StoredReading) -> bool:
        """Tell whether a reading lies between the bounds."""
        return (self.since is None or self.since <= reading.time) and (
            self.until is None or reading.time <= self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How many readings there are, and from when to when (epoch seconds; `None` if none)."""

    count: int = 0
    first: int | None = None
    last: int | None = None


NOTHING: Final = Extent()
"""The extent of no readings."""


class _Day(NamedTuple):
    number: int
    readings: list[StoredReading]


async def read_pages(
    database: Database, number: int, window: Window
) -> AsyncIterator[list[StoredReading]]:
    """Yield the readings of a device page by page, each read in a transaction of its own.

    So whoever takes them slowly holds nothing, and what nobody takes is not read.
    """
    skip = window.skip
    limit = 1  # the first page comes at once
    while True:

        async def work(
            session: AsyncSession, window: Window = window, limit: int = limit
        ) -> list[_Day]:
            return await _read_days(session, number, window, limit)

        days = await database.read(work)
        page = [reading for day in days for reading in day.readings]
        if page[skip:]:
            yield page[skip:]
        skip = max(0, skip - len(page))
        if len(days) < limit:
            return
        limit = _DAYS_A_PAGE
        window = _after(window, days[-1])


async def days_of(
    session: AsyncSession, number: int, window: Window
) -> AsyncIterator[list[StoredReading]]:
    """Yield the readings of a device day by day, within a transaction."""
    while days := await _read_days(session, number, window, _DAYS_A_PAGE):
        for day in days:
            yield day.readings
        window = _after(window, days[-1])


async def read_extent(session: AsyncSession, number: int, window: Window) -> Extent:
    """Return how many readings a window has, and from when to when.

    Only days at its bounds are unpacked.
    """
    rows = await session.execute(
        select(_DAYS.c.day, _DAYS.c.count).where(*_touched_by(window, number)).order_by(_DAYS.c.day)
    )
    counts: dict[int, int] = dict(rows.tuples().all())
    times: list[int] = []
    for days in (list(counts), list(counts)[::-1]):
        # Only at a bound of the window a day can have none that lie in it.
        for day in days:
            inside = [reading.time for reading in await _day(session, number, day, window)]
            counts[day] = len(inside)
            times += inside
            if inside:
                break
    if not times:
        return NOTHING
    return Extent(count=sum(counts.values()), first=min(times), last=max(times))


async def merge_readings(
    session: AsyncSession, number: int, readings: Iterable[StoredReading]
) -> list[Outcome]:
    """Add readings in the order in which they came; return what became of each.

    One at an instant that has a reading already corrects it register by register.
    """
    outcomes: list[Outcome] = []
    of_days: dict[int, list[tuple[int, StoredReading]]] = {}
    for place, reading in enumerate(readings):
        outcomes.append(Outcome.KNOWN)
        of_days.setdefault(reading.time // SECONDS_A_DAY, []).append((place, reading))
    for some in batched(sorted(of_days), _DAYS_A_STATEMENT):
        rows = await session.execute(
            select(_DAYS.c.day, _DAYS.c.packed).where(
                _DAYS.c.device_number == number, _DAYS.c.day.in_(some)
            )
        )
        blocks: dict[int, bytes] = dict(rows.tuples().all())
        changed: dict[int, Sequence[StoredReading]] = {}
        for day in some:
            known = unpack(blocks[day]) if day in blocks else []
            by_time = {reading.time: reading for reading in known}
            for place, reading in of_days[day]:
                outcomes[place] = _merge(by_time, reading)
            if any(outcomes[place] is not Outcome.KNOWN for place, _ in of_days[day]):
                changed[day] = [by_time[time] for time in sorted(by_time)]
        await _write_days(session, number, changed)
    return outcomes


async def remove_readings(
    session: AsyncSession, number: int, window: Window
) -> list[StoredReading]:
    """Remove the readings of a window; return them."""
    rows = await session.execute(
        select(_DAYS.c.day, _DAYS.c.packed).where(*_touched_by(window, number))
    )
    removed: list[StoredReading] = []
    kept: dict[int, Sequence[StoredReading]] = {}
    for day, block in rows.all():
        readings = unpack(block)
        removed += (reading for reading in readings if reading in window)
        kept[day] = [reading for reading in readings if reading not in window]
    for empty in batched([day for day in kept if not kept[day]], _DAYS_A_STATEMENT):
        await session.execute(
            delete(ReadingDayRow).where(
                ReadingDayRow.device_number == number, ReadingDayRow.day.in_(empty)
            )
        )
    await _write_days(session, number, {day: rest for day, rest in kept.items() if rest})
    return removed


async def _day(session: AsyncSession, number: int, day: int, window: Window) -> list[StoredReading]:
    """Return the readings of a day that lie in a window."""
    block = await session.scalar(
        select(_DAYS.c.packed).where(_DAYS.c.device_number == number, _DAYS.c.day == day)
    )
    return [] if block is None else [reading for reading in unpack(block) if reading in window]


async def _read_days(session: AsyncSession, number: int, window: Window, limit: int) -> list[_Day]:
    """Return the readings of a window day by day, of so many days at most."""
    order = _DAYS.c.day.desc() if window.descending else _DAYS.c.day
    rows = await session.execute(
        select(_DAYS.c.day, _DAYS.c.packed)
        .where(*_touched_by(window, number))
        .order_by(order)
        .limit(limit)
    )
    step = -1 if window.descending else 1
    return [
        _Day(day, [reading for reading in unpack(block) if reading in window][::step])
        for day, block in rows
    ]


def _after(window: Window, day: _Day) -> Window:
    """Return what is left of a window after one of its days."""
    start = day.number * SECONDS_A_DAY
    if window.descending:
        return replace(window, until=start - 1)
    return replace(window, since=start + SECONDS_A_DAY)


def _touched_by(window: Window, number: int) -> list[ColumnElement[bool]]:
    """Return the condition of the days that a window touches."""
    conditions: list[ColumnElement[bool]] = [_DAYS.c.device_number == number]
    if window.since is not None:
        conditions.append(_DAYS.c.day >= window.since // SECONDS_A_DAY)
    if window.until is not None:
        conditions.append(_DAYS.c.day <= window.until // SECONDS_A_DAY)
    return conditions


def _merge(by_time: dict[int, StoredReading], reading: StoredReading) -> Outcome:
    """Add a reading to those of its day; return what becomes of it."""
    known = by_time.get(reading.time)
    if known is None:
        by_time[reading.time] = reading
        return Outcome.STORED
    values = {**known.values, **reading.values}
    # As Python compares, a 1 would be the same as a 1.0 or `true`.
    if orjson.dumps(values) == orjson.dumps(known.values):
        return Outcome.KNOWN
    by_time[reading.time] = StoredReading(time=reading.time, values=values)
    return Outcome.CORRECTED


async def _write_days(
    session: AsyncSession, number: int, days: Mapping[int, Sequence[StoredReading]]
) -> None:
    """Write days anew."""
    rows = [
        {"device_number": number, "day": day, "count": len(readings), "packed": pack(readings)}
        for day, readings in days.items()
    ]
    if not rows:
        return
    # The one statement that SQL dialects do not share.
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(_DAYS)
    statement = insert.on_conflict_do_update(
        index_elements=[_DAYS.c.device_number, _DAYS.c.day],
        set_={"count": insert.excluded["count"], "packed": insert.excluded.packed},
    )
    await session.execute(statement, rows)
