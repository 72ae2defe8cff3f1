"""A register's readings to hourly energy: pure functions.

The register is the truth. What was used up to an instant is the register minus the register at the
start of the history, plus an offset for every time the meter was replaced: never a sum of what was
added up before. So the same readings give the same rows, in whatever order and pieces they came.
"""

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOUR_SECONDS: Final = 3600
DEFAULT_LIMIT_KW: Final = 200.0
WRONG_READINGS: Final = 4
"""How many readings in a row may be wrong before they are taken for the truth."""


class Point(NamedTuple):
    """A register (kWh) at an instant (epoch seconds)."""

    time: int
    value: float


class Offset(NamedTuple):
    """From `time` (epoch seconds) on, the sum is the register plus `value` (kWh).

    One for each meter: the first makes the history start at zero, each further one lets the sum go
    on when another meter took the place of the one before.
    """

    time: int
    value: float


class HourRow(NamedTuple):
    """One hour of energy.

    `start` is the hour's start in epoch seconds, `state` the register at its end, `sum` the energy
    since the start of the history, both in the unit of the register. In the hour of the newest
    reading, the end is that reading.
    """

    start: int
    state: float
    sum: float


class Hourly(NamedTuple):
    """Hourly rows in the order of time, and the offsets of all meters up to their end."""

    rows: list[HourRow]
    offsets: tuple[Offset, ...]


def hourly_energy(
    readings: Iterable[tuple[int, float]],
    *,
    offsets: Sequence[Offset] = (),
    limit_kw: float = DEFAULT_LIMIT_KW,
) -> Hourly:
    """Return the hourly energy of one register's readings (epoch seconds, kWh), in any order.

    Without `offsets` the first reading is the start of the history. A window of a longer history
    gives the offsets that a run over the earlier part returned; those after its first reading are
    found anew.

    Between two readings the energy is shared out in proportion to time. A fall of the register is
    another meter, unless the register comes back within `WRONG_READINGS`: then the readings between
    were wrong and are left out, as are jumps above `limit_kw` that are taken back.
    """
    points = plausible_readings(readings, limit_kw)
    if not points:
        return Hourly([], tuple(offsets))
    known = _offsets_at(offsets, points[0])
    return _hours(points, known)


def plausible_readings(
    readings: Iterable[tuple[int, float]], limit_kw: float = DEFAULT_LIMIT_KW
) -> list[tuple[int, float]]:
    """Return the readings in the order of time, one for each instant, without the wrong ones.

    Of several readings of one instant the highest stays, whatever the order they came in.
    """
    in_time = sorted(readings)
    limit_per_second = limit_kw / HOUR_SECONDS
    kept: list[tuple[int, float]] = []
    length = len(in_time)
    index = 0
    last_time, last_value = 0, 0.0
    while index < length:
        time, value = point = in_time[index]
        if not kept:
            kept.append(point)
        elif time == last_time:
            kept[-1] = point
        elif (
            0.0 <= value - last_value <= limit_per_second * (time - last_time)
            or (back := _index_of_return(in_time, index, kept[-1], limit_per_second)) is None
        ):
            kept.append(point)
        else:
            index = back
            continue
        last_time, last_value = point
        index += 1
    return kept


def _index_of_return(
    in_time: list[tuple[int, float]],
    index: int,
    last: tuple[int, float],
    limit_per_second: float,
) -> int | None:
    """Return where the register is back on the course of `last` after a suspicious reading.

    `None` if that does not happen within `WRONG_READINGS`. After a fall, being back means to have
    reached the old value again; after a jump, to have fallen below the height it jumped to.
    """
    last_time, last_value = last
    suspicious = in_time[index][1]
    end = min(len(in_time), index + WRONG_READINGS + 1)
    for later in range(index + 1, end):
        time, value = in_time[later]
        on_course = 0.0 <= value - last_value <= limit_per_second * (time - last_time)
        if on_course and (suspicious < last_value or value < suspicious):
            return later
    return None


def _offsets_at(offsets: Sequence[Offset], first: tuple[int, float]) -> list[Offset]:
    """Return the offsets up to the first reading, or the one that starts a history with it."""
    time, value = first
    count = bisect_right(offsets, time, key=lambda offset: offset.time)
    return list(offsets[:count]) or [Offset(time, -value)]


def _hours(points: list[tuple[int, float]], offsets: list[Offset]) -> Hourly:
    """Return the rows of plausible readings, continuing the last of the offsets."""
    rows: list[HourRow] = []
    time, value = points[0]
    offset = offsets[-1].value
    border = time - time % HOUR_SECONDS + HOUR_SECONDS
    for later_time, later_value in points:
        start_value = value
        if later_value < value:
            # Another meter: nothing is known of the energy between, the sum stays where it is.
            offset += value - later_value
            offsets.append(Offset(later_time, offset))
            start_value = later_value
        if later_time >= border:
            slope = (later_value - start_value) / (later_time - time)
            while border <= later_time:
                state = min(start_value + slope * (border - time), later_value)
                rows.append(HourRow(border - HOUR_SECONDS, state, state + offset))
                border += HOUR_SECONDS
        time, value = later_time, later_value
    if time > border - HOUR_SECONDS:
        rows.append(HourRow(border - HOUR_SECONDS, value, value + offset))
    return Hourly(rows, tuple(offsets))
