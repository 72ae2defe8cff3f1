"""The demo goes on living: its history at the start, then a new reading each quarter-hour."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from onemeter_server.clock import epoch_seconds, system_clock
from onemeter_server.storage.days import NOTHING
from onemeter_server.storage.devices import find_device
from onemeter_server.storage.store import NameTakenError, Store

from .energy import QUARTER_SECONDS
from .meter import DemoMeter
from .meters import (
    DEMO_ACCOUNT,
    DEMO_KEY,
    FLAT,
    HOUSE,
    flat_readings,
    house_readings,
)
from .store import DemoStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from onemeter_server.clock import Clock
    from onemeter_server.models.records import DeviceRecord, Values
    from onemeter_server.storage.database import Database

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
        self._readings = DemoStore(database)
        self._clock = clock
        self._history = history
        self._meters: list[DemoMeter] = []

    async def begin(self) -> None:
        """Add the demo's account, key, devices and history, as far as they are not there yet."""
        await DemoStore.opened(self._database)
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
            if meter.next_time > now:
                continue
            for registers in await self._readings.install_new_meters(
                meter.device_id, meter.next_time
            ):
                meter.replace(registers)
            await self._readings.add_readings(meter.device_id, meter.due(now))

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
    ) -> DemoMeter:
        """Return a device's meter, gone on to the first reading that the database lacks."""
        device = await find_device(self._database, account, record.id)
        if device is None:
            await self._store.add_device(account, record)
            recorded, installed = NOTHING, []
        else:
            now = epoch_seconds(self._clock())
            recorded = await self._readings.recorded(device.number, until=now)
            installed = await self._readings.installed_meters(device.number)
        if installed:
            first = installed[0].since
        else:
            first = self._history_start() if recorded.first is None else recorded.first
            await self._readings.install_first_meter(record.id, first)
        # Sums start at the first reading, so the series is gone through again from there.
        meter = DemoMeter(record.id, series(first))
        for new in installed[1:]:
            meter.skip(new.since - 1)
            meter.replace(new.registers)
        if recorded.last is not None:
            meter.skip(recorded.last)
        return meter

    def _history_start(self) -> int:
        start = epoch_seconds(self._clock() - self._history)
        return start - start % QUARTER_SECONDS
