"""A long history in stretches, each with enough around it to tell what its readings mean.

Which readings count depends on those before and after them, for a day or a few readings; and a
register that is read rarely has its neighbours far away. So memory does not grow with the length of
a history, and where it is cut into pages does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from onemeter_cloud.obis import OBIS_METER_SERIAL
from onemeter_server.models.records import StoredReading
from onemeter_server.models.registers import counts_energy

from .intervals import REACH_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

MARGIN_SECONDS: Final = 3 * 86_400
"""How much of a history surrounds a stretch at least: a day that begins in it and has 25 hours, and
what a clock that is wrong by a day makes doubtful."""

# Enough to know the course of a register from, and to see that wrong readings were wrong.
_READINGS_AROUND: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What is settled of a history: from `since` to before `until`, in epoch seconds.

    `None` stands for the begin and the end of the history. `readings` are in the order of time;
    those around the stretch are among them, further away with few registers only.
    """

    readings: Sequence[StoredReading]
    since: int | None
    until: int | None


class Stretches:
    """Makes stretches of readings that come page by page, in the order of time or against it."""

    def __init__(self, *, descending: bool = False) -> None:
        """Start without readings."""
        self._direction = -1 if descending else 1
        self._readings: list[StoredReading] = []
        self._newest: defaultdict[str, deque[int]] = defaultdict(
            lambda: deque(maxlen=_READINGS_AROUND)
        )
        self._cut: int | None = None

    def add(self, page: Sequence[StoredReading]) -> Stretch | None:
        """Add the next readings; return what they settle, `None` if that is nothing."""
        self._readings += page
        for reading in page:
            for code in filter(_has_neighbours, reading.values):
                self._newest[code].append(reading.time)
        cut = self._settled_until()
        if cut is None or self._way(self._begin, cut) <= 0:
            return None
        stretch = self._stretch(cut)
        self._cut = cut
        self._readings = self._around(cut)
        return stretch

    def rest(self) -> Stretch | None:
        """Return what is left when there are no more readings, `None` if there were none."""
        return self._stretch(None) if self._readings else None

    def have_settled(self, instant: int) -> bool:
        """Tell whether an instant lies in one of the stretches that have been returned."""
        return self._cut is not None and self._way(instant, self._cut) > 0

    @property
    def _begin(self) -> int:
        """Where what has not been settled begins."""
        return self._readings[0].time if self._cut is None else self._cut

    def _settled_until(self) -> int | None:
        """Return up to when enough is known, `None` if there are no readings."""
        if not self._readings:
            return None
        last = self._readings[-1].time
        farthest = 0
        for times in self._newest.values():
            if self._way(times[-1], last) <= REACH_SECONDS:
                farthest = max(farthest, self._way(times[0], last))
        return last - self._direction * (min(farthest, REACH_SECONDS) + MARGIN_SECONDS)

    def _stretch(self, cut: int | None) -> Stretch:
        ascending = self._direction > 0
        since, until = (self._cut, cut) if ascending else (cut, self._cut)
        return Stretch(
            readings=self._readings if ascending else self._readings[::-1],
            since=since,
            until=until,
        )

    def _around(self, cut: int) -> list[StoredReading]:
        """Return the readings that what follows a cut needs."""
        reach = self._reach_of_serials(cut)
        kept: list[StoredReading] = []
        counts: Counter[str] = Counter()
        for reading in reversed(self._readings):
            if self._way(reading.time, cut) <= reach:
                kept.append(reading)
                continue
            # Which meter shows what a register has been kept of?
            is_of_unknown_meter = bool(kept) and OBIS_METER_SERIAL not in kept[-1].values
            needed = {
                code: value
                for code, value in reading.values.items()
                if (_has_neighbours(code) and counts[code] < _READINGS_AROUND)
                or (code == OBIS_METER_SERIAL and is_of_unknown_meter)
            }
            if needed:
                counts.update(needed.keys())
                kept.append(StoredReading(time=reading.time, values=needed))
        return kept[::-1]

    def _reach_of_serials(self, cut: int) -> int:
        """Return how far before a cut another meter may begin that is told of after it."""
        told = [
            way
            for reading in self._readings
            if OBIS_METER_SERIAL in reading.values and (way := self._way(reading.time, cut)) >= 0
        ]
        farthest = max(told[-_READINGS_AROUND:], default=0)
        return max(MARGIN_SECONDS, min(farthest, REACH_SECONDS))

    def _way(self, time: int, later: int) -> int:
        """Return how long after a time another one comes, in the order of the pages."""
        return (later - time) * self._direction


@lru_cache(maxsize=4096)
def _has_neighbours(code: str) -> bool:
    """Tell whether what a register shows has to be judged by what it shows before and after."""
    return counts_energy(code) or code == OBIS_METER_SERIAL
