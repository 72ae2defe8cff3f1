"""Invented meters whose registers are known at every instant, and what they must become."""

from typing import TYPE_CHECKING

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.util import dt as dt_util

from custom_components.onemeter.history.meaning import statistic_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from homeassistant.core import HomeAssistant

QUARTER = 900
HOUR = 3600

type Values = dict[str, float]
type Rows = dict[int, tuple[float, float]]


def register(time: int, code: str = "1_8_0") -> float:
    """Return a register at an instant: its pace changes every hour, each code has its own."""
    hours = time // HOUR
    pace = {"1_8_0": 3, "1_8_1": 1, "1_8_2": 2, "2_8_0": 5, "15_8_0": 8}[code]
    within = pace * (time % HOUR) * (1 + hours % 7) / HOUR / 100
    weeks, rest = divmod(hours, 7)
    before = pace * (weeks * 28 + rest * (rest + 1) // 2) / 100
    return round((before + within) % 1_000_000, 4)


def quarters(start: datetime, end: datetime) -> range:
    """Return the quarter-hours from `start` on, before `end`, in epoch seconds."""
    first = -(-int(start.timestamp()) // QUARTER) * QUARTER
    return range(first, int(end.timestamp()), QUARTER)


def readings(times: Iterable[int], codes: Iterable[str] = ("1_8_0",)) -> list[tuple[int, Values]]:
    """Return what a meter reads at these times."""
    codes = tuple(codes)
    return [(time, {code: register(time, code) for code in codes}) for time in times]


def expected_rows(first: int, last: int, code: str = "1_8_0", factor: float = 1) -> Rows:
    """Return the rows (hour: state, sum) of a meter that was read from `first` to `last`.

    Straight from the registers at the hours' ends, without any of the code under test.
    """
    begin = register(first, code)
    rows = {}
    for hour in range(first - first % HOUR, last, HOUR):
        state = register(min(hour + HOUR, last), code)
        rows[hour] = (state * factor, (state - begin) * factor)
    return rows


async def recorded(hass: HomeAssistant, device_id: str, key: str = "energy_import") -> Rows:
    """Return the rows (hour: state, sum) that the recorder's database holds."""
    the_id = statistic_id(device_id, key)
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        dt_util.utc_from_timestamp(0),
        None,
        {the_id},
        "hour",
        None,
        {"state", "sum"},
    )
    return {int(row["start"]): (row["state"], row["sum"]) for row in found.get(the_id, [])}


def assert_rows(found: Rows, expected: Rows) -> None:
    """Compare rows hour by hour, to a millionth of a kilowatt-hour."""
    assert found.keys() == expected.keys()
    wrong = {
        hour: (found[hour], values)
        for hour, values in expected.items()
        if max(abs(a - b) for a, b in zip(found[hour], values, strict=True)) > 2e-6
    }
    assert not wrong, f"{len(wrong)} of {len(expected)} hours, from {min(wrong.items())} on"
