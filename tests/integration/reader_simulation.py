"""What a schedule of polls would do with simulated readers and a simulated cloud."""

import random
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from custom_components.onemeter.polling import Schedule

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
START = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)
SILENCE_AT_MOST = 1000
TIMER_OFF_BY_SECONDS = 1.0

type Delay = Callable[[datetime], timedelta | None]
"""How long after it was made a reading is in the cloud; `None` if it never is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A reading: when it was made, when it was published, and when a poll saw it or a newer one."""

    date: datetime
    published: datetime
    seen: datetime

    @property
    def age(self) -> timedelta:
        """How long the reading was in the cloud before it was seen."""
        return self.seen - self.published


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When the cloud was polled, and when each device's readings were seen."""

    polls: tuple[datetime, ...]
    readings: tuple[tuple[Seen, ...], ...]

    def ages(self, *, since: datetime = EPOCH, until: datetime = FAR_FUTURE) -> list[float]:
        """Return the ages of all readings of a time, in seconds, the youngest first."""
        return sorted(
            reading.age.total_seconds()
            for readings in self.readings
            for reading in readings
            if since <= reading.published < until
        )

    def most_polls_in_a_day(self) -> int:
        """Return the most polls in any 24 hours."""
        first = 0
        most = 0
        for last, poll in enumerate(self.polls):
            while poll - self.polls[first] > DAY:
                first += 1
            most = max(most, last - first + 1)
        return most


def constant(seconds: float) -> Delay:
    """Readings that always take as long."""
    return lambda _: timedelta(seconds=seconds)


def changing(before: float, at: datetime, after: float) -> Delay:
    """Readings that take longer or shorter from some time on."""
    return lambda date: timedelta(seconds=before if date < at else after)


def uniform(shortest: float, longest: float, seed: int) -> Delay:
    """Readings that take anything between two times, the same for the same seed."""

    def delay(date: datetime) -> timedelta:
        chance = random.Random(f"{seed} {date.timestamp()}")  # noqa: S311
        return timedelta(seconds=chance.uniform(shortest, longest))

    return delay


def live(
    schedule: Schedule,
    *delays: Delay,
    time: timedelta = WEEK,
    start: datetime = START,
    clock_off_by: Callable[[datetime], timedelta] = lambda _: timedelta(),
    is_down: Callable[[datetime], bool] = lambda _: False,
    refreshes: Collection[datetime] = (),
) -> Life:
    """Let an account with a device for each delay be polled; a user may refresh between polls.

    Timers go off up to a second too early or too late, as those of Home Assistant do.
    """
    timers = random.Random(1)  # noqa: S311
    waiting = sorted(refreshes, reverse=True)
    polls: list[datetime] = []
    answered: list[datetime] = []
    now = start
    while now < start + time:
        polls.append(now)
        shown = now + clock_off_by(now)
        if is_down(now):
            schedule.failed(shown)
        else:
            answered.append(now)
            schedule.answered(shown, newest_dates(delays, now))
        off = timedelta(seconds=timers.uniform(-TIMER_OFF_BY_SECONDS, TIMER_OFF_BY_SECONDS))
        now += schedule.next(shown) - shown + off
        if waiting and waiting[-1] < now:
            now = waiting.pop()
    readings = tuple(tuple(seen_readings(delay, answered)) for delay in delays)
    return Life(polls=tuple(polls), readings=readings)


def newest_dates(delays: Sequence[Delay], now: datetime) -> list[datetime]:
    """Return the dates of the devices' newest readings that are in the cloud."""
    dates = []
    for delay in delays:
        date = now - (now - EPOCH) % QUARTER
        for _ in range(SILENCE_AT_MOST):
            after = delay(date)
            if after is not None and date + after <= now:
                dates.append(date)
                break
            date -= QUARTER
    return dates


def seen_readings(delay: Delay, answered: Sequence[datetime]) -> list[Seen]:
    """Return a device's readings that were published between two answers."""
    readings = []
    date = answered[0] - (answered[0] - EPOCH) % QUARTER
    while date < answered[-1]:
        after = delay(date)
        if after is not None and answered[0] < date + after <= answered[-1]:
            seen = answered[bisect_left(answered, date + after)]
            readings.append(Seen(date=date, published=date + after, seen=seen))
        date += QUARTER
    return readings
