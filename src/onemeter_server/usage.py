"""Energy of the month, of the month before and of the last hour, from registers: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from .numbers import as_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from .records import JSON, DeviceHistory, StoredReading

SECONDS_AN_HOUR: Final = 3_600

# Registers have two decimals; the third allows for meters that are finer than the API says.
_DECIMALS: Final = 3

# Longer than every month, shorter than any two.
_INTO_NEXT_MONTH: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The borders of a month in a time zone, and of the month before."""

    previous_start: datetime
    start: datetime
    end: datetime

    @classmethod
    def of(cls, now: datetime, zone: ZoneInfo) -> Month:
        """Return the month that an instant lies in."""
        local = now.astimezone(zone)
        start = datetime(local.year, local.month, 1, tzinfo=zone)
        return cls(
            previous_start=(start - timedelta(days=1)).replace(day=1),
            start=start,
            end=(start + _INTO_NEXT_MONTH).replace(day=1),
        )


def usage(code: str, history: DeviceHistory, month: Month) -> dict[str, JSON]:
    """Return the API's `usage` (or `production`) of one register, in the register's unit.

    What cannot be known is `None`: a month before the first reading, or one in which the counter
    fell because the meter was replaced.
    """
    newest = _value(code, history.newest)
    first = _value(code, (history.first,) if history.first else ())
    at_month_start = _value(code, history.before_this_month)
    at_previous_start = _value(code, history.before_previous_month)
    this_month = _difference(newest, first if at_month_start is None else at_month_start)
    projection = _projection(this_month, history, month)
    return {
        "thisMonth": this_month,
        "previousMonth": _difference(
            at_month_start, first if at_previous_start is None else at_previous_start
        ),
        "lastHour": _difference(newest, _value(code, history.before_last_hour)),
        "fullTime": _difference(newest, first),
        "projection": projection,
        "projectionFillRatio": (
            round(this_month / projection, _DECIMALS) if this_month and projection else None
        ),
    }


def _projection(this_month: float | None, history: DeviceHistory, month: Month) -> float | None:
    """Return this month's energy if it goes on at the same rate until the month's end."""
    if this_month is None or history.first is None:
        return None
    start = max(month.start.timestamp(), history.first.time)
    newest = history.newest[0].time
    elapsed = newest - start
    if elapsed < SECONDS_AN_HOUR:
        return None
    remaining = max(0.0, month.end.timestamp() - newest)
    return round(this_month * (elapsed + remaining) / elapsed, _DECIMALS)


def _value(code: str, readings: Sequence[StoredReading]) -> float | None:
    """Return a register of the first of these readings that has it."""
    for reading in readings:
        if (number := as_number(reading.values.get(code))) is not None:
            return number
    return None


def _difference(later: float | None, earlier: float | None) -> float | None:
    if later is None or earlier is None or later < earlier:
        return None
    return round(later - earlier, _DECIMALS)
