"""What meters show and readers read: rows of registers, made as the API would give them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from onemeter_cloud.history import DEFAULT_LIMIT_KW, HOUR_SECONDS, HourRow, hourly_energy
from onemeter_cloud.readings import Readings, parse_readings
from onemeter_cloud.series import energy_courses

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from onemeter_cloud.parsing import JSON

type Row = dict[str, JSON]

QUARTER = 900
DAY = 24 * HOUR_SECONDS
START = 1_716_447_600  # a full hour
TEN_DAYS = 10 * DAY // QUARTER
"""So many readings are ten days."""


def rows(
    count: int, registers: Mapping[str, tuple[float, float]], *, start: int = START, **others: JSON
) -> list[Row]:
    """Return readings of every quarter: of each register the first value and what a step adds.

    `others` are registers that stay as they are, such as `C_1_0`.
    """
    return [
        {
            "date": start + QUARTER * number,
            **{code: round(value + step * number, 2) for code, (value, step) in registers.items()},
            **others,
        }
        for number in range(count)
    ]


def after(earlier: Sequence[Row]) -> int:
    """Return the time of the reading that follows a quarter later."""
    return time_of(earlier[-1]) + QUARTER


def time_of(row: Row) -> int:
    """Return when a row was read."""
    date = row["date"]
    assert isinstance(date, int)
    return date


def without(of_rows: Iterable[Row], *codes: str) -> list[Row]:
    """Return rows without some registers."""
    return [{code: value for code, value in row.items() if code not in codes} for row in of_rows]


def read(of_rows: Sequence[Row]) -> Readings:
    """Return rows as the library reads them."""
    return parse_readings({"readings": [*of_rows]})


def series(
    of_rows: Sequence[Row],
    main_register: str | None = "15_8_0",
    *,
    expected: Collection[str] = (),
    limit_kw: float = DEFAULT_LIMIT_KW,
) -> dict[str, list[HourRow]]:
    """Return the hourly rows of each series of a device."""
    courses = energy_courses(read(of_rows), main_register, expected)
    return {key: hourly_energy(of_key, limit_kw=limit_kw) for key, of_key in courses.items()}


def totals(
    of_rows: Sequence[Row],
    main_register: str | None = "15_8_0",
    *,
    expected: Collection[str] = (),
    limit_kw: float = DEFAULT_LIMIT_KW,
) -> dict[str, float]:
    """Return the energy of each series; look that no hour is below zero, and none is missing."""
    made = series(of_rows, main_register, expected=expected, limit_kw=limit_kw)
    return {key: total_of(of_key) for key, of_key in made.items()}


def total_of(hours: Sequence[HourRow]) -> float:
    """Return the energy of hourly rows, which must be one for each hour and never fall."""
    sums = [0.0, *(row.sum for row in hours)]
    assert sums == sorted(sums)
    assert all(later.start - row.start == HOUR_SECONDS for row, later in pairwise(hours))
    return round(sums[-1], 2)
