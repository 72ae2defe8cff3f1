"""Quarters, hours and days, and what a register shows at their bounds and counts between them.

Bounds are where clocks in the device's time zone show a full quarter or hour, or midnight. So a day
has 23 or 25 hours when summer time begins or ends, and the hour that clocks repeat comes twice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from onemeter_cloud.history import meters_of, plausible_readings
from onemeter_server.models.registers import COUNTER_DECIMALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from onemeter_cloud.history import Course

QUARTER_SECONDS: Final = 900
REACH_SECONDS: Final = 31 * 86_400
"""How far away the next reading of a register is looked for, when others are read meanwhile. One
that is not read for longer has ended, and begins anew."""

_HOUR_SECONDS: Final = 3600
_DAY_SECONDS: Final = 86_400

# Registers have two decimals; this only cuts off what binary fractions add to a difference.
_DIFFERENCE_DECIMALS: Final = 6


class Aggregation(StrEnum):
    """How long the periods are."""

    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        """How long a period is, but for those in which summer time begins or ends."""
        return _SECONDS[self]


_SECONDS: Final = {
    Aggregation.QUARTER: QUARTER_SECONDS,
    Aggregation.HOUR: _HOUR_SECONDS,
    Aggregation.DAY: _DAY_SECONDS,
}


def boundaries(since: int, until: int, aggregation: Aggregation, zone: ZoneInfo) -> Iterator[int]:
    """Yield the bounds of the periods of a time (all in epoch seconds) in the order of time.

    The first is the start of the period that `since` lies in, the last is the first that is not
    before `until`. So each pair of neighbours is a period, and where a time is cut does not matter.
    """
    day = datetime.fromtimestamp(since, zone).date()
    before: int | None = None
    while True:
        start, day = _midnight(day, zone), day + timedelta(days=1)
        for bound in _bounds_of_day(start, _midnight(day, zone), aggregation, zone):
            if before is not None and bound > since:
                yield before
                if before >= until:
                    return
            before = bound


def registers(
    courses: Iterable[Course], bounds: Sequence[int], *, longest_gap: float | None = None
) -> list[float | None]:
    """Return what a register shows at each of the instants, in its own unit.

    `courses` are those that `register_courses` gives of a register: (epoch seconds, value). The
    library says which readings count; the others are as if they were not there. Between two
    readings the register rises in proportion to time, in hundredths as a meter shows it; between
    the last reading of a meter and the first of another it stands still.

    It is `None` before the first reading and after the last one, and between readings that are more
    than `longest_gap` (seconds) apart.
    """
    curve = _Curve(courses, longest_gap)
    return [None if (point := curve.at(bound)) is None else point.value for bound in bounds]


def period_registers(
    courses: Iterable[Course], bounds: Sequence[int], *, longest_gap: float | None = None
) -> list[float | None]:
    """Return what a register shows at the start of each period between neighbours of `bounds`.

    Where `registers` does not know that, it is the first reading that counts in the period, `None`
    if there is none.
    """
    curve = _Curve(courses, longest_gap)
    return [
        curve.first_within(start, end) if (point := curve.at(start)) is None else point.value
        for start, end in pairwise(bounds)
    ]


def usages(
    courses: Iterable[Course], bounds: Sequence[int], *, longest_gap: float | None = None
) -> list[float | None]:
    """Return what a register has counted between each two neighbours of `bounds` (ascending).

    So there is one usage less than bounds: in the unit of the register (kWh), never below zero,
    and their sum is the difference of the registers. Another meter that starts anew, or a counter
    that was full, goes on where the one before ended. For the rest see `registers`.

    Of an interval in which the first or the last reading lies it is the energy since the first or
    up to the last one. It is `None` where no such part of an interval is left, and where a bound
    lies between readings that are more than `longest_gap` (seconds) apart. With such a bound, and
    `REACH_SECONDS` between readings, the earlier one is a last one and the later a first.
    """
    curve = _Curve(courses, longest_gap)
    return [curve.counted(start, end) for start, end in pairwise(bounds)]


class _Point(NamedTuple):
    """What a register shows, and what has to be added for the meters before."""

    value: float
    offset: float


class _Curve:
    """A register over time: what counts of its readings, and between them what must have been."""

    def __init__(self, courses: Iterable[Course], longest_gap: float | None) -> None:
        self._times: list[int] = []
        self._points: list[_Point] = []
        self._longest_gap = longest_gap
        for course in courses:
            for meter in meters_of(plausible_readings(course)):
                self._go_on_with(meter)

    def at(self, instant: int) -> _Point | None:
        """Return the register at an instant, `None` if nothing is known of it."""
        after = bisect_right(self._times, instant)
        if not self._times or after == 0 or instant > self._times[-1]:
            return None
        known, point = self._times[after - 1], self._points[after - 1]
        if known == instant:
            return point
        gap, following = self._times[after] - known, self._points[after]
        if self._longest_gap is not None and gap > self._longest_gap:
            return None
        if following.offset != point.offset:
            return point
        rise = (following.value - point.value) * (instant - known) / gap
        shown = round(point.value + rise, COUNTER_DECIMALS)
        return _Point(min(max(point.value, shown), following.value), point.offset)

    def first_within(self, start: int, end: int) -> float | None:
        """Return the first reading from an instant to before another one."""
        first = bisect_left(self._times, start)
        is_within = first < len(self._times) and self._times[first] < end
        return self._points[first].value if is_within else None

    def counted(self, start: int, end: int) -> float | None:
        """Return what was counted in the part of an interval in which the register was read."""
        after, before = bisect_right(self._times, start), bisect_left(self._times, end) - 1
        if after == len(self._times) or before < 0:
            return None
        if after == 0 or self._is_gone_before(after):
            start = self._times[after]
        if before == len(self._times) - 1 or self._is_gone_before(before + 1):
            end = self._times[before]
        low, high = self.at(start), self.at(end)
        if start >= end or low is None or high is None:
            return None
        return round(high.value + high.offset - (low.value + low.offset), _DIFFERENCE_DECIMALS)

    def _is_gone_before(self, number: int) -> bool:
        """Tell whether the register had ended before a reading."""
        gap = self._times[number] - self._times[number - 1]
        return self._longest_gap is not None and gap > max(REACH_SECONDS, self._longest_gap)

    def _go_on_with(self, meter: Course) -> None:
        """Add the readings of the next meter: it goes on where the one before ended."""
        offset = 0.0
        if self._points:
            before = self._points[-1]
            offset = before.value + before.offset - meter[0][1]
        self._times += (reading[0] for reading in meter)
        self._points += (_Point(value, offset) for _, value in meter)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """Return when a day begins; where clocks are put forward at midnight, that is then."""
    return int(datetime.combine(day, time(), zone).timestamp())


def _bounds_of_day(start: int, end: int, aggregation: Aggregation, zone: ZoneInfo) -> Iterable[int]:
    """Return where the periods of a day begin."""
    seconds = aggregation.seconds
    if aggregation is Aggregation.DAY:
        return (start,) if start < end else ()  # islands have skipped a day
    if (end - start) % seconds == 0:
        return range(start, end, seconds)
    # Clocks are put forward or back by half an hour.
    return (
        bound
        for bound in range(start, end, QUARTER_SECONDS)
        if datetime.fromtimestamp(bound, zone).minute == 0
    )
