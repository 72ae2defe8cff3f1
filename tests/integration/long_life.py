"""A long life of an account, full of faults: drawn from a seed, then lived through."""

import asyncio
import math
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.onemeter.onemeter_cloud import account

from .clockwork import CREEP, let_threads_work
from .faults import Fault, everything, polls
from .faults import readings as history
from .local_cloud import API_KEY, FLAT_ID, HOUSE_ID
from .meters import QUARTER, readings
from .registry import registered_device

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    import pytest
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .faults import FaultyCloud
    from .local_cloud import LocalCloud


CODES: Final = {HOUSE_ID: ("1_8_0", "1_8_1", "1_8_2", "2_8_0"), FLAT_ID: ("15_8_0",)}
"""The registers that the meters of the devices have."""

# All in seconds.
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
_SHORTEST_STEP: Final = 0.5
_GOOD_END: Final = HOUR
_SHORTEST_FAULT: Final = 5 * MINUTE
_LONGEST_FAULT: Final = 12 * HOUR
_LONGEST_HEAVY_FAULT: Final = 40 * MINUTE
_MEAN_GOOD_TIME: Final = 5 * HOUR
_SHORTEST_GOOD_TIME: Final = 10 * MINUTE
# How long a pause can last that the cloud asks for, or that comes of many refusals.
_LONGEST_PAUSE: Final = 7 * HOUR

# The integration looks again at 7 days every day and at 60 days every week: what comes late
# without being announced has to come early enough for that, with time for faults that delay it.
_LATEST_SILENT: Final = 3 * DAY
_LATEST_SILENT_AND_OLD: Final = 10 * DAY
_OLD: Final = 5 * DAY

KEY_FAULTS: Final = frozenset(
    {Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.UNAUTHORIZED_WITH_THE_KEY}
)
_HEAVY_FAULTS: Final = frozenset(
    {Fault.HUGE_BODY, Fault.GZIP_BOMB, Fault.STALL, Fault.STALL_IN_THE_BODY, Fault.SLOW_DRIP}
)
# A cloud without TLS cannot have the others; with TLS this would take three times as long.
FAULTS: Final = tuple(fault for fault in Fault if not fault.needs_https)
_PAUSING_FAULTS: Final = frozenset(fault for fault in Fault if fault.name.startswith("TOO_MANY"))


class Act(Enum):
    """What happens in Home Assistant, not in the cloud."""

    REFRESH = auto()
    IMPORT = auto()
    RESTART = auto()
    RESTART_IN_THE_MIDDLE = auto()
    CLOCK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time with a fault. All times are epoch seconds."""

    begin: float
    end: float
    fault: Fault
    only: Callable[..., bool] = everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happens in Home Assistant; `numbers` say what in particular."""

    at: float
    act: Act
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will happen: when each reading is published, what goes wrong, what people do.

    `publications` are when, of which time and of which device.
    """

    begin: float
    end: float
    publications: tuple[tuple[float, int, str], ...]
    spells: tuple[Spell, ...]
    happenings: tuple[Happening, ...]


def draw(seed: int, device_ids: Iterable[str], begin: float, hours: int) -> Plan:
    """Return a life of so many hours, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311
    end = begin + hours * HOUR
    return Plan(
        begin=begin,
        end=end,
        publications=tuple(
            sorted(
                (at, time, device_id)
                for device_id in device_ids
                for at, time in _publications(random.Random(f"{seed} {device_id}"), begin, end)  # noqa: S311
            )
        ),
        spells=tuple(_spells(rng, begin, end)),
        happenings=tuple(sorted(_happenings(rng, begin, end), key=lambda one: one.at)),
    )


def _publications(rng: random.Random, begin: float, end: float) -> Iterator[tuple[float, int]]:
    """Yield when the reading of each quarter-hour is published."""
    away_from, away_until = _next_absence(rng, begin)
    newest = begin
    for time in range(math.ceil(begin / QUARTER) * QUARTER, int(end), QUARTER):
        if time > away_until:
            away_from, away_until = _next_absence(rng, time)
        usual = time + rng.uniform(5, 4 * MINUTE)
        if away_from <= time <= away_until < end - 2 * HOUR:
            # Uploaded by hand: with the rest as soon as the reader is near, or much later.
            batch = random.Random(f"{away_from} {time // (6 * QUARTER)}")  # noqa: S311
            at = away_until + rng.uniform(5, MINUTE)
            if batch.random() < 0.6:
                later = away_until + math.exp(batch.uniform(math.log(HOUR), math.log(14 * DAY)))
                latest = _LATEST_SILENT if later - time < _OLD else _LATEST_SILENT_AND_OLD
                at = later if later < end - latest else at
        elif rng.random() < 0.03 and time < end - _LATEST_SILENT:
            at = time + rng.uniform(4 * MINUTE, 40 * MINUTE)
        else:
            at = usual
        if time >= end - _LATEST_SILENT:
            at = newest = max(at, newest)
        if at < end:
            yield at, time


def _next_absence(rng: random.Random, after: float) -> tuple[float, float]:
    """Return from when to when the reader is out of everybody's reach next."""
    start = after + rng.expovariate(1 / (36 * HOUR))
    return start, start + math.exp(rng.uniform(math.log(HOUR), math.log(3 * DAY)))


def _spells(rng: random.Random, begin: float, end: float) -> Iterator[Spell]:
    """Yield times with faults, until an hour before the end: every fault, then any."""
    faults = list(FAULTS)
    rng.shuffle(faults)
    lengths = [_length(rng, fault) for fault in faults]
    at = begin + HOUR
    while at < end - _GOOD_END:
        at += max(rng.expovariate(1 / _MEAN_GOOD_TIME), _SHORTEST_GOOD_TIME)
        fault, length = (
            (faults.pop(), lengths.pop())
            if faults
            else (other := rng.choice(FAULTS), _length(rng, other))
        )
        until = min(at + length, end - _GOOD_END)
        long_effect = fault in _PAUSING_FAULTS or fault in KEY_FAULTS
        if long_effect and until > end - _GOOD_END - _LONGEST_PAUSE:
            continue
        if at < until:
            only = rng.choice((everything, everything, everything, polls, history))
            chosen = only if fault.lets_requests_in else everything
            yield Spell(begin=at, end=until, fault=fault, only=chosen)
        at = until


def _length(rng: random.Random, fault: Fault) -> float:
    longest = _LONGEST_HEAVY_FAULT if fault in _HEAVY_FAULTS else _LONGEST_FAULT
    return math.exp(rng.uniform(math.log(_SHORTEST_FAULT), math.log(longest)))


def _happenings(rng: random.Random, begin: float, end: float) -> Iterator[Happening]:
    """Yield what people do and what befalls the machine, until two hours before the end."""
    for act, every in (
        (Act.REFRESH, 20 * HOUR),
        (Act.IMPORT, 40 * HOUR),
        (Act.RESTART, 50 * HOUR),
        (Act.RESTART_IN_THE_MIDDLE, 80 * HOUR),
    ):
        at = begin + rng.expovariate(1 / every)
        while at < end - 2 * HOUR:
            yield Happening(at=at, act=act, numbers=(rng.random(), rng.random()))
            at += rng.expovariate(1 / every)
    at = begin + rng.expovariate(1 / (100 * HOUR))
    while at < end - _LATEST_SILENT - DAY:
        yield Happening(at=at, act=Act.CLOCK, numbers=(rng.uniform(-DAY, DAY),))
        at += rng.uniform(MINUTE, 12 * HOUR)
        yield Happening(at=at, act=Act.CLOCK, numbers=(0.0,))
        at += rng.expovariate(1 / (100 * HOUR))


@dataclass(slots=True, kw_only=True)
class Life:
    """Lives through a plan: lets time pass from timer to timer, and does what is planned.

    `polls` and `histories` are when the cloud was asked, `acts` when somebody did something,
    `refusals` the translation keys of the answers if it could not be done.
    """

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    cloud: LocalCloud
    faulty: FaultyCloud
    entry: MockConfigEntry
    monkeypatch: pytest.MonkeyPatch
    plan: Plan
    rng: random.Random
    polls: list[float] = field(default_factory=list)
    histories: list[float] = field(default_factory=list)
    acts: list[float] = field(default_factory=list)
    refusals: list[str | None] = field(default_factory=list)
    _published: int = 0
    _owner_comes: float | None = None

    async def live_until(self, end: float) -> None:
        """Let everything happen that is planned before an instant."""
        while (now := self._now) < end:
            coming = min(end, self._next_change(now))
            await self._pass(max(coming - now, _SHORTEST_STEP))
            await self._happen(now)
            self._note_requests()

    @property
    def _now(self) -> float:
        return datetime.now(UTC).timestamp()

    def _next_change(self, now: float) -> float:
        changes = [spell.begin for spell in self.plan.spells]
        changes += [spell.end for spell in self.plan.spells]
        changes += [happening.at for happening in self.plan.happenings]
        changes += [self._owner_comes] if self._owner_comes is not None else []
        timers = [
            now + max(_SHORTEST_STEP, handle.when() - self.hass.loop.time())
            for handle in get_scheduled_timer_handles(self.hass.loop)
            if not handle.cancelled()
        ]
        return min((time for time in (*changes, *timers) if time > now), default=math.inf)

    async def _pass(self, seconds: float) -> None:
        """Let some time be over, in which readings are published."""
        await self._publish(self._now + seconds)
        self.freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(self.hass)
        await self.settle()

    async def _publish(self, until: float) -> None:
        """Give the cloud what it gets up to an instant."""
        due = defaultdict[str, list[int]](list)
        while self._published < len(self.plan.publications):
            at, time, device_id = self.plan.publications[self._published]
            if at > until:
                break
            due[device_id].append(time)
            self._published += 1
        for device_id, times in due.items():
            await self.cloud.intake.take(device_id, readings(times, CODES[device_id]))

    async def settle(self) -> None:
        """Finish what is under way; time goes on for what waits for its turn in the budget."""
        while True:
            pending = [
                task
                for task in (*self.hass._tasks, *self.hass._background_tasks)  # noqa: SLF001
                if not task.done()
            ]
            if not pending:
                return
            await self._creep()

    async def _finish[T](self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        while not task.done():
            await self._creep()
        return await task

    async def _creep(self) -> None:
        if any(shared.limiter._queue for shared in account._ACCOUNTS.values()):  # noqa: SLF001
            self.freezer.tick(CREEP)
            async_fire_time_changed(self.hass)
            await asyncio.sleep(0)
        else:
            await let_threads_work(self.hass)

    def _note_requests(self) -> None:
        for request in self.faulty.requests:
            kind = self.histories if history(request) else self.polls
            kind.append(request.at.timestamp())
        self.faulty.requests.clear()
        self.cloud.requests.clear()

    async def _happen(self, since: float) -> None:
        """Do what was planned for the time from `since` to now."""
        now = self._now
        spell = next((one for one in self.plan.spells if one.begin <= now < one.end), None)
        if spell is None:
            self.faulty.fault = None
        elif self.faulty.fault is not spell.fault:
            self.faulty.fault, self.faulty.only = spell.fault, spell.only
        for happening in self.plan.happenings:
            if since < happening.at <= now:
                await self._do(happening)
        await self._care_for_key()

    async def _do(self, happening: Happening) -> None:
        self.acts.append(self._now)
        match happening.act:
            case Act.REFRESH:
                await self._act("button", "press", {"entity_id": "button.house_refresh"})
            case Act.IMPORT:
                await self._act("onemeter", "import_history", self._window(*happening.numbers))
            case Act.RESTART:
                await self.restart()
            case Act.RESTART_IN_THE_MIDDLE:
                self.freezer.tick(31 * MINUTE)
                async_fire_time_changed(self.hass)
                for _ in range(int(happening.numbers[0] * 40)):
                    await asyncio.sleep(0)
                await self.restart()
            case Act.CLOCK:
                self._set_clock(timedelta(seconds=happening.numbers[0]))
        await self.settle()

    def _set_clock(self, off_by: timedelta) -> None:
        self.monkeypatch.setattr(dt_util, "utcnow", lambda: datetime.now(UTC) + off_by)

    def _window(self, first: float, second: float) -> dict[str, str]:
        """Return what part of the life until now is to be read again; sometimes without an end."""
        device = {"device_id": registered_device(self.hass, HOUSE_ID)}
        start = self.plan.begin + first * (self._now - self.plan.begin)
        end = start + second * 1.3 * (self._now - start)
        window = {"start": start, "end": end} if end < self._now else {"start": start}
        return device | {
            name: datetime.fromtimestamp(time, UTC).isoformat() for name, time in window.items()
        }

    async def _act(self, domain: str, action: str, data: dict[str, str]) -> None:
        try:
            await self._finish(self.hass.services.async_call(domain, action, data, blocking=True))
        except HomeAssistantError as error:
            # Not the error itself: it would keep alive all that was known when it was raised.
            self.refusals.append(error.translation_key)

    async def stop(self) -> None:
        """Let the account go."""
        assert await self._finish(self.hass.config_entries.async_unload(self.entry.entry_id))
        await self.settle()

    async def restart(self) -> None:
        """Let the account go, and set it up again as Home Assistant does when it starts."""
        if self.entry.state is not ConfigEntryState.NOT_LOADED:
            await self.stop()
        await self._finish(self.hass.config_entries.async_setup(self.entry.entry_id))
        await self.settle()

    async def _care_for_key(self) -> None:
        """Let the owner come some time after being asked for the key, and enter it."""
        flows = self.hass.config_entries.flow.async_progress()
        if not flows:
            self._owner_comes = None
            return
        if self._owner_comes is None:
            self._owner_comes = self._now + self.rng.uniform(10 * MINUTE, 8 * HOUR)
        if self._now < self._owner_comes:
            return
        self._owner_comes = None
        self.acts.append(self._now)
        key = API_KEY if self.rng.random() < 0.8 else "a-key-with-a-typing-error"
        (flow,) = flows
        await self._finish(
            self.hass.config_entries.flow.async_configure(flow["flow_id"], {"api_key": key})
        )
        await self.settle()
