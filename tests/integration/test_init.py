"""The life of an account's entry: set up, retried, unloaded, removed."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from custom_components.onemeter.const import DOMAIN

from .clockwork import PAST_THE_NEXT_POLL, live_through, pass_in_one_step
from .faults import Fault, FaultyCloud
from .local_cloud import API_KEY, FLAT_ID, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry


async def test_unloading_leaves_no_request_behind(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    cloud.requests.clear()
    await pass_in_one_step(hass, freezer, timedelta(hours=1))

    assert entry.state is ConfigEntryState.NOT_LOADED
    assert hass.states.get("sensor.house_energy_import").state == STATE_UNAVAILABLE
    assert cloud.requests == []


async def test_removing_leaves_nothing_behind(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    assert er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id) == []
    assert dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id) == []
    assert [state for state in hass.states.async_all() if "house" in state.entity_id] == []
    assert DOMAIN not in hass.data


async def test_a_cloud_that_is_away_at_start_is_tried_again(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "cannot be reached" in entry.reason

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        for _ in range(3):
            await pass_in_one_step(hass, freezer, timedelta(minutes=2))
        assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("ids", [(HOUSE_ID,), (HOUSE_ID, FLAT_ID)], ids=["device", "list"])
@pytest.mark.parametrize("fault", [Fault.STALL, Fault.STALL_IN_THE_BODY, Fault.SLOW_DRIP])
async def test_a_first_start_waits_ten_seconds_for_a_cloud_that_does_not_answer(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
    ids: tuple[str, ...],
) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        faulty.fault = fault
        entry = make_entry(faulty, *ids)
        setup = asyncio.ensure_future(hass.config_entries.async_setup(entry.entry_id))
        await faulty.held.wait()
        for seconds, is_over in ((9, False), (2, True)):
            freezer.tick(timedelta(seconds=seconds))
            for _ in range(1_000):
                await asyncio.sleep(0)
            assert setup.done() is is_over

        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert "did not answer in time" in entry.reason
        faulty.fault = None
        await live_through(hass, freezer, timedelta(minutes=5))
        assert entry.state is ConfigEntryState.LOADED
        assert hass.states.get("sensor.house_energy_import").state == "12345.67"


async def test_a_cloud_that_goes_away_makes_entities_unavailable_until_it_is_back(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    for _ in range(3):
        await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
    assert hass.states.get("sensor.house_energy_import").state == STATE_UNAVAILABLE
    errors = [
        record
        for record in caplog.records
        if record.levelname == "ERROR" and "onemeter" in record.name
    ]
    assert len(errors) == 1, "logged once, not at every try"

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, {**HOUSE_VALUES, "1_8_0": 12346.0})
        await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
        assert hass.states.get("sensor.house_energy_import").state == "12346.0"


async def test_a_key_that_is_refused_later_asks_for_a_new_one_and_stops_polling(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    await cloud.refuse_key()
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
    cloud.requests.clear()
    await pass_in_one_step(hass, freezer, timedelta(hours=2))

    (flow,) = hass.config_entries.flow.async_progress()
    assert (flow["handler"], flow["context"]["source"]) == (DOMAIN, SOURCE_REAUTH)
    assert cloud.requests == []


async def test_too_many_requests_wait_as_long_as_the_cloud_asks(
    hass: HomeAssistant, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with LocalCloud.running(rate_limit_per_minute=1 / 30) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID, options={"update_interval": 15})
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
        start = cloud.requests[0].at

        for _ in range(60):
            await pass_in_one_step(hass, freezer, timedelta(minutes=1))

        # Polled after the quarter-hour, refused, asked to come back after half an hour in all.
        first, refused, answered = (request.at - start for request in cloud.requests[:3])
        assert first == timedelta()
        assert timedelta(minutes=10) <= refused <= timedelta(minutes=12)
        assert timedelta(minutes=30) <= answered <= timedelta(minutes=32)
        assert hass.states.get("sensor.house_energy_import").state == "12345.67"


async def test_the_key_is_in_no_log(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    await cloud.refuse_key()
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

    assert "onemeter" in caplog.text
    assert API_KEY not in caplog.text


async def test_the_documented_client_and_constants_are_in_their_places() -> None:
    from custom_components.onemeter import api, const  # noqa: PLC0415
    from custom_components.onemeter.onemeter_cloud import OneMeterApiClient  # noqa: PLC0415

    assert api.OneMeterApiClient is OneMeterApiClient
    assert {name: getattr(const, name) for name in dir(const) if name.startswith("OBIS_")} == {
        "OBIS_ENERGY_PLUS": "1_8_0",
        "OBIS_ENERGY_MINUS": "2_8_0",
        "OBIS_ENERGY_R1": "5_8_0",
        "OBIS_ENERGY_R4": "8_8_0",
        "OBIS_ENERGY_ABS": "15_8_0",
        "OBIS_POWER": "16_7_0",
        "OBIS_BATTERY_VOLTAGE": "S_1_1_2",
        "OBIS_METER_SERIAL": "C_1_0",
        "OBIS_TARIFF": "0_2_2",
    }


async def test_an_account_without_devices_asks_for_nothing(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud)
    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED
    assert cloud.requests == []
