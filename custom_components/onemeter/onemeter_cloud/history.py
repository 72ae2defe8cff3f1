"""A register's readings to hourly energy: pure functions.

The register is the truth. What was used up to an instant is the register minus the register at the
start of the history, plus an offset for every time the meter was replaced: never a sum of what was
added up before. So the same readings give the same rows, in whatever order and pieces they came.
"""

import math
from bisect import bisect_right
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOUR_SECONDS: Final = 3600
DEFAULT_LIMIT_KW: Final = 200.0
WRONG_READINGS: Final = 4
"""How many readings in a row may be wrong before they are taken for the truth."""

_RESOLUTION: Final = 0.01  # of the meters' counters, in kWh


class Offset(NamedTuple):
    """From the reading at `time` (epoch seconds) on, the sum is the register plus `value` (kWh).

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

    Between two readings the energy is shared out in proportion to time; between the last reading of
    a meter and the first of another nothing is known, and the sum stands still. Which readings
    count is said in `plausible_readings`. There is a row for every hour from that of the first
    reading to that of the last; a reading on the hour belongs to the hour that it ends.

    Without `offsets` the readings are a whole history, which the first of them starts at zero. With
    the offsets that a run over the history returned, they may be a window of it. Its rows are then
    exactly those of the whole, from the hour of its first reading on (from the jump on, if it
    starts with an impossible one), if

    - the window holds every reading from its first one to its last,
    - its first reading is among the plausible ones of the run that returned the offsets, and at
      least `WRONG_READINGS` readings of that run follow it (just one reading of overlap is enough
      where none are wrong).

    Meters that appear within the window are found again, with offsets equal to those of the whole.
    As in the whole, the end is provisional: the last row until the hour is over, and what the last
    `WRONG_READINGS` readings were taken for until those after them are known. If late readings
    change the offsets within a window, all rows after it change too. Readings from before the first
    offset are a new start of the history: all of it has to be computed again.
    """
    points = plausible_readings(readings, limit_kw)
    if not points:
        return Hourly([], tuple(offsets))
    time, value = points[0]
    count = bisect_right(offsets, time, key=lambda offset: offset.time)
    return _hours(points, list(offsets[:count]) or [Offset(time, -value)])


def plausible_readings(
    readings: Iterable[tuple[int, float]], limit_kw: float = DEFAULT_LIMIT_KW
) -> list[tuple[int, float]]:
    """Return the readings in the order of time, one for each instant, without the wrong ones.

    - Of several readings of one instant the highest counts.
    - A fall is another meter, unless one of the next `WRONG_READINGS` readings has reached the old
      height again, by a power that is possible: then those from the fall up to there were wrong.
    - A jump, a rise of more than `limit_kw`, was wrong if one of the next `WRONG_READINGS` readings
      is lower, and so were those between. Otherwise it is energy: meters do show more than what a
      contract allows. So no limit makes possible readings wrong that never fall.
    - Only at the very start of a history and of another meter there is no old course to return to.
      There an impossible jump among the first `WRONG_READINGS` readings means that those before it
      were wrong (zeros, mostly), if it stands and the reading after it agrees.

    Possible is a power up to the greater of `limit_kw` and `DEFAULT_LIMIT_KW`.
    """
    in_time = _one_for_each_instant(readings)
    limit = limit_kw / HOUR_SECONDS
    possible = max(limit_kw, DEFAULT_LIMIT_KW) / HOUR_SECONDS
    kept = in_time[:1]
    if not kept:
        return kept
    last_time, last_value = last = kept[0]
    next_index = 1
    meter_index = meter_kept = 0  # where the readings of this meter begin
    for index, point in enumerate(in_time):
        if index < next_index:
            continue
        time, value = point
        if not 0.0 <= value - last_value <= limit * (time - last_time) + _RESOLUTION:
            correct = _index_of_correction(in_time, index, last, possible)
            if correct is not None:
                next_index = correct
                continue
            if value < last_value:
                meter_index, meter_kept = index, len(kept)
            elif (
                index - meter_index <= WRONG_READINGS
                and len(in_time) - index > len(kept) - meter_kept
                and not _on_course(last, point, possible)
                and _on_course(point, in_time[index + 1], possible)
            ):
                del kept[meter_kept:]
        kept.append(point)
        last_time, last_value = last = point
    return kept


def _one_for_each_instant(readings: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the readings in the order of time, of each instant the highest."""
    in_time = sorted(readings)
    times = [time for time, _ in in_time]
    if all(map(lt, times, islice(times, 1, None), strict=False)):
        return in_time
    return list(dict(in_time).items())  # a later item takes the place of an earlier one


def _on_course(earlier: tuple[int, float], later: tuple[int, float], per_second: float) -> bool:
    """Tell whether a register can get from one reading to the other."""
    most = per_second * (later[0] - earlier[0]) + _RESOLUTION
    return 0.0 <= later[1] - earlier[1] <= most


def _index_of_correction(
    in_time: list[tuple[int, float]], index: int, last: tuple[int, float], per_second: float
) -> int | None:
    """Return which reading shows that the suspicious one at `index` was wrong, `None` if none.

    `last` is the last reading before it that was right.
    """
    value = in_time[index][1]
    fell = value < last[1]
    for later in range(index + 1, min(len(in_time), index + WRONG_READINGS + 1)):
        if _on_course(last, in_time[later], per_second) if fell else in_time[later][1] < value:
            return later
    return None


def _hours(points: list[tuple[int, float]], offsets: list[Offset]) -> Hourly:
    """Return the rows of plausible readings, the first of which has the last of the offsets."""
    rows: list[HourRow] = []
    time, value = points[0]
    offset = offsets[-1].value
    end = time - time % HOUR_SECONDS + HOUR_SECONDS
    for later_time, later_value in islice(points, 1, None):
        replaced = later_value < value
        if end < later_time:
            highest = value if replaced else later_value
            slope = (highest - value) / (later_time - time)
            while end < later_time:
                state = min(value + slope * (end - time), highest)
                rows.append(HourRow(end - HOUR_SECONDS, state, state + offset))
                end += HOUR_SECONDS
        if replaced:
            offset = _next_offset(value + offset, later_value)
            offsets.append(Offset(later_time, offset))
        if end == later_time:
            rows.append(HourRow(end - HOUR_SECONDS, later_value, later_value + offset))
            end += HOUR_SECONDS
        time, value = later_time, later_value
    if time > end - HOUR_SECONDS:
        rows.append(HourRow(end - HOUR_SECONDS, value, value + offset))
    return Hourly(rows, tuple(offsets))


def _next_offset(total: float, value: float) -> float:
    """Return the offset with which a new meter that shows `value` goes on at the sum `total`."""
    offset = total - value
    # Rounding must not let the sum fall, not even by the last bit.
    while value + offset < total:
        offset = math.nextafter(offset, math.inf)
    return offset
