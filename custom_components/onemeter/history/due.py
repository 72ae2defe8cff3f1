"""How far the history of a device is, and what of it is due: without a clock of its own."""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ..onemeter_cloud import OneMeterError, Readings
from ..onemeter_cloud.history import HOUR_SECONDS
from ..onemeter_cloud.readings import joined
from .outline import Outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..onemeter_cloud.parsing import JSON

RECENT: Final = timedelta(days=7)
RECENT_EVERY: Final = timedelta(days=1)
DEEP: Final = timedelta(days=60)
DEEP_EVERY: Final = timedelta(days=7)
CHECK_EVERY: Final = timedelta(days=1)
LONGEST_GAP: Final = timedelta(minutes=30)
SHORTEST_MISS: Final = timedelta(minutes=20)
MOST_GAPS_PER_HOUR: Final = 12
"""How often gaps of all devices are asked for: most of the budget is for polls and people."""

SHORTEST_PAUSE: Final = timedelta(minutes=5)
LONGEST_PAUSE: Final = timedelta(hours=6)
"""Between two attempts to read a history that cannot be read; each pause is twice the last one."""

COMPLETE: Final = 100

_PERIOD: Final = timedelta(minutes=15)
_TAIL_SECONDS: Final = 48 * HOUR_SECONDS
_LONGEST_TAIL_SECONDS: Final = 14 * 24 * HOUR_SECONDS
_TAIL_READINGS: Final = 16
_NOTHING: Final = Readings(times=(), rows=())


@dataclass(frozen=True, slots=True)
class Check:
    """Compare what the recorder has with what is known of it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Read the whole history."""


@dataclass(frozen=True, slots=True)
class Since:
    """Read the history from an instant on, up to another one or to now."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Newest:
    """Take what polls have brought."""


type Job = Check | Whole | Since | Newest


@dataclass(slots=True)
class Pause:
    """Grows while something fails again and again. Times are seconds of a clock that only grows."""

    until: float = -math.inf
    failures: int = 0

    def lengthen(self, clock: float) -> None:
        """Note that it has failed once more."""
        seconds = SHORTEST_PAUSE.total_seconds() * 2.0**self.failures
        self.until = clock + min(seconds, LONGEST_PAUSE.total_seconds())
        self.failures += 1

    def end(self) -> None:
        """Forget what failed."""
        self.until, self.failures = -math.inf, 0


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far the history of a device is.

    `plan` is the fingerprint of the plan that the statistics follow, `None` until the whole history
    has been imported, and when the recorder does not have what it should. `outlines` tell what is
    known of each statistic, by the keys of their series. `percent` is how much of the import has
    been done. `recent_at` and `deep_at` are when the last week and the last two months were read.
    `tail` holds the newest readings, none right after a start; `news` from when on (epoch seconds)
    there are some that have not been written. `gap_since` (epoch seconds) is from when on readings
    were missed that have not been asked for yet. `failing_since` and `error` tell why the history
    cannot be read. The others are seconds of a clock that never goes back.
    """

    plan: str | None = None
    outlines: dict[str, Outline] = field(default_factory=dict)
    percent: int = 0
    recent_at: datetime | None = None
    deep_at: datetime | None = None
    tail: Readings = _NOTHING
    news: int | None = None
    gap_since: int | None = None
    failing_since: datetime | None = None
    error: OneMeterError | None = None
    read_at: float = -math.inf
    checked_at: float = -math.inf
    cloud_pause: Pause = field(default_factory=Pause)
    whole_pause: Pause = field(default_factory=Pause)

    def note_poll(self, newest: Readings) -> None:
        """Note what a poll has brought."""
        known = {(time, code) for time, row in _pairs(self.tail) for code in row}
        new = [
            time for time, row in _pairs(newest) if any((time, code) not in known for code in row)
        ]
        if not new:
            return
        self._note_gap(new[-1])
        self.news = min(new[0], new[0] if self.news is None else self.news)
        # Of one instant the history tells more surely than a poll.
        self.tail = tail_of(joined(newest, self.tail))

    def _note_gap(self, new: int) -> None:
        """Note if a newest reading shows that much was missed, or the reading of a full hour.

        The row of an hour stands on the reading at its end.
        """
        if not self.tail.times:
            return
        last = self.tail.times[-1]
        hour_end = last - last % HOUR_SECONDS + HOUR_SECONDS
        missed = new - last > SHORTEST_MISS.total_seconds()
        if (missed and last < hour_end < new) or new - last > LONGEST_GAP.total_seconds():
            self.note_doubt(last)

    def due(self, plan: str, now: datetime, *, clock: float, devices: int) -> Job | None:
        """Return what is to be done next, `None` if nothing is.

        `devices` is how many the account has: where there are gaps all the time, they take turns.
        """
        if self.plan is not None and clock - self.checked_at >= CHECK_EVERY.total_seconds():
            return Check()
        if clock >= self.cloud_pause.until:
            if self.plan != plan:
                if clock >= self.whole_pause.until:
                    return Whole()
            elif (start := self._due_since(now, clock, devices)) is not None:
                return Since(start)
        return Newest() if self.news is not None else None

    def _due_since(self, now: datetime, clock: float, devices: int) -> datetime | None:
        """Return from when on the history has to be read again, `None` if the poll is enough."""
        starts: list[datetime] = []
        now -= timedelta(seconds=now.timestamp() % _PERIOD.total_seconds())
        if self.deep_at is None or now - self.deep_at >= DEEP_EVERY:
            starts.append(now - DEEP)
        elif self.recent_at is None or now - self.recent_at >= RECENT_EVERY:
            starts.append(now - RECENT)
        turn = devices * HOUR_SECONDS / MOST_GAPS_PER_HOUR
        if self.gap_since is not None and clock - self.read_at >= turn:
            starts.append(datetime.fromtimestamp(self.gap_since, UTC))
        if starts and self.outlines:
            # What came after the last hour that is known must not be left out.
            last = max(outline.last for outline in self.outlines.values())
            starts.append(datetime.fromtimestamp(last, UTC))
        return min(starts, default=None)

    def note_doubt(self, since: int) -> None:
        """Note that polls have missed something since then, or told what is hard to believe."""
        self.gap_since = since if self.gap_since is None else min(self.gap_since, since)

    def note_misfit(self) -> None:
        """Note that the recorder or the history is not what it was known to be."""
        self.plan = None
        self.percent = 0

    def note_whole(
        self,
        plan: str,
        outlines: Mapping[str, Outline],
        readings: Readings,
        *,
        at: datetime,
        clock: float,
    ) -> None:
        """Note that the whole history has been read and written."""
        if clock - self.whole_pause.until >= CHECK_EVERY.total_seconds():
            self.whole_pause.end()
        self.whole_pause.lengthen(clock)
        self.plan, self.outlines = plan, {**outlines}
        self.percent = COMPLETE
        self.recent_at = self.deep_at = at
        self.checked_at = clock
        self.gap_since = None
        self._note_read(readings, clock)

    def note_part(self, readings: Readings, start: datetime, *, at: datetime, clock: float) -> None:
        """Note that the history from `start` up to its newest reading has been read and written."""
        if at - start >= RECENT:
            self.recent_at = at
        if at - start >= DEEP:
            self.deep_at = at
        if self.gap_since is not None and start.timestamp() <= self.gap_since:
            self.gap_since = None
        self._note_read(readings, clock)

    def _note_read(self, readings: Readings, clock: float) -> None:
        self.tail, self.news = tail_of(readings), None
        self.read_at = clock
        self.cloud_pause.end()
        self.failing_since = self.error = None

    def note_failure(self, error: OneMeterError, *, at: datetime, clock: float) -> None:
        """Note that the history could not be read."""
        self.cloud_pause.lengthen(clock)
        self.error = error
        if self.failing_since is None:
            self.failing_since = at

    def as_json(self) -> dict[str, Any]:
        """Return what a restart needs; not the readings, they are asked for again."""
        return {
            "plan": self.plan,
            "outlines": {key: outline.as_json() for key, outline in self.outlines.items()},
            "deep_at": self.deep_at.isoformat() if self.deep_at else None,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Progress:
        """Return the progress as the last run of Home Assistant left it."""
        deep_at = stored["deep_at"]
        return cls(
            plan=stored["plan"],
            outlines={
                key: Outline.from_json(outline) for key, outline in stored["outlines"].items()
            },
            deep_at=datetime.fromisoformat(deep_at) if deep_at is not None else None,
            percent=COMPLETE if stored["plan"] is not None else 0,
        )


def tail_of(readings: Readings) -> Readings:
    """Return the newest of the readings: those of two days, and some more of registers read rarely.

    That is what the next ones need to be understood.
    """
    if not readings.times:
        return readings
    newest = readings.times[-1]
    kept: list[int] = []
    counts: Counter[str] = Counter()
    for number in range(len(readings.times) - 1, -1, -1):
        time, row = readings.times[number], readings.rows[number]
        if newest - time > _LONGEST_TAIL_SECONDS:
            break
        if newest - time <= _TAIL_SECONDS or any(counts[code] < _TAIL_READINGS for code in row):
            kept.insert(0, number)
            counts.update(row.keys())
    return Readings(
        times=tuple(readings.times[number] for number in kept),
        rows=tuple(readings.rows[number] for number in kept),
    )


def _pairs(readings: Readings) -> Iterator[tuple[int, Mapping[str, JSON]]]:
    return zip(readings.times, readings.rows, strict=True)
