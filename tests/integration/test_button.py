"""The button that asks the cloud now."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from .clockwork import PAST_THE_NEXT_POLL, live_through, settle
from .faults import LONGER_THAN_THE_CLIENT_WAITS, Fault, FaultyCloud
from .local_cloud import HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

BUTTON = "button.house_refresh"
ENERGY = "sensor.house_energy_import"


async def press(hass: HomeAssistant) -> None:
    """Press the button and wait for what comes of it."""
    await hass.services.async_call("button", "press", {"entity_id": BUTTON}, blocking=True)


async def test_pressing_asks_at_once(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "1_8_0": 12399.5})
    await press(hass)

    assert hass.states.get(ENERGY).state == "12399.5"
    assert len(cloud.requests) == 2


async def test_a_spent_budget_is_told_with_the_time_to_wait_and_harms_nothing(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, caplog: pytest.LogCaptureFixture
) -> None:
    await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    await press(hass)
    await press(hass)
    with pytest.raises(HomeAssistantError, match=r"has to wait \d+ s"):
        await press(hass)

    assert len(cloud.requests) == 3
    assert hass.states.get(ENERGY).state == "12345.67"
    assert "Error fetching" not in caplog.text


async def test_a_cloud_that_is_away_is_told_and_the_entities_stay(
    hass: HomeAssistant, make_entry: MakeEntry
) -> None:
    async with LocalCloud.running() as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    with pytest.raises(HomeAssistantError, match="cannot be reached"):
        await press(hass)

    assert hass.states.get(ENERGY).state == "12345.67"


async def test_it_can_be_pressed_while_everything_else_is_unavailable(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    await live_through(hass, freezer, timedelta(hours=2))
    assert hass.states.get(ENERGY).state == "unavailable"

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, {**HOUSE_VALUES, "1_8_0": 12399.5})
        await press(hass)
        await press(hass)
        assert hass.states.get(ENERGY).state == "12399.5"
    assert caplog.text.count("answers again") == 1, "the log told as well that it did not"


async def test_pressing_while_a_poll_is_under_way_asks_after_it(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        await hass.config_entries.async_setup(make_entry(faulty, HOUSE_ID).entry_id)
        faulty.requests.clear()
        faulty.fault = Fault.STALL
        freezer.tick(PAST_THE_NEXT_POLL)
        async_fire_time_changed(hass)
        await faulty.held.wait()
        pressed = asyncio.ensure_future(press(hass))
        await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "1_8_0": 12399.5})
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert len(faulty.requests) == 1
        faulty.fault = None
        freezer.tick(LONGER_THAN_THE_CLIENT_WAITS)
        await pressed
        await settle(hass, freezer)

        assert len(faulty.requests) == 2
        assert hass.states.get(ENERGY).state == "12399.5"


async def test_pressing_without_an_answer_counts_for_the_next_poll(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        entry = make_entry(faulty, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        coordinator = entry.runtime_data.coordinator
        before = coordinator.schedule.as_json()["failures"], coordinator.update_interval
        faulty.fault = Fault.BAD_GATEWAY
        with pytest.raises(HomeAssistantError, match="HTTP 502"):
            await press(hass)
        after = coordinator.schedule.as_json()["failures"], coordinator.update_interval
        assert (before[0], after[0]) == (0, 1)
        faulty.requests.clear()
        await live_through(hass, freezer, after[1] - timedelta(minutes=1))
        assert faulty.requests == []
        faulty.fault = None
        await live_through(hass, freezer, timedelta(minutes=2))
        assert len(faulty.requests) == 1


async def test_many_who_press_at_once_harm_nothing(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, caplog: pytest.LogCaptureFixture
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    coordinator = entry.runtime_data.coordinator
    results = await asyncio.gather(
        *(coordinator.async_refresh_for_user() for _ in range(5)), return_exceptions=True
    )

    assert [type(result) for result in results] == [type(None)] * 2 + [HomeAssistantError] * 3
    assert len(cloud.requests) == 3
    assert coordinator.last_update_success
    assert coordinator.schedule.as_json()["failures"] == 0
    assert "ERROR" not in caplog.text


async def test_a_refused_key_asks_for_another_one(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    await cloud.refuse_key()
    with pytest.raises(HomeAssistantError, match="does not accept the key"):
        await press(hass)

    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    assert hass.states.get(ENERGY).state == "unavailable"
