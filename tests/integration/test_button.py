"""The button that asks the cloud now."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from homeassistant.exceptions import HomeAssistantError

from .clockwork import live_through
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
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    await live_through(hass, freezer, timedelta(hours=2))
    assert hass.states.get(ENERGY).state == "unavailable"

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, {**HOUSE_VALUES, "1_8_0": 12399.5})
        await press(hass)
        assert hass.states.get(ENERGY).state == "12399.5"


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
