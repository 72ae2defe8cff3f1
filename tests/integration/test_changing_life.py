"""A thousand hours in which meters, registers and databases change: then every hour is right.

`ONEMETER_SEED` draws other lives (several numbers: several lives), `ONEMETER_HOURS` shorter ones.
"""

import os
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from homeassistant.components.recorder import get_instance
from homeassistant.helpers import issue_registry as ir

from custom_components.onemeter.history.meaning import statistic_id
from onemeter_server.models.records import DeviceRecord

from .changing_life import DAY, Home, draw_home
from .clockwork import PAST_THE_NEXT_POLL, pass_in_one_step, settle
from .faults import Fault, FaultyCloud
from .meters import HOUR, QUARTER, assert_rows, recorded
from .recorder_rows import execute

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from tests.library.server import Request

    from .conftest import MakeEntry
    from .local_cloud import LocalCloud

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("recorder_mock", "hass_storage")]

SEEDS = [int(seed) for seed in os.environ.get("ONEMETER_SEED", "1").split()]
HOURS = int(os.environ.get("ONEMETER_HOURS", "1000"))
BEGIN = int(datetime(2026, 11, 23, 10, 0, tzinfo=UTC).timestamp())
FIRST = BEGIN - 3 * DAY
IDS = [f"5ba4b0f0-6c1e-4f6a-9d53-{number:012x}" for number in range(3)]
BROKEN = IDS[2]
SERIES = {"energy_import": "1_8_0", "energy_export": "2_8_0"}
A_GOOD_DAY = DAY
# A register that goes for good is believed to be gone after a day.
LAST_CHANGE = 3 * DAY


def of_broken(request: Request) -> bool:
    return request.path.endswith(f"{BROKEN}/readings")


class Life:
    """Lets time pass, and things happen to the recorder's database and to Home Assistant."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        cloud: LocalCloud,
        entry: MockConfigEntry,
        homes: dict[str, Home],
        seed: int,
    ) -> None:
        """Keep the parts."""
        self.hass, self.freezer, self.cloud, self.entry = hass, freezer, cloud, entry
        self.homes = homes
        self.rng = random.Random(f"{seed} life")  # noqa: S311
        self.now = BEGIN
        self.happened: set[str] = set()

    async def live_until(self, end: int, *, peacefully: bool = False) -> None:
        """Let meters be read; polls see most of it, and what they miss comes with the next."""
        while self.now < end:
            steps = 1 if peacefully or self.rng.random() < 0.3 else self.rng.randint(2, 9)
            times = range(self.now + QUARTER, self.now + steps * QUARTER + 1, QUARTER)
            for device_id, home in self.homes.items():
                readings = [(time, home.read(time)) for time in times]
                await self.cloud.intake.take(device_id, readings)
            self.now = times[-1]
            self.freezer.move_to(datetime.fromtimestamp(self.now + 30, UTC))
            await pass_in_one_step(self.hass, self.freezer, timedelta(minutes=6))
            if not peacefully and self.rng.random() < 0.015:
                await self.something()

    async def something(self) -> None:
        """Let something befall the database."""
        what = self.rng.choice(("lost", "restored", "deleted", "adjusted", "restarted", "holes"))
        self.happened.add(what)
        device_id = self.rng.choice(IDS)
        the_id = statistic_id(device_id, self.rng.choice([*SERIES]))
        since = self.rng.randint(FIRST, self.now) // HOUR * HOUR
        instance = get_instance(self.hass)
        match what:
            case "lost":
                await execute(self.hass, "DELETE FROM statistics")
                await self.restart()
            case "restored":
                await self.stop()
                await execute(self.hass, f"DELETE FROM statistics WHERE start_ts >= {since}")  # noqa: S608
                await self.start()
            case "deleted":
                instance.async_clear_statistics([the_id])
            case "adjusted":
                instance.async_adjust_statistics(
                    the_id, datetime.fromtimestamp(since, UTC), self.rng.uniform(-50, 50), "kWh"
                )
            case "restarted":
                await self.restart()
            case "holes":
                await execute(
                    self.hass,
                    "DELETE FROM statistics"  # noqa: S608
                    f" WHERE start_ts >= {since} AND start_ts < {since + 7 * HOUR}",
                )

    async def start(self) -> None:
        """Load the account."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await settle(self.hass, self.freezer)

    async def stop(self) -> None:
        """Unload the account."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)

    async def restart(self) -> None:
        """Load the account anew."""
        await self.stop()
        await self.start()


@pytest.mark.parametrize("seed", SEEDS)
async def test_after_a_life_of_changes_every_hour_equals_the_registers(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    seed: int,
) -> None:
    caplog.set_level("WARNING")
    end = BEGIN + HOURS * HOUR
    homes = {
        device_id: draw_home(
            f"{seed} {device_id}", FIRST, end - LAST_CHANGE, has_serials=number != 1
        )
        for number, device_id in enumerate(IDS)
    }
    for device_id, home in homes.items():
        await empty_cloud.install(
            DeviceRecord(id=device_id, name=device_id, main_register="15_8_0"),
            [(time, home.read(time)) for time in range(FIRST, BEGIN + 1, QUARTER)],
        )
    async with FaultyCloud.before(empty_cloud) as faulty:
        faulty.only, faulty.fault = of_broken, Fault.INTERNAL_ERROR
        life = Life(hass, freezer, empty_cloud, make_entry(faulty, *IDS), homes, seed)
        await life.start()
        await life.live_until(end - A_GOOD_DAY)
        faulty.fault = None
        await life.live_until(end, peacefully=True)
        await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

        for device_id, home in homes.items():
            for key, code in SERIES.items():
                found = await recorded(hass, device_id, key)
                assert_rows(found, home.expected(code, FIRST, life.now))
        assert ir.async_get(hass).issues == {}
        if HOURS >= 1000:
            assert life.happened == {
                *("lost", "restored", "deleted", "adjusted", "restarted", "holes")
            }
            assert all(len({era.meter for era in home.eras}) > 2 for home in homes.values())
