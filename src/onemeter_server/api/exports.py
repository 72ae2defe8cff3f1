"""Aggregated readings and usages of a device: its periods page by page, as exports ask for them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from onemeter_server.energy.aggregates import Aggregate, Kind
from onemeter_server.energy.intervals import REACH_SECONDS
from onemeter_server.energy.stretches import MARGIN_SECONDS, Stretches
from onemeter_server.storage.days import Window, read_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from onemeter_server.energy.intervals import Aggregation
    from onemeter_server.energy.stretches import Stretch
    from onemeter_server.models.records import StoredReading
    from onemeter_server.storage.database import Database
    from onemeter_server.storage.devices import KnownDevice

    from .parameters import ExportQuery

_SURROUNDINGS_SECONDS: Final = REACH_SECONDS + 2 * MARGIN_SECONDS


async def read_periods(
    database: Database,
    device: KnownDevice,
    query: ExportQuery,
    kind: Kind,
    aggregation: Aggregation,
) -> AsyncIterator[list[StoredReading]]:
    """Yield the periods of a device that a query asks for page by page, their start as `time`.

    Asked for are periods that start between `from` and `to`; registers are as well asked for at
    `to` itself. With `queryMissing` periods of which nothing is known have rows without registers,
    as far as they lie between others. Raises the API's 400 for bounds that are no dates.
    """
    zone = device.record.zone
    aggregate = Aggregate(
        kind=kind,
        aggregation=aggregation,
        zone=zone,
        codes=frozenset(query.wanted_codes),
        patch=query.patch,
        with_last=query.add_last_usage,
    )
    window = query.window(zone)
    if kind is Kind.USAGES and window.until is not None:
        window = replace(window, until=window.until - 1)
    missing = _Missing(are_asked_for=query.query_missing)
    async for rows in _rows(database, device.number, aggregate, window):
        if page := missing.between(rows):
            yield page


class _Missing:
    """Periods of which nothing is known: rows without registers, if they are asked for."""

    def __init__(self, *, are_asked_for: bool) -> None:
        self._are_asked_for = are_asked_for
        self._has_begun = False
        self._waiting: list[StoredReading] = []

    def between(self, rows: Iterable[StoredReading]) -> list[StoredReading]:
        """Return the next rows, without those that lie before the first and after the last."""
        told: list[StoredReading] = []
        for row in rows:
            if row.values:
                told += (*self._waiting, row)
                self._waiting.clear()
                self._has_begun = True
            elif self._are_asked_for and self._has_begun:
                self._waiting.append(row)
        return told


async def _rows(
    database: Database, number: int, aggregate: Aggregate, window: Window
) -> AsyncIterator[list[StoredReading]]:
    """Yield the periods of a window, in its order; those of which nothing is known have none."""
    stretches = Stretches(descending=window.descending)
    stretches.add(await _readings_before(database, number, aggregate, window))
    end = window.since if window.descending else window.until
    async for page in read_pages(database, number, _with_surroundings(window)):
        stretch = stretches.add(aggregate.needed(page))
        if stretch is not None:
            yield await _rows_of(stretch, aggregate, window)
        if end is not None and stretches.have_settled(end):
            return
    stretch = stretches.rest()
    if stretch is not None:
        yield await _rows_of(stretch, aggregate, window)


async def _rows_of(stretch: Stretch, aggregate: Aggregate, window: Window) -> list[StoredReading]:
    """Return the periods of a stretch; other requests are answered meanwhile."""
    rows = await asyncio.to_thread(aggregate.rows, stretch, window.since, window.until)
    return rows[::-1] if window.descending else rows


def _with_surroundings(window: Window) -> Window:
    """Return a window that goes on after its end, with what its last periods may need."""
    since, until = window.since, window.until
    if window.descending:
        return replace(window, since=None if since is None else since - _SURROUNDINGS_SECONDS)
    return replace(window, until=None if until is None else until + _SURROUNDINGS_SECONDS)


async def _readings_before(
    database: Database, number: int, aggregate: Aggregate, window: Window
) -> list[StoredReading]:
    """Return the readings beside the begin of a window that tell what lies in it, in its order."""
    start = window.until if window.descending else window.since
    if start is None:
        return []
    if window.descending:
        backward = Window(since=start + 1)
    else:
        backward = Window(until=start - 1, descending=True)
    reach = REACH_SECONDS if aggregate.patch else MARGIN_SECONDS
    before: list[StoredReading] = []
    async for page in read_pages(database, number, backward):
        before += aggregate.needed(page)
        if abs(page[-1].time - start) > reach:
            break
    return before[::-1]
