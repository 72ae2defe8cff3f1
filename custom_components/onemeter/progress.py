"""How far the history of a device is, and what of it has to be read again: without a clock."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from .energy import Constants
from .onemeter_cloud import Readings
from .onemeter_cloud.history import HOUR_SECONDS
from .reader import tail_of

if TYPE_CHECKING:
    from collections.abc import Mapping

RECENT: Final = timedelta(days=7)
RECENT_EVERY: Final = timedelta(days=1)
DEEP: Final = timedelta(days=60)
DEEP_EVERY: Final = timedelta(days=7)
LONGEST_GAP: Final = timedelta(minutes=30)
SHORTEST_MISS: Final = timedelta(minutes=20)
MOST_GAPS_PER_HOUR: Final = 12
"""How often gaps of all devices are asked for: most of the budget is for polls and people."""

COMPLETE: Final = 100

_PERIOD: Final = timedelta(minutes=15)
_NOTHING: Final = Readings(times=(), rows=())


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far the history of a device is.

    `plan` is the fingerprint of the plan that the statistics follow, `None` until the whole history
    has been imported; `percent` how much of that has been done. `recent_at` and `deep_at` are when
    the last week and the last two months were read. `tail` holds the newest readings, none right
    after a start; `misfits` counts how many of them in a row have not fitted to what is known.
    `gap_since` (epoch seconds) is from when on readings were missed that have not been asked for
    yet, `read_at` (seconds of a clock that never goes back) when the history was read last.
    """

    plan: str | None = None
    constants: Constants = field(default_factory=Constants)
    recent_at: datetime | None = None
    deep_at: datetime | None = None
    tail: Readings = _NOTHING
    misfits: int = 0
    fits: bool = True
    percent: int = 0
    gap_since: int | None = None
    read_at: float = -math.inf

    def note_gap(self, newest: Readings) -> None:
        """Note if a newest reading shows that much was missed, or the reading of a full hour.

        The row of an hour stands on the reading at its end.
        """
        if not self.tail.times or not newest.times:
            return
        last, new = self.tail.times[-1], newest.times[0]
        hour_end = last - last % HOUR_SECONDS + HOUR_SECONDS
        missed = new - last > SHORTEST_MISS.total_seconds()
        if (missed and last < hour_end < new) or new - last > LONGEST_GAP.total_seconds():
            since = self.tail.times[0]
            self.gap_since = since if self.gap_since is None else min(self.gap_since, since)

    def note_all(
        self, plan: str, constants: Constants, readings: Readings, *, at: datetime, clock: float
    ) -> None:
        """Note that the whole history has been read and written."""
        self.plan, self.constants = plan, constants
        self.recent_at = self.deep_at = at
        self.gap_since = None
        self._note_newest(readings, clock)

    def note_part(self, readings: Readings, start: datetime, *, at: datetime, clock: float) -> None:
        """Note that the history from `start` up to its newest reading has been read and written."""
        if at - start >= RECENT:
            self.recent_at = at
        if at - start >= DEEP:
            self.deep_at = at
        if self.gap_since is not None and start.timestamp() <= self.gap_since:
            self.gap_since = None
        self._note_newest(readings, clock)

    def due_since(self, now: datetime, *, clock: float, devices: int) -> datetime | None:
        """Return from when on the history has to be read again, `None` if the poll is enough.

        `devices` is how many the account has: where there are gaps all the time, they take turns.
        """
        starts: list[datetime] = []
        now -= timedelta(seconds=now.timestamp() % _PERIOD.total_seconds())
        if self.deep_at is None or now - self.deep_at >= DEEP_EVERY:
            starts.append(now - DEEP)
        elif self.recent_at is None or now - self.recent_at >= RECENT_EVERY:
            starts.append(now - RECENT)
        turn = devices * HOUR_SECONDS / MOST_GAPS_PER_HOUR
        if self.gap_since is not None and clock - self.read_at >= turn:
            starts.append(datetime.fromtimestamp(self.gap_since, UTC))
        return min(starts, default=None)

    def as_json(self) -> dict[str, Any]:
        """Return what a restart needs; not the readings, they are asked for again."""
        return {
            "plan": self.plan,
            "constants": self.constants.as_json(),
            "deep_at": self.deep_at.isoformat() if self.deep_at else None,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Progress:
        """Return the progress as the last run of Home Assistant left it."""
        deep_at = stored["deep_at"]
        return cls(
            plan=stored["plan"],
            constants=Constants.from_json(stored["constants"]),
            deep_at=datetime.fromisoformat(deep_at) if deep_at is not None else None,
            percent=COMPLETE,
        )

    def _note_newest(self, readings: Readings, clock: float) -> None:
        self.tail, self.misfits = tail_of(readings), 0
        self.read_at = clock
