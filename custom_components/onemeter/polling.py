"""When to ask the cloud next: at a fixed interval, or when a new reading is expected.

Readers read on the quarter-hour; the cloud has a reading some time later. The *lag* of a poll is
its time minus the quarter-hour of a reading. A poll that sees the reading tells that the delay is
at most that lag, a poll that does not see it yet, that it is longer. So two lags, `low` and `high`,
close in on the delay, with one poll halfway between them in each quarter-hour; when they are near
each other, polls stay at `high`. Once a day a poll a little earlier finds out whether the delay
became shorter. Readings that are late several times in a day move `high` up; fewer do not. Every
second poll in a quarter-hour is paid for by leaving out another one, so that learning costs no more
polls than polling every 15 minutes. Lags are only ever compared with lags: a wrong clock makes all
of them wrong by the same, and one that is set looks like a delay that has changed.
"""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SHORTEST_WAIT: Final = timedelta(seconds=50)
"""A poll sooner than that after the one before would mostly wait for the request budget."""

LONGEST_WAIT: Final = timedelta(minutes=30)
"""The automatic mode polls at least that often, whatever happens."""

_SOONEST: Final = timedelta(seconds=1)
_DELAY_AFTER_QUARTER_HOUR: Final = timedelta(seconds=30)
_SPREAD_SECONDS: Final = 20
_LIVE: Final = timedelta(hours=1)
_FUTURE: Final = timedelta(days=2)

# From here on: times and lags in seconds, quarter-hours counted.
_QUARTER: Final = 900.0
_QUARTERS_PER_HOUR: Final = 4
_QUARTERS_PER_DAY: Final = 96
_LONGEST: Final = LONGEST_WAIT.total_seconds()
_RETRIES_AFTER_FAILURE: Final = (120.0, 240.0, 480.0, 900.0, _LONGEST)
_RETRIES_WHEN_LATE: Final = (60.0, 240.0)
_QUARTERS_BEFORE_BACKING_OFF: Final = 4
_RESOLUTION: Final = 15.0
_SHORTEST_STEP: Final = 10.0
# Polls come up to a second too early: neither is `high` to be missed for that, nor a poll repeated.
_MARGIN: Final = 2.0
_MARGIN_SPREAD: Final = 6
_LATE_TOLERATED_PER_DAY: Final = 2
_QUARTERS_ON_TRIAL: Final = 24
# 96 polls are earned in a day: with those saved never more than 100 in any 24 hours.
_POLLS_SAVED: Final = 4.0
# Refreshing by hand all the time holds automatic polls back for a day, not longer.
_POLLS_OWED: Final = 48.0
_POLLS_TO_SPARE: Final = 2.5
# No clock is wrong by a hundred years; what is stored may be.
_LARGEST_NUMBER: Final = 3.2e9


class Schedule(Protocol):
    """Decides when an account is polled. All times are aware, in UTC."""

    @property
    def usual_gap(self) -> timedelta:
        """The longest time between two polls while all is well."""

    def answered(self, at: datetime, newest: Collection[datetime]) -> None:
        """Note a poll that was answered, and the dates of the devices' newest readings."""

    def failed(self, at: datetime) -> None:
        """Note a poll that was not answered."""

    def next(self, now: datetime) -> datetime:
        """Return when to poll next, at least a second from now."""

    def as_json(self) -> dict[str, Any]:
        """Return what has been learned, to go on with after a restart."""


class FixedSchedule:
    """Polls at an interval of 1 to 60 minutes, aligned to the clock."""

    def __init__(self, interval: timedelta, seed: str) -> None:
        """Start without any poll; `seed` tells this installation from others."""
        self.usual_gap: timedelta = interval
        self._delay = delay_of(seed)
        self._last: datetime | None = None

    def answered(self, at: datetime, newest: Collection[datetime]) -> None:  # noqa: ARG002
        """Note a poll; what it saw changes nothing."""
        self._last = at

    def failed(self, at: datetime) -> None:
        """Note a poll; the next one comes as usual."""
        self._last = at

    def next(self, now: datetime) -> datetime:
        """Return the next aligned time that is not too soon after the last poll."""
        last = now if self._last is None else min(self._last, now)
        return max(next_poll(last, self.usual_gap, self._delay), now + _SOONEST)

    def as_json(self) -> dict[str, Any]:
        """Return nothing: there is nothing to learn."""
        return {}


class LearningSchedule:
    """Polls just after new readings appear, and learns when that is."""

    usual_gap: timedelta = LONGEST_WAIT

    def __init__(self, seed: str, stored: Mapping[str, Any] | None = None) -> None:
        """Go on with what `as_json` has returned; begin anew if that cannot be understood."""
        self._margin = _MARGIN + sum(seed.encode()) % _MARGIN_SPREAD
        try:
            self._learned = _learned_from_json(stored) if stored is not None else _Learned()
        except AttributeError, LookupError, TypeError, ValueError, OverflowError:
            self._learned = _Learned()

    def answered(self, at: datetime, newest: Collection[datetime]) -> None:
        """Learn from a poll, whether it was planned or the user's."""
        known, time = self._learned, at.timestamp()
        cycle = cycle_of_account(at, newest)
        known.is_new = cycle is not None and (known.cycle is None or cycle > known.cycle)
        if cycle is not None:
            known.cycle = cycle
        if known.cycle is not None:
            lag = time - known.cycle * _QUARTER
            if known.delay is None or (known.is_new and lag <= known.delay.high - _QUARTER):
                # No reading is early by a quarter-hour: nothing that was known holds any more.
                known.delay = _Delay(low=lag - _QUARTER, high=lag, checked=known.cycle)
            elif known.is_new and known.answered is not None:
                known.delay.seen(known.cycle, lag, known.answered - known.cycle * _QUARTER)
            known.delay.awaited(known.cycle, lag - _QUARTER)
        known.answered = time
        known.failures = 0
        known.allowance.spend(time)

    def failed(self, at: datetime) -> None:
        """Note a poll from which nothing can be learned."""
        self._learned.failures += 1
        self._learned.allowance.spend(at.timestamp())

    def next(self, now: datetime) -> datetime:
        """Return when to poll for the next reading, as far as polls can be afforded."""
        allowance = self._learned.allowance
        if allowance.last is None:
            return now + _SOONEST
        last = min(allowance.last, now.timestamp())
        wait = max(
            self._wanted(last) - last,
            allowance.seconds_until_affordable,
            SHORTEST_WAIT.total_seconds(),
        )
        planned = last + min(wait, _LONGEST)
        return now + max(timedelta(seconds=planned - now.timestamp()), _SOONEST)

    def as_json(self) -> dict[str, Any]:
        """Return all that decides about the polls to come."""
        return asdict(self._learned)

    def _wanted(self, last: float) -> float:
        """Return when to poll after a poll at `last`, if polls cost nothing."""
        known = self._learned
        if known.failures:
            retry = min(known.failures, len(_RETRIES_AFTER_FAILURE)) - 1
            return last + _RETRIES_AFTER_FAILURE[retry]
        if known.cycle is None or known.delay is None:
            return last + _LONGEST
        expected = (known.cycle + 1) * _QUARTER
        hold = expected + known.delay.high + self._margin
        of_full_hour = (known.cycle + 1) % _QUARTERS_PER_HOUR == 0
        in_time = hold + _QUARTER - last <= _LONGEST + self._margin
        # The full hour's reading is never left out: the hourly statistics stand on it.
        if known.is_new and known.allowance.is_in_debt and in_time and not of_full_hour:
            return hold + _QUARTER
        for lag in known.delay.lags(self._margin, probe=known.is_new):
            if expected + lag > last + _MARGIN:
                return expected + lag
        return last + _LONGEST


@dataclass(slots=True, kw_only=True)
class _Allowance:
    """How many polls can be afforded: one more in every quarter-hour, some of them saved."""

    last: float | None = None
    balance: float = _POLLS_SAVED

    @property
    def is_in_debt(self) -> bool:
        """Whether less is left after the last poll than when there is one in each quarter-hour."""
        return self.balance < _POLLS_TO_SPARE

    @property
    def seconds_until_affordable(self) -> float:
        """How long after the last poll there is enough for another one."""
        return (1 - self.balance) * _QUARTER

    def spend(self, time: float) -> None:
        """Pay for a poll."""
        if self.last is not None:
            self.balance += max(0.0, time - self.last) / _QUARTER
        self.balance = max(min(self.balance, _POLLS_SAVED) - 1, -_POLLS_OWED)
        self.last = time


@dataclass(slots=True, kw_only=True)
class _Late:
    """A reading that was not there at the lag `low`, which was too late already, but at `high`."""

    cycle: int
    low: float
    high: float


@dataclass(slots=True, kw_only=True)
class _Delay:
    """What is known of the delay of readings: it is longer than `low`, and at most `high`.

    With a `step` it is being checked whether the delay became shorter: then `low` is not known but
    tried. `fallback` is what `high` was before the last check, `checked` the reading that ended it.
    """

    low: float
    high: float
    checked: int
    step: float = 0.0
    fallback: float | None = None
    late: list[_Late] = field(default_factory=list)

    def lags(self, margin: float, *, probe: bool) -> Iterator[float]:
        """Return at which lags to look for a reading, as long as it is not there."""
        if probe and self.step:
            yield self.high - self.step
        elif probe and self.high - self.low > _RESOLUTION:
            yield (self.low + self.high) / 2
        hold = self.high + margin
        yield hold
        likely = [late.high for late in self.late if late.high > hold]
        yield from likely[-1:] or [hold + wait for wait in _RETRIES_WHEN_LATE]
        yield from (hold + n * _QUARTER for n in range(1, _QUARTERS_BEFORE_BACKING_OFF + 1))

    def seen(self, cycle: int, lag: float, missed: float) -> None:
        """Learn that a reading was there at `lag`, and not at `missed`, the poll before."""
        self.late = [late for late in self.late if late.cycle > cycle - _QUARTERS_PER_DAY]
        if missed >= self.high:
            self.late.append(_Late(cycle=cycle, low=missed, high=lag))
            self._consider_moving_up(cycle, missed)
        elif self.low < lag < self.high:
            self.high = lag
            if self.step:
                self._try(min(2 * self.step, _QUARTER / 2))
        elif lag <= self.low:
            # Seen by a user's refresh, perhaps by chance: to be confirmed by a check.
            self.checked = cycle - _QUARTERS_PER_DAY
        is_settled = not self.step and self.high - self.low <= _RESOLUTION
        if is_settled and cycle - self.checked >= _QUARTERS_PER_DAY:
            self.fallback = self.high
            self._try(max(self.high - self.low, _SHORTEST_STEP))

    def awaited(self, cycle: int, lag: float) -> None:
        """Learn that the reading after that of `cycle` was not there at `lag`."""
        if self.low < lag < self.high:
            self.low = lag
            if self.step:
                self.step, self.checked = 0.0, cycle

    def _try(self, step: float) -> None:
        self.step = step
        self.low = self.high - step - _MARGIN

    def _consider_moving_up(self, cycle: int, missed: float) -> None:
        """Wait longer if a check has led too far down, or if readings are often late."""
        on_trial = cycle - self.checked <= _QUARTERS_ON_TRIAL
        if on_trial and self.fallback is not None and missed < self.fallback:
            self._settle(cycle, self.fallback)
            return
        late = [late for late in self.late if late.high > self.high]
        if len(late) <= _LATE_TOLERATED_PER_DAY:
            return
        low, high = max(late.low for late in late), min(late.high for late in late)
        if low < high:
            # They agree on a delay: it has changed.
            self._settle(cycle, high)
            self.low = low
            self.late.clear()
        else:
            highs = sorted(late.high for late in late)
            self._settle(cycle, highs[-1 - _LATE_TOLERATED_PER_DAY])

    def _settle(self, cycle: int, high: float) -> None:
        self.low, self.high = high - _RESOLUTION, high
        self.step, self.checked, self.fallback = 0.0, cycle, None


@dataclass(slots=True, kw_only=True)
class _Learned:
    """All that a schedule knows; `cycle` is the account's newest reading, `is_new` if just seen."""

    cycle: int | None = None
    is_new: bool = False
    answered: float | None = None
    failures: int = 0
    allowance: _Allowance = field(default_factory=_Allowance)
    delay: _Delay | None = None


def cycle_of_account(at: datetime, newest: Collection[datetime]) -> int | None:
    """Return the quarter-hour (counted since 1970) up to which all live devices have readings.

    A device is live while its newest reading is at most an hour older than those of others. Dates
    far in the future are no readings.
    """
    dates = [date for date in newest if date - at <= _FUTURE]
    live = [date for date in dates if max(dates) - date <= _LIVE]
    return int(min(live).timestamp() // _QUARTER) if live else None


def delay_of(seed: str) -> timedelta:
    """Return how long after the full interval an account is asked, 30 to 50 s.

    A reading is in the cloud some seconds after it was made. Accounts differ, so that not every
    installation in the world asks in the same second.
    """
    return _DELAY_AFTER_QUARTER_HOUR + timedelta(seconds=sum(seed.encode()) % _SPREAD_SECONDS)


def next_poll(last: datetime, interval: timedelta, delay: timedelta) -> datetime:
    """Return when to poll after a poll that began at `last`, for a fixed interval.

    Polls are aligned to the clock (with 15 minutes: to :00, :15, :30 and :45, when readers read)
    plus `delay`.
    """
    earliest = last + SHORTEST_WAIT
    since_full = (earliest - delay).timestamp() % interval.total_seconds()
    return earliest + (interval - timedelta(seconds=since_full)) % interval


def _learned_from_json(stored: Mapping[str, Any]) -> _Learned:
    """Read what `as_json` has returned; anything else raises one error or another."""
    allowance, delay = stored["allowance"], stored["delay"]
    return _Learned(
        cycle=None if stored["cycle"] is None else int(_number(stored["cycle"])),
        is_new=bool(stored["is_new"]),
        answered=_optional_number(stored["answered"]),
        failures=max(0, int(_number(stored["failures"]))),
        allowance=_Allowance(
            last=_optional_number(allowance["last"]), balance=_number(allowance["balance"])
        ),
        delay=None if delay is None else _delay_from_json(delay),
    )


def _delay_from_json(stored: Mapping[str, Any]) -> _Delay:
    delay = _Delay(
        low=_number(stored["low"]),
        high=_number(stored["high"]),
        checked=int(_number(stored["checked"])),
        step=_number(stored["step"]),
        fallback=_optional_number(stored["fallback"]),
        late=[
            _Late(
                cycle=int(_number(late["cycle"])),
                low=_number(late["low"]),
                high=_number(late["high"]),
            )
            for late in stored["late"]
        ],
    )
    if delay.low >= delay.high or delay.step < 0:
        raise ValueError(stored)
    return delay


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not abs(value) <= _LARGEST_NUMBER:
        raise ValueError(value)
    return value


def _optional_number(value: object) -> float | None:
    return None if value is None else _number(value)
