"""A thousand hours of faults at random: after one good hour all is as if there had been none.

`ONEMETER_SEED` draws other lives (several numbers: several lives), `ONEMETER_HOURS` shorter ones.
Lives with an odd seed are those of an account with one device, the others have two.
"""

import asyncio
import gc
import logging
import os
import random
import sys
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.async_ import get_scheduled_timer_handles

from .clockwork import PAST_THE_NEXT_POLL
from .faults import FaultyCloud
from .local_cloud import FLAT, FLAT_ID, HOUSE, HOUSE_ID, LocalCloud
from .long_life import CODES, DAY, FAULTS, HOUR, MINUTE, Life, draw
from .meters import assert_rows, expected_rows, quarters, readings, recorded, register

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("recorder_mock", "hass_storage")]

SEEDS = [int(seed) for seed in os.environ.get("ONEMETER_SEED", "1 2").split()]
HOURS = int(os.environ.get("ONEMETER_HOURS", "1000"))
# Readings are kept until the next look at the history: memory comes and goes with the days.
GROWN_UP = range(HOURS // 5, HOURS * 2 // 5, 8)
OURS = "custom_components.onemeter"
PLAIN = {
    *(bool, int, float, str, bytes, bytearray, datetime, timedelta),
    *(list, tuple, dict, set, frozenset, deque, MappingProxyType),
}
NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
INSTALLED = NOW - timedelta(days=3)
RECORDS = {HOUSE_ID: HOUSE, FLAT_ID: FLAT}
SERIES = {
    HOUSE_ID: {
        "energy_import": "1_8_0",
        "energy_import_t1": "1_8_1",
        "energy_import_t2": "1_8_2",
        "energy_export": "2_8_0",
    },
    FLAT_ID: {"energy_import": "15_8_0"},
}
ENTITIES = {
    HOUSE_ID: {
        "sensor.house_energy_import": "1_8_0",
        "sensor.house_energy_import_tariff_1": "1_8_1",
        "sensor.house_energy_import_tariff_2": "1_8_2",
        "sensor.house_energy_export": "2_8_0",
    },
    FLAT_ID: {"sensor.flat_absolute_energy": "15_8_0"},
}
MOST_POLLS_A_DAY = 100
# Each gap that a fault has left is asked for, of each device.
MOST_GAPS_A_DAY = 50
# A minute, less what the time creeps on here while a request is on its way.
SHORTEST_DISTANCE = 55
# How long after somebody has done something requests can come of it that may follow quickly.
EFFECT_OF_AN_ACT = 5 * MINUTE
REQUESTS_OF_AN_ACT = 3


def open_sockets() -> int:
    """Return how many sockets this process has."""
    links = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links if link.exists())


def our_memory() -> int:
    """Return how many bytes the integration's own objects take, with the plain ones they hold."""
    gc.collect()
    waiting: list[Any] = [item for item in gc.get_objects() if is_ours(item)]
    waiting += [vars(module) for name, module in sys.modules.items() if name.startswith(OURS)]
    seen: set[int] = set()
    total = 0
    while waiting:
        item = waiting.pop()
        if id(item) not in seen and (is_ours(item) or type(item) in PLAIN):
            seen.add(id(item))
            total += sys.getsizeof(item)
            waiting += gc.get_referents(item)
    return total


def is_ours(item: object) -> bool:
    return type(item).__module__.startswith(OURS)


def timers(hass: HomeAssistant) -> Counter[str]:
    """Return what is going to be called, those of Home Assistant's own among it."""
    return Counter(
        getattr(handle._callback, "__qualname__", "")  # noqa: SLF001
        for handle in get_scheduled_timer_handles(hass.loop)
        if not handle.cancelled()
    )


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged that nobody expected, and forget the log."""
    found = [
        record.getMessage()
        for record in caplog.records
        if record.exc_info
        or "never retrieved" in record.getMessage()
        or "Unexpected error" in record.getMessage()
    ]
    caplog.clear()
    return found


def assert_within_budget(life: Life, devices: int) -> None:
    """Compare with the budget all times at which the cloud was asked."""
    times = sorted(life.polls + life.histories)

    def acts_in(start: float, end: float) -> int:
        return sum(start <= act <= end for act in life.acts)

    hurried = [
        later
        for earlier, later in pairwise(times)
        if later - earlier < SHORTEST_DISTANCE and not acts_in(later - EFFECT_OF_AN_ACT, later)
    ]
    assert hurried == []
    for start in times:
        polls = sum(start <= time < start + DAY for time in life.polls)
        asked = sum(start <= time < start + DAY for time in times)
        acts = acts_in(start - EFFECT_OF_AN_ACT, start + DAY)
        assert polls <= MOST_POLLS_A_DAY + acts
        most = MOST_POLLS_A_DAY + devices * MOST_GAPS_A_DAY
        assert asked <= most + REQUESTS_OF_AN_ACT * acts


@pytest.fixture(autouse=True)
def _plain_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the log keep texts only.

    pytest keeps all records, these the errors that they tell of, and those all that was known when
    they were raised.
    """
    made = logging.getLogRecordFactory()

    def plain(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = made(*args, **kwargs)
        record.msg, record.args = record.getMessage(), ()
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", plain)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_life_full_of_faults_leaves_no_trace(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    seed: int,
) -> None:
    hass.loop.set_debug(False)
    caplog.set_level(logging.WARNING)
    before = quarters(INSTALLED, NOW)
    ids = (HOUSE_ID,) if seed % 2 else (HOUSE_ID, FLAT_ID)
    for device_id in ids:
        await empty_cloud.install(RECORDS[device_id], readings(before, CODES[device_id]))
    async with FaultyCloud.before(empty_cloud, pass_time=freezer.tick) as faulty:
        entry = make_entry(faulty, *ids)
        life = Life(
            hass=hass,
            freezer=freezer,
            cloud=empty_cloud,
            faulty=faulty,
            entry=entry,
            monkeypatch=monkeypatch,
            plan=draw(seed, ids, NOW.timestamp(), HOURS),
            rng=random.Random(seed),  # noqa: S311
        )
        tasks_before, timers_before = asyncio.all_tasks(), timers(hass)
        sockets_before = await asyncio.to_thread(open_sockets)

        await life.restart()
        await life.live_until(life.plan.begin + GROWN_UP.start * HOUR)
        complained = complaints(caplog)
        memory_when_grown_up = 0
        for hours in GROWN_UP:
            await life.live_until(life.plan.begin + hours * HOUR)
            memory_when_grown_up = max(memory_when_grown_up, our_memory())
        await life.live_until(life.plan.end)
        # The poll that sees the last reading may be as late as that.
        await life.live_until(life.plan.end + PAST_THE_NEXT_POLL.total_seconds())

        assert entry.state is ConfigEntryState.LOADED
        for device_id in ids:
            last = max(time for _, time, of in life.plan.publications if of == device_id)
            for key, code in SERIES[device_id].items():
                found = await recorded(hass, device_id, key)
                assert_rows(found, expected_rows(before[0], last, code))
            for entity_id, code in ENTITIES[device_id].items():
                assert float(hass.states.get(entity_id).state) == register(last, code)
        assert [
            state for state in hass.states.async_all() if state.state == STATE_UNAVAILABLE
        ] == []
        assert [key for key in ir.async_get(hass).issues if key[0] == "onemeter"] == []
        assert hass.config_entries.flow.async_progress() == []
        assert complained + complaints(caplog) == []
        assert all(life.refusals)
        assert_within_budget(life, len(ids))
        assert faulty.elsewhere.requests == []
        if HOURS >= 1000:
            assert our_memory() <= 1.05 * memory_when_grown_up
            assert {spell.fault for spell in life.plan.spells} == set(FAULTS)

        await life.stop()
        assert asyncio.all_tasks() - tasks_before == set()
        assert timers(hass) - timers_before == Counter()
        assert await asyncio.to_thread(open_sockets) <= sockets_before
