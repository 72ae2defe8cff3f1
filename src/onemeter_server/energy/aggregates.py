"""Readings aggregated by quarters, hours or days: the registers at their starts, or the usages."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from onemeter_cloud.obis import OBIS_METER_SERIAL
from onemeter_cloud.readings import Readings
from onemeter_cloud.series import register_courses
from onemeter_server.models.records import StoredReading
from onemeter_server.models.registers import counts_energy

from .intervals import REACH_SECONDS, Aggregation, boundaries, period_registers, usages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from onemeter_server.models.records import JSON

    from .stretches import Stretch

# Between readings on the clock no period lacks one; one that comes a little late is no hole yet.
_PERIODS_OF_A_HOLE: Final = 1.5

_LONGEST_HOLE_SECONDS: Final = 366 * 86_400
"""What lies further apart are a reader's wrong clock and its history: nothing was between them."""


class Kind(StrEnum):
    """What is told of each period."""

    READINGS = "readings"
    USAGES = "usages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What is asked for: the rows of periods, whose `time` is their start.

    - `READINGS`: registers that count energy as they are at the start of a period, in proportion to
      time between the readings around it; others, and those in the first period of all, are the
      first reading in the period.
    - `USAGES`: what such registers count in a period. In the first period it is the energy since
      the first reading. `with_last` takes the period that the last reading does not end, too.

    A hole is where readings of a register are more than one and a half periods apart: in it nothing
    is known, unless `patch` fills it in proportion to time. Only holes up to `REACH_SECONDS` can be
    filled. No `codes` stand for all registers.
    """

    kind: Kind
    aggregation: Aggregation
    zone: ZoneInfo
    codes: frozenset[str] = frozenset()
    patch: bool = False
    with_last: bool = False

    def takes(self, code: str) -> bool:
        """Tell whether a register is asked for, and can be told of."""
        return (not self.codes or code in self.codes) and (
            self.kind is Kind.READINGS or counts_energy(code)
        )

    def needed(self, page: Iterable[StoredReading]) -> list[StoredReading]:
        """Return the readings that tell of what is asked for, and of nothing more."""
        taken: dict[str, bool] = {}
        kept: list[StoredReading] = []
        for reading in page:
            values = reading.values
            if not values.keys() <= taken.keys():
                taken |= {code: self.takes(code) for code in values}
            wanted = {code: value for code, value in values.items() if taken[code]}
            if wanted:
                if OBIS_METER_SERIAL in values:
                    wanted[OBIS_METER_SERIAL] = values[OBIS_METER_SERIAL]
                kept.append(StoredReading(time=reading.time, values=wanted))
        return kept

    def rows(
        self, stretch: Stretch, since: int | None = None, until: int | None = None
    ) -> list[StoredReading]:
        """Return the periods of a stretch that start from `since` to `until`, both included.

        A period of which nothing is known has no registers.
        """
        values: list[Mapping[str, Any]] = [reading.values for reading in stretch.readings]
        readings = Readings(times=[reading.time for reading in stretch.readings], rows=values)
        return [
            StoredReading(time=start, values=row)
            for begin, end in _parts(readings.times)
            if len(bounds := self._bounds(begin, end, stretch, since, until)) > 1
            for start, row in zip(bounds, self._values(readings, bounds), strict=False)
        ]

    def _bounds(
        self, begin: int, end: int, stretch: Stretch, since: int | None, until: int | None
    ) -> list[int]:
        """Return the bounds of the periods that begin in a stretch, between two readings."""
        lowest = [time for time in (stretch.since, since) if time is not None]
        highest = [time for time in (stretch.until,) if time is not None]
        if until is not None:
            highest.append(until + 1)
        start, stop = max([begin, *lowest]), min([end + 1, *highest])
        if start >= stop:
            return []
        bounds = [*boundaries(start, stop, self.aggregation, self.zone)]
        if lowest and bounds[0] < max(lowest):
            del bounds[0]
        if self.kind is Kind.USAGES and bounds[-1] > end and not self._takes_last:
            del bounds[-1]
        return bounds

    @property
    def _takes_last(self) -> bool:
        """Whether the period that is not over counts; of quarters none does."""
        return self.with_last and self.aggregation is not Aggregation.QUARTER

    def _values(self, readings: Readings, bounds: Sequence[int]) -> list[dict[str, JSON]]:
        """Return the registers of each period."""
        values: list[dict[str, JSON]] = [{} for _ in bounds[1:]]
        codes = dict.fromkeys(code for row in readings.rows for code in row if self.takes(code))
        counters = [code for code in codes if counts_energy(code)]
        others = [code for code in codes if not counts_energy(code)]
        if others:
            _put_first(values, readings, bounds, others)
        of_periods = period_registers if self.kind is Kind.READINGS else usages
        gap = REACH_SECONDS if self.patch else self.aggregation.seconds * _PERIODS_OF_A_HOLE
        for code in counters:
            courses = register_courses(readings, code)
            for row, value in zip(
                values, of_periods(courses, bounds, longest_gap=gap), strict=True
            ):
                if value is not None:
                    row[code] = value
        return values


def _put_first(
    values: Sequence[dict[str, JSON]],
    readings: Readings,
    bounds: Sequence[int],
    codes: Sequence[str],
) -> None:
    """Put the first of registers in each period into the period's values."""
    for time, row in zip(reversed(readings.times), reversed(readings.rows), strict=True):
        if bounds[0] <= time < bounds[-1]:
            of_period = values[bisect_right(bounds, time) - 1]
            of_period.update((code, row[code]) for code in codes if row.get(code) is not None)


def _parts(times: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of times that are a history together."""
    begin = times[0]
    for time, later in pairwise(times):
        if later - time > _LONGEST_HOLE_SECONDS:
            yield begin, time
            begin = later
    yield begin, times[-1]
