"""Months in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

# Longer than every month, shorter than any two.
_INTO_NEXT_MONTH: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The borders of a month in a time zone, and the start of the one before (epoch seconds)."""

    previous_start: int
    start: int
    end: int

    @classmethod
    def of(cls, time: int, zone: ZoneInfo) -> Self:
        """Return the month that an instant lies in."""
        local = datetime.fromtimestamp(time, zone)
        start = datetime(local.year, local.month, 1, tzinfo=zone)
        previous = (start - timedelta(days=1)).replace(day=1)
        end = (start + _INTO_NEXT_MONTH).replace(day=1)
        return cls(
            previous_start=int(previous.timestamp()),
            start=int(start.timestamp()),
            end=int(end.timestamp()),
        )
