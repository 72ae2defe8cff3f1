"""The demo goes on living: its history at the start, then a new reading each quarter-hour."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

from .clock import epoch_seconds, system_clock
from .demo import (
    DEMO_ACCOUNT,
    DEMO_KEY,
    FLAT,
    HOUSE,
    flat_readings,
    house_readings,
)
from .demo_energy import QUARTER_SECONDS
from .queries import find_device, reading_span
from .store import NameTakenError, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from .clock import Clock
    from .database import Database
    from .records import DeviceRecord, Values

HISTORY: Final = timedelta(days=365)

# The machine's clock may be set while we sleep, so we never sleep long.
_LONGEST_SLEEP_SECONDS: Final = 60.0


class DemoClock:
    """A clock that starts at the present and runs `speed` times as fast as the one it follows."""

    def __init__(self, speed: float = 1.0, clock: Clock = system_clock) -> None:
        """Start now; raise `ValueError` unless time goes forward."""
        if speed <= 0:
            raise ValueError("The demo's speed needs to be greater than 0")
        self.speed = speed
        self._clock = clock
        self._start = clock()

    def __call__(self) -> datetime:
        """Return the demo's present instant, in UTC."""
        return self._start + (self._clock() - self._start) * self.speed


class DemoLife:
    """The life of the demo's meters in a database."""

    def __init__(
        self, database: Database, clock: DemoClock, *, history: timedelta = HISTORY
    ) -> None:
        """Live in this database by this clock; nothing is written yet.

        A meter that is new has a history this long, up to the last quarter-hour.
        """
        self._database = database
        self._store = Store(database)
        self._clock = clock
        self._history = history
        self._meters: list[_Meter] = []

    async def begin(self) -> None:
        """Add the demo's account, key, devices and history, as far as they are not there yet."""
        account = await self._store.add_account(DEMO_ACCOUNT)
        with suppress(NameTakenError):
            await self._store.add_key(account, DEMO_KEY, DEMO_KEY)
        for record, series in ((HOUSE, house_readings), (FLAT, flat_readings)):
            self._meters.append(await self._meter(account, record, series))
        await self.catch_up()

    async def catch_up(self) -> None:
        """Add every reading that is due by the clock."""
        now = epoch_seconds(self._clock())
        for meter in self._meters:
            await self._store.add_readings(meter.device_id, meter.due(now))

    async def live(self) -> None:
        """Add every reading when it is due, until cancelled."""
        while True:
            await asyncio.sleep(self.seconds_to_next())
            await self.catch_up()

    def seconds_to_next(self) -> float:
        """Return the real seconds to sleep before it is worth looking for due readings."""
        into_quarter = self._clock().timestamp() % QUARTER_SECONDS
        return min(_LONGEST_SLEEP_SECONDS, (QUARTER_SECONDS - into_quarter) / self._clock.speed)

    async def _meter(
        self,
        account: int,
        record: DeviceRecord,
        series: Callable[[int], Iterator[tuple[int, Values]]],
    ) -> _Meter:
        """Return a meter at the first reading that the database lacks."""
        device = await find_device(self._database, account, record.id)
        span = None if device is None else await reading_span(self._database, device.number)
        if device is None:
            await self._store.add_device(account, record)
        if span is None:
            now = epoch_seconds(self._clock() - self._history)
            return _Meter(record.id, series(now - now % QUARTER_SECONDS))
        # Sums start at the first reading, so the series is gone through again from there.
        readings = series(span.first)
        return _Meter(record.id, dropwhile(lambda reading: reading[0] <= span.last, readings))


class _Meter:
    """The readings of a device that are still to come."""

    def __init__(self, device_id: str, readings: Iterator[tuple[int, Values]]) -> None:
        self.device_id = device_id
        self._readings = readings
        self._next = next(readings)

    def due(self, now: int) -> Iterator[tuple[int, Values]]:
        while self._next[0] <= now:
            yield self._next
            self._next = next(self._readings)
