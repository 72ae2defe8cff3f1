"""Hourly energy and prices to hourly costs: pure functions.

What was paid up to an instant follows from the energy up to there and the prices alone: within the
time of one price it is what had been paid at its start, plus the price times the energy since then.
So a part of a history needs two numbers for each price to give the same rows as the whole.
"""

import math
from bisect import bisect_left, bisect_right
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from .history import HOUR_SECONDS, HourRow

if TYPE_CHECKING:
    from collections.abc import Sequence


class Price(NamedTuple):
    """From `start` (epoch seconds, on the hour) on, a kilowatt-hour costs `per_kwh`.

    Below zero, whoever takes energy is paid for it.
    """

    start: int
    per_kwh: float


class CostOffset(NamedTuple):
    """At `time` (epoch seconds) a price starts; `energy` (kWh) had cost `cost` until then."""

    time: int
    energy: float
    cost: float


class Costs(NamedTuple):
    """Hourly costs in the order of time, and the offsets of all prices up to their end."""

    rows: list[HourRow]
    offsets: tuple[CostOffset, ...]


def cost_rows(
    rows: Sequence[HourRow], prices: Sequence[Price], offsets: Sequence[CostOffset] = ()
) -> Costs:
    """Return the hourly costs of hourly energy: `sum` is the money up to the end of the hour.

    `state` is the same as `sum`. The energy of an hour is its `sum` minus that of the row before
    (of the history's first row, its `sum`); it has the price that is valid at the hour's start.
    Hours before the first price have no rows. Prices can be in any order; of several with the same
    start the last counts. Sums fall while a price is below zero.

    Without `offsets` the rows are a whole history, in the order of time. With the offsets that a
    run over the history returned, for the same prices up to there, they may be a window of it that
    starts with an hour of that run, and the costs are exactly those of the whole. So a window has
    to start no later than the first price that changed.

    Raises `ValueError` for a price that does not start on the hour, and for offsets that lack the
    price of the window's first hour.
    """
    if not rows:
        return Costs([], tuple(offsets))
    changes = _changes(prices)
    known = _known(rows[0].start, changes, offsets)
    starts = _starts(rows, changes, known)
    borders = [*(_count_before(rows, start.time) for start in starts), len(rows)]
    costs: list[HourRow] = []
    for start, (begin, end) in zip(starts, pairwise(borders), strict=True):
        per_kwh = changes[_count_until(changes, start.time) - 1].per_kwh
        for row in rows[begin:end]:
            cost = start.cost + per_kwh * (row.sum - start.energy)
            costs.append(HourRow(row.start, cost, cost))
    return Costs(costs, tuple(starts))


def add_rows(series: Sequence[Sequence[HourRow]]) -> list[HourRow]:
    """Return the sum of several series of rows, each in the order of time, hour by hour.

    In an hour that one series lacks, its row before counts on; before its first row it counts zero.
    So windows of series have to start with the same hour.
    """
    in_time = sorted((row.start, number, row) for number, rows in enumerate(series) for row in rows)
    latest = [HourRow(0, 0.0, 0.0)] * len(series)
    added: list[HourRow] = []
    for start, hour in groupby(in_time, key=itemgetter(0)):
        for _, number, row in hour:
            latest[number] = row
        # Exact sums do not depend on the order of the series.
        states, sums = (row.state for row in latest), (row.sum for row in latest)
        added.append(HourRow(start, math.fsum(states), math.fsum(sums)))
    return added


def _changes(prices: Sequence[Price]) -> list[Price]:
    """Return the prices in the order of time, without those that equal the one before."""
    by_start = {price.start: price for price in prices}
    if any(start % HOUR_SECONDS for start in by_start):
        raise ValueError("A price starts on the hour")
    changes: list[Price] = []
    for price in sorted(by_start.values()):
        if not changes or price.per_kwh != changes[-1].per_kwh:
            changes.append(price)
    return changes


def _known(first: int, changes: Sequence[Price], offsets: Sequence[CostOffset]) -> list[CostOffset]:
    """Return the offsets that count at the first hour of a window; none for a whole history."""
    count = _count_until(changes, first)
    if not offsets or not count:
        return []
    known = [offset for offset in offsets if offset.time <= first]
    if not known or known[-1].time < changes[count - 1].start:
        raise ValueError("The offsets do not know the price of the first hour")
    return known


def _starts(
    rows: Sequence[HourRow], changes: Sequence[Price], known: Sequence[CostOffset]
) -> list[CostOffset]:
    """Return the known offsets and those of all prices that start from then to the last hour."""
    starts = [*known]
    first_new = _count_until(changes, rows[0].start) if known else 0
    for number in range(first_new, _count_until(changes, rows[-1].start)):
        start, _ = changes[number]
        count = _count_before(rows, start)
        energy = rows[count - 1].sum if count else 0.0
        cost = 0.0
        if number:
            before = starts[-1]
            cost = before.cost + changes[number - 1].per_kwh * (energy - before.energy)
        starts.append(CostOffset(start, energy, cost))
    return starts


def _count_before(rows: Sequence[HourRow], time: int) -> int:
    """Return how many rows start before a time."""
    return bisect_left(rows, time, key=lambda row: row.start)


def _count_until(changes: Sequence[Price], time: int) -> int:
    """Return how many prices start up to a time, that included."""
    return bisect_right(changes, time, key=lambda price: price.start)
