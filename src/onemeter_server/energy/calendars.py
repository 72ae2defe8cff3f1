"""The days of a place: weekdays, working days, weekends and public holidays in its time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from holidays import country_holidays

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

_SATURDAY: Final = 6
_SUNDAY: Final = 7

# Whose public holidays are kept where these clocks go.
_COUNTRIES: Final = {
    "Europe/Warsaw": "PL",
    "Poland": "PL",
    "Europe/Prague": "CZ",
    "Europe/Berlin": "DE",
    "Europe/Busingen": "DE",
}
_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The calendar of a time zone.

    Public holidays are those of the whole country that the zone is of; elsewhere than in Poland,
    Czechia and Germany none are known.
    """

    zone: ZoneInfo

    def local(self, time: int) -> datetime:
        """Return an instant (epoch seconds) as clocks show it there."""
        return datetime.fromtimestamp(time, self.zone)

    def start_of(self, day: date) -> int:
        """Return when a day begins there, in epoch seconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp())

    def is_holiday(self, day: date) -> bool:
        """Tell whether a day is a public holiday."""
        country = _COUNTRIES.get(self.zone.key)
        return country is not None and day in _holidays(country, day.year)

    def is_working(self, day: date) -> bool:
        """Tell whether people work on a day: from Monday to Friday, unless it is a holiday."""
        return day.isoweekday() < _SATURDAY and not self.is_holiday(day)

    def tariff_weekday(self, day: date) -> int:
        """Return the weekday as tariffs count it: Monday is 1, Sunday and every holiday 7."""
        return _SUNDAY if self.is_holiday(day) else day.isoweekday()

    def months(self, since: int, until: int) -> float:
        """Return how many months there are between two instants (epoch seconds).

        Of a month that is not there as a whole it is the part of its time: a whole month is 1,
        however long it is.
        """
        return sum(
            (min(until, end) - max(since, start)) / (end - start)
            for start, end in self._months(since, until)
        )

    def _months(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """Yield the borders of the months that lie between two instants, in part or as a whole."""
        first = self.local(since).date().replace(day=1)
        while (start := self.start_of(first)) < until:
            first = (first + 31 * _A_DAY).replace(day=1)
            yield start, self.start_of(first)


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    """Return the public holidays of a year.

    The library's own calendars grow when they are asked, which threads must not do together.
    """
    return frozenset(country_holidays(country, years=year))
