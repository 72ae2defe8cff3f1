"""Starting without the cloud: with what it said last."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE

from .clockwork import PAST_THE_NEXT_POLL, live_through, pass_in_one_step
from .faults import LONGER_THAN_THE_CLIENT_WAITS, Fault, FaultyCloud
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

ENERGY = "sensor.house_energy_import"
LAST_READING = "sensor.house_last_reading"
READ_AT = "2026-11-23T10:05:00+00:00"


def file_of(storage: dict[str, Any], entry: MockConfigEntry) -> dict[str, Any]:
    data: dict[str, Any] = storage[f"onemeter.{entry.entry_id}.snapshot"]["data"]
    return data


async def test_entities_come_up_with_the_last_known_state_while_the_cloud_is_away(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.config_entries.async_unload(entry.entry_id)
    await pass_in_one_step(hass, freezer, timedelta(days=3))
    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get(ENERGY).state == "12345.67"
    assert hass.states.get("sensor.house_tariff").state == "G12w"
    assert hass.states.get(LAST_READING).state == READ_AT, "which tells how old it is"

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, {**HOUSE_VALUES, "1_8_0": 12399.5})
        await live_through(hass, freezer, PAST_THE_NEXT_POLL)
        assert hass.states.get(ENERGY).state == "12399.5"


async def test_what_was_stored_is_not_shown_for_longer_than_two_polls(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with LocalCloud.running() as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_setup(entry.entry_id)
    assert hass.states.get(ENERGY).state == "12345.67"
    await live_through(hass, freezer, timedelta(minutes=70))

    assert hass.states.get(ENERGY).state == STATE_UNAVAILABLE


async def test_entities_come_up_at_once_while_the_request_budget_is_spent(
    hass: HomeAssistant, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with LocalCloud.running(rate_limit_per_minute=1 / 60) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        await cloud.use_up_limit()
        await live_through(hass, freezer, PAST_THE_NEXT_POLL)
        assert len(cloud.requests) == 1, "which was refused"
        await hass.config_entries.async_reload(entry.entry_id)

        assert entry.state is ConfigEntryState.LOADED
        assert hass.states.get(ENERGY).state == "12345.67"
        assert len(cloud.requests) == 1
        await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "1_8_0": 12399.5})
        await live_through(hass, freezer, timedelta(minutes=100))
        assert hass.states.get(ENERGY).state == "12399.5"


async def test_a_cloud_that_does_not_answer_holds_the_start_up_for_a_moment_only(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        entry = make_entry(faulty, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.config_entries.async_unload(entry.entry_id)
        await pass_in_one_step(hass, freezer, timedelta(hours=1))
        await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "1_8_0": 12399.5})
        faulty.fault = Fault.STALL
        setup = asyncio.ensure_future(hass.config_entries.async_setup(entry.entry_id))
        await faulty.held.wait()
        freezer.tick(timedelta(seconds=4))
        for _ in range(100_000):
            if setup.done():
                break
            await asyncio.sleep(0)

        assert setup.done()
        assert setup.result()
        assert faulty.held.is_set(), "the cloud still keeps the first poll waiting"
        assert hass.states.get(ENERGY).state == "12345.67"
        faulty.fault = None
        freezer.tick(LONGER_THAN_THE_CLIENT_WAITS)
        await live_through(hass, freezer, PAST_THE_NEXT_POLL)
        assert hass.states.get(ENERGY).state == "12399.5"


async def test_a_refused_key_at_start_asks_for_another_and_sends_nothing_more(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.config_entries.async_unload(entry.entry_id)
    await cloud.refuse_key()
    await pass_in_one_step(hass, freezer, timedelta(hours=1))
    cloud.requests.clear()
    await hass.config_entries.async_setup(entry.entry_id)
    await live_through(hass, freezer, timedelta(hours=2))

    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert len(cloud.requests) == 1


async def test_a_device_that_was_added_later_does_not_hold_up_the_others(
    hass: HomeAssistant, make_entry: MakeEntry, unused_tcp_port: int
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await cloud.add(FLAT, FLAT_VALUES)
        entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
        await cloud.remove(FLAT_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_setup(entry.entry_id)

    assert hass.states.get(ENERGY).state == "12345.67"
    assert hass.states.get("sensor.flat_absolute_energy") is None


async def test_the_file_is_written_once_an_hour_at_most_and_when_the_account_is_unloaded(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = make_entry(cloud, HOUSE_ID, options={"update_interval": 5})
    await hass.config_entries.async_setup(entry.entry_id)
    written = []
    for _ in range(180):
        await live_through(hass, freezer, timedelta(minutes=1))
        if (at := file_of(hass_storage, entry)["at"]) not in written:
            written.append(at)
    assert 3 <= len(written) <= 4

    await hass.config_entries.async_unload(entry.entry_id)
    assert file_of(hass_storage, entry)["at"] > written[-1]


async def test_polls_without_an_answer_are_remembered_with_the_last_answer(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        entry = make_entry(faulty, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        faulty.requests.clear()
        faulty.fault = Fault.BAD_GATEWAY
        await live_through(hass, freezer, timedelta(hours=2))
        await hass.config_entries.async_unload(entry.entry_id)

        stored = file_of(hass_storage, entry)
        assert stored["at"] == "2026-11-23T10:05:00+00:00"
        assert stored["devices"].keys() == {HOUSE_ID}
        assert stored["schedule"]["failures"] == len(faulty.requests) > 2


async def test_the_file_goes_with_the_account(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    cloud: LocalCloud,
    make_entry: MakeEntry,
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.config_entries.async_unload(entry.entry_id)
    assert file_of(hass_storage, entry)["devices"].keys() == {HOUSE_ID}
    await hass.config_entries.async_remove(entry.entry_id)

    assert [key for key in hass_storage if key.startswith("onemeter.")] == []
