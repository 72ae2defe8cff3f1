"""How long entities show what was known last."""

from datetime import timedelta
from typing import TYPE_CHECKING

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.util import dt as dt_util

from .clockwork import PAST_THE_NEXT_POLL, live_through
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    import pytest
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

ENERGY = "sensor.house_energy_import"
FLAT_ENERGY = "sensor.flat_absolute_energy"


async def minutes_until_unavailable(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entity_id: str
) -> int:
    """Return after how many minutes, to the last, an entity is not available any more."""
    for minutes in range(1, 300):
        await live_through(hass, freezer, timedelta(minutes=1))
        if hass.states.get(entity_id).state == STATE_UNAVAILABLE:
            return minutes
    raise AssertionError("It never was")


async def test_entities_outlive_one_missed_poll_and_not_two(
    hass: HomeAssistant, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with LocalCloud.running() as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID, options={"update_interval": 10})
        await hass.config_entries.async_setup(entry.entry_id)
        await live_through(hass, freezer, timedelta(minutes=11))
        assert len(cloud.requests) == 2

    # The last answer is five minutes old, the polls after ten and twenty fail.
    assert 16 <= await minutes_until_unavailable(hass, freezer, ENERGY) <= 21


async def test_a_clock_that_is_put_forward_does_not_make_data_old(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    right = dt_util.utcnow
    monkeypatch.setattr(dt_util, "utcnow", lambda: right() + timedelta(days=1))
    await live_through(hass, freezer, timedelta(minutes=2))

    assert len(cloud.requests) == 1
    assert hass.states.get(ENERGY).state == "12345.67"


async def test_a_device_that_is_left_out_keeps_its_state_for_two_polls(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID, options={"update_interval": 10})
    await hass.config_entries.async_setup(entry.entry_id)
    await cloud.remove(FLAT_ID)

    assert 15 <= await minutes_until_unavailable(hass, freezer, FLAT_ENERGY) <= 23
    assert hass.states.get(ENERGY).state == "12345.67"
    await cloud.add(FLAT, {**FLAT_VALUES, "15_8_0": 900.5})
    await live_through(hass, freezer, timedelta(minutes=11))
    assert hass.states.get(FLAT_ENERGY).state == "900.5"


async def test_too_many_requests_keep_the_data_for_hours(
    hass: HomeAssistant, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with LocalCloud.running(rate_limit_per_minute=1 / 600) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)

        assert 180 <= await minutes_until_unavailable(hass, freezer, ENERGY) <= 220


async def test_what_comes_back_from_too_many_requests_to_an_outage_is_not_shown_longer(
    hass: HomeAssistant, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with LocalCloud.running(rate_limit_per_minute=1 / 600) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
        await live_through(hass, freezer, PAST_THE_NEXT_POLL)
        assert len(cloud.requests) == 2, "the second was refused"

    assert await minutes_until_unavailable(hass, freezer, ENERGY) <= 190


async def test_who_turns_polling_off_keeps_what_was_answered_last(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    await live_through(hass, freezer, timedelta(hours=3))

    assert len(cloud.requests) == 1
    assert hass.states.get(ENERGY).state == "12345.67"
