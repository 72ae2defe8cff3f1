"""What registers show to hourly energy: pure functions.

The register is the truth. What was used up to an instant is the register minus the register at the
start of the history, plus an offset for every other meter or register since: never a sum of what
was added up before. So the same readings give the same rows, in whatever order and pieces they
came.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import islice, pairwise
from operator import itemgetter, lt
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    type Point = tuple[int, float]
    type Course = Sequence[Point]

HOUR_SECONDS: Final = 3600
DEFAULT_LIMIT_KW: Final = 200.0
WRONG_READINGS: Final = 4
"""How many readings in a row may be wrong before they are taken for the truth."""

TOLERANCE_KWH: Final = 1e-6
"""Values that differ by less are the same: another order of additions, not another reading."""

_RELATIVE_TOLERANCE: Final = 1e-12
_RESOLUTION: Final = 0.01  # of the meters' counters, in kWh
_LONGEST_WRONG_TIME: Final = 25 * HOUR_SECONDS
"""How long a reader whose clock is off by hours or a day can tell of another time."""

# What counters that are full start again after: their digits, or 32 bits of some unit.
_CAPACITIES: Final = (
    *(float(10**digits) for digits in range(5, 10)),
    *(2.0**32 / 10**decimals for decimals in range(5)),
)
_NEARLY_FULL: Final = 0.95


class HourRow(NamedTuple):
    """One hour of energy.

    `start` is the hour's start in epoch seconds, `state` the register at its end, `sum` the energy
    since the start of the history, both in the unit of the register. In the hour of the newest
    reading, the end is that reading.
    """

    start: int
    state: float
    sum: float

    @property
    def offset(self) -> float:
        """The energy that the sum has besides the register: one constant within one meter."""
        return self.sum - self.state


def is_same(value: float, other: float) -> bool:
    """Tell whether two registers or sums (kWh) are the same, but for the noise of additions."""
    return math.isclose(value, other, rel_tol=_RELATIVE_TOLERANCE, abs_tol=TOLERANCE_KWH)


def hourly_energy(
    courses: Iterable[Course], *, limit_kw: float = DEFAULT_LIMIT_KW, multiplier: float = 1.0
) -> list[HourRow]:
    """Return the hourly energy of what meters show, in the order of time.

    A course holds the readings (epoch seconds, kWh) of one register of one meter in any order, as
    far as that is known; the next one is another register or meter, read later. What was counted is
    multiplied by the transformer ratio; `limit_kw` is meant after it.

    Between two readings the energy is shared out in proportion to time; between the last reading of
    a meter and the first of another nothing is known, and the sum stands still. Which readings
    count is said in `plausible_readings`. There is a row for every hour from that of the first
    reading to that of the last; a reading on the hour belongs to the hour that it ends.

    The readings can be a part of a history. Then their rows differ from those of the whole by one
    constant in `sum` alone, if they start with some that the whole counts. The end is provisional:
    the last row until the hour is over, and what the last `WRONG_READINGS` readings were taken for
    until those after them are known.
    """
    rows: list[HourRow] = []
    total = 0.0
    pieces = [
        piece
        for course in courses
        for piece in meters_of(plausible_readings(course, limit_kw / multiplier))
    ]
    # What is read once, when another register of the same meter is read last, tells nothing.
    pieces = [
        piece
        for before, piece in zip([None, *pieces], pieces, strict=False)
        if before is None or len(piece) > 1 or piece[0][0] > before[-1][0]
    ]
    for number, piece in enumerate(pieces):
        if number and piece[0][0] % HOUR_SECONDS == 0:  # the end of an hour of the one before
            time, value = piece[0]
            _put(rows, HourRow(time - HOUR_SECONDS, value, value + _offset(total, value)))
        until = pieces[number + 1][0][0] if number + 1 < len(pieces) else 0
        total = _add_hours(rows, piece, until, total)
    if multiplier != 1.0:
        return [
            HourRow(start, state * multiplier, sum_ * multiplier) for start, state, sum_ in rows
        ]
    return rows


def plausible_readings(readings: Course, limit_kw: float = DEFAULT_LIMIT_KW) -> list[Point]:
    """Return the readings of a course in the order of time, without the wrong ones.

    - Of several readings of one instant the highest counts. Nothing counts below zero.
    - A fall is another meter, unless
      - one of the next `WRONG_READINGS` readings has reached the old height again, by a power that
        is possible: then those from the fall up to there were wrong;
      - it goes on from an older reading, and what it fell to was left in the last day, or what it
        fell from is reached again in the next: then a clock was wrong, before the fall or since.
        Those before it were wrong if they are fewer and as many readings follow, else those since;
        while that cannot be told the course ends before the fall;
      - the register was nearly full, and starting again after its last digit means a power up to
        `limit_kw`: then it has counted on, and gets a reading when it was full and one at zero.
    - A jump, a rise of more than `limit_kw`, was wrong if one of the next `WRONG_READINGS` readings
      is lower, and so were those between. What was taken for another meter was wrong if a jump
      leads back to the course of the meter before within a day. Otherwise it is energy: meters do
      show more than what a contract allows. So no limit makes possible readings wrong that never
      fall.
    - Neither another meter nor an impossible jump is believed before more than `WRONG_READINGS`
      readings tell of it: until then the course ends before them.
    - Only at the very start of a history and of another meter there is no old course to return to.
      There an impossible jump among the first `WRONG_READINGS` readings means that those before it
      were wrong (zeros, mostly), if it stands and the reading after it agrees.

    Possible is a power up to the greater of `limit_kw` and `DEFAULT_LIMIT_KW`; of a jump also twice
    what the newest readings before it show.
    """
    in_time = _one_for_each_instant(readings)
    kept = in_time[:1]
    judge = _Judge(in_time=in_time, kept=kept, limit_kw=limit_kw)
    limit = limit_kw / HOUR_SECONDS
    index = 1
    while index < len(in_time):
        (last_time, last_value), (time, value) = kept[-1], in_time[index]
        if 0.0 <= value - last_value <= limit * (time - last_time) + _RESOLUTION:
            kept.append((time, value))
            index += 1
        elif value < last_value:
            index = judge.fall(index)
        else:
            index = judge.jump(index)
    return kept


def meters_of(points: list[Point]) -> list[list[Point]]:
    """Return plausible readings cut where another meter begins."""
    cuts = [number for number, (one, next_) in enumerate(pairwise(points), 1) if next_[1] < one[1]]
    borders = [0, *cuts, len(points)]
    return [points[begin:end] for begin, end in pairwise(borders) if begin < end]


class _Judge:
    """Decides what counts of the readings in question, and where to go on after them."""

    def __init__(self, *, in_time: list[Point], kept: list[Point], limit_kw: float) -> None:
        """Take the readings in the order of time, and those that are kept, to change them."""
        self._in_time = in_time
        self._kept = kept
        self._limit = limit_kw / HOUR_SECONDS
        self._possible = max(limit_kw, DEFAULT_LIMIT_KW) / HOUR_SECONDS
        # Where the readings of this meter begin: among all, and among those kept.
        self._meter_index = self._meter_kept = 0
        self._earlier: list[tuple[int, int]] = []  # the same of the meters before

    def fall(self, index: int) -> int:
        """Decide on a reading that is lower than the last one."""
        last, point = self._kept[-1], self._in_time[index]
        corrected = self._index_of_correction(index)
        if (first := self._goes_on_from(point)) is not None:
            was_shown = point[0] - self._kept[first][0] <= _LONGEST_WRONG_TIME
            shown_again = corrected or self._index_of_return(index)
            if corrected is None and was_shown:
                corrected = shown_again
            wrong, following = len(self._kept) - first, len(self._in_time) - index
            if wrong < (corrected - index if corrected else following + 1):
                if was_shown or shown_again:
                    del self._kept[first:]
                    self._kept.append(point)
                    return index + 1
            elif was_shown and corrected is None:
                return len(self._in_time)
        if corrected is not None:
            return corrected
        if full := _when_full(last, point, self._limit):
            self._kept += full
            self._earlier.clear()
            self._meter_index, self._meter_kept = index, len(self._kept) - 1
        elif self._is_too_early(index):
            return len(self._in_time)
        else:
            self._earlier.append((self._meter_index, self._meter_kept))
            self._meter_index, self._meter_kept = index, len(self._kept)
        self._kept.append(point)
        return index + 1

    def jump(self, index: int) -> int:
        """Decide on a reading that is higher than it can be expected to be."""
        last, point = self._kept[-1], self._in_time[index]
        right = self._index_of_correction(index)
        if right is not None:
            return right
        if self._is_on_earlier_course(point):
            del self._kept[self._meter_kept :]
            self._meter_index, self._meter_kept = self._earlier.pop()
        elif not _on_course(last, point, max(self._possible, 2 * self._usual)):
            if self._is_too_early(index):
                return len(self._in_time)
            if (
                index - self._meter_index <= WRONG_READINGS
                and len(self._in_time) - index > len(self._kept) - self._meter_kept
                and _on_course(point, self._in_time[index + 1], self._possible)
            ):
                del self._kept[self._meter_kept :]
        self._kept.append(point)
        return index + 1

    @property
    def _usual(self) -> float:
        """The greatest power of the newest steps: large sites have more than is possible else."""
        newest = self._kept[max(self._meter_kept, len(self._kept) - 2 * WRONG_READINGS) :]
        return max(
            ((later[1] - one[1]) / (later[0] - one[0]) for one, later in pairwise(newest)),
            default=0.0,
        )

    def _is_on_earlier_course(self, point: Point) -> bool:
        """Tell whether a jump leads back to the meter before, which was left for a day at most."""
        if not self._earlier:
            return False
        before, fallen = self._kept[self._meter_kept - 1 : self._meter_kept + 1]
        return self._kept[-1][0] - fallen[0] <= _LONGEST_WRONG_TIME and _on_course(
            before, point, self._possible
        )

    def _is_too_early(self, index: int) -> bool:
        """Tell whether what is left is too little to give a meter's course up for."""
        is_established = len(self._kept) - self._meter_kept > WRONG_READINGS
        return is_established and len(self._in_time) - index <= WRONG_READINGS

    def _index_of_correction(self, index: int) -> int | None:
        """Return which reading shows that the one at `index` was wrong, `None` if none does."""
        last, value = self._kept[-1], self._in_time[index][1]
        fell = value < last[1]
        for later in range(index + 1, min(len(self._in_time), index + WRONG_READINGS + 1)):
            point = self._in_time[later]
            if _on_course(last, point, self._possible) if fell else point[1] < value:
                return later
        return None

    def _goes_on_from(self, point: Point) -> int | None:
        """Return the number of the first kept reading that is higher than a fallen one.

        `None` if the fallen one does not go on from the one before that.
        """
        first = bisect_right(self._kept, point[1], lo=self._meter_kept, key=itemgetter(1))
        goes_on = first > self._meter_kept and _on_course(
            self._kept[first - 1], point, self._possible
        )
        return first if goes_on else None

    def _index_of_return(self, index: int) -> int | None:
        """Return which reading of a day has reached the height again that one at `index` fell from.

        Where there is a hole, it can be the first reading after that.
        """
        last, (fallen, _) = self._kept[-1], self._in_time[index]
        for later in range(index + 1, len(self._in_time)):
            if self._in_time[later - 1][0] - fallen > _LONGEST_WRONG_TIME:
                return None
            if self._in_time[later][1] >= last[1]:
                return later if _on_course(last, self._in_time[later], self._possible) else None
        return None


def _one_for_each_instant(readings: Course) -> list[Point]:
    """Return the readings in the order of time, of each instant the highest, none below zero."""
    in_time = sorted(readings)
    if in_time and min(value for _, value in in_time) < 0.0:
        in_time = [point for point in in_time if point[1] >= 0.0]
    times = [time for time, _ in in_time]
    if all(map(lt, times, islice(times, 1, None))):
        return in_time
    return list(dict(in_time).items())  # a later item takes the place of an earlier one


def _on_course(earlier: Point, later: Point, per_second: float) -> bool:
    """Tell whether a register can get from one reading to the other."""
    most = per_second * (later[0] - earlier[0]) + _RESOLUTION
    return 0.0 <= later[1] - earlier[1] <= most


def _when_full(last: Point, point: Point, per_second: float) -> list[Point]:
    """Return what a register showed when it was full and started again; nothing if it was not."""
    (time, value), (later, rest) = last, point
    for capacity in _CAPACITIES:
        energy = capacity - value + rest
        if (
            capacity * _NEARLY_FULL <= value < capacity
            and later - time > 1
            and energy <= per_second * (later - time) + _RESOLUTION
        ):
            share = (capacity - value) / energy
            full = min(max(time + 1, round(time + share * (later - time))), later - 1)
            return [(full, capacity), (full, 0.0)]
    return []


def _add_hours(rows: list[HourRow], points: list[Point], until: int, total: float) -> float:
    """Add the rows of one meter's readings to those before; return the sum at their end.

    `until` is when the next meter is read, zero without one: up to then the sum stands still.
    `total` is the sum at the first reading.
    """
    time, value = points[0]
    offset = _offset(total, value)
    end = time - time % HOUR_SECONDS + HOUR_SECONDS
    for later_time, later_value in islice(points, 1, None):
        if end < later_time:
            slope = (later_value - value) / (later_time - time)
            while end < later_time:
                state = min(value + slope * (end - time), later_value)
                _put(rows, HourRow(end - HOUR_SECONDS, state, state + offset))
                end += HOUR_SECONDS
        if end == later_time:
            _put(rows, HourRow(end - HOUR_SECONDS, later_value, later_value + offset))
            end += HOUR_SECONDS
        time, value = later_time, later_value
    while end < until:
        _put(rows, HourRow(end - HOUR_SECONDS, value, value + offset))
        end += HOUR_SECONDS
    if time > end - HOUR_SECONDS:
        _put(rows, HourRow(end - HOUR_SECONDS, value, value + offset))
    return value + offset


def _put(rows: list[HourRow], row: HourRow) -> None:
    """Add a row; it takes the place of one of its hour, which a meter before it has begun."""
    if rows and rows[-1].start == row.start:
        rows[-1] = row
    else:
        rows.append(row)


def _offset(total: float, value: float) -> float:
    """Return the offset with which a meter that shows `value` goes on at the sum `total`."""
    offset = total - value
    # Rounding must not let the sum fall, not even by the last bit.
    while value + offset < total:
        offset = math.nextafter(offset, math.inf)
    return offset
