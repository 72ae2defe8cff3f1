"""Hourly energy and prices to hourly costs: pure functions.

What an hour costs is its energy times the price at its start. So the costs of a part of a history
follow from the energy of its hours and from what had been paid before, wherever it starts.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .history import HOUR_SECONDS, HourRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Price(NamedTuple):
    """From `start` (epoch seconds, on the hour) on, a kilowatt-hour costs `per_kwh`.

    Below zero, whoever takes energy is paid for it.
    """

    start: int
    per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Hourly energy, in the order of time, and its prices.

    `before` is the sum (kWh) of the hour before the first row; zero at the start of a history.
    """

    rows: Sequence[HourRow]
    prices: Sequence[Price]
    before: float = 0.0


def cost_rows(energies: Iterable[Priced], paid: float = 0.0) -> list[HourRow]:
    """Return the hourly costs of one or several series: `sum` is the money up to an hour's end.

    `state` is the same as `sum`. The energy of an hour is its `sum` minus that of the row before;
    it has the price that is valid at the hour's start. There is a row for each hour in which one of
    the series has a row and a price. Prices can be in any order; of several with the same start the
    last counts. Sums fall while a price is below zero. `paid` is the money up to the first row.

    Raises `ValueError` for a price that does not start on the hour.
    """
    costs: dict[int, float] = {}
    for energy in energies:
        for start, cost in _costs_of_hours(energy):
            costs[start] = costs.get(start, 0.0) + cost
    rows: list[HourRow] = []
    for start in sorted(costs):
        paid += costs[start]
        rows.append(HourRow(start, paid, paid))
    return rows


def _costs_of_hours(energy: Priced) -> Iterable[tuple[int, float]]:
    """Yield the start and the cost of each hour that has a price."""
    by_start = {price.start: price.per_kwh for price in energy.prices}
    if any(start % HOUR_SECONDS for start in by_start):
        raise ValueError("A price starts on the hour")
    starts = sorted(by_start)
    before = energy.before
    for row in energy.rows:
        if valid := bisect_right(starts, row.start):
            yield row.start, by_start[starts[valid - 1]] * (row.sum - before)
        before = row.sum
