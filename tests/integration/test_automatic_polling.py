"""Readings reach Home Assistant just after the cloud has them: the poller, the real way round."""

from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import TYPE_CHECKING

import pytest
from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .clockwork import live_through
from .local_cloud import HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import Event, EventStateChangedData, HomeAssistant

    from .conftest import MakeEntry

ENERGY = "sensor.house_energy_import"
QUARTER = timedelta(minutes=15)
STEP = timedelta(seconds=15)
WEEK = 7 * 96
START = datetime.fromisoformat("2026-11-23T10:00:00+00:00")


@pytest.mark.parametrize("delay", [timedelta(seconds=20), timedelta(minutes=4)])
async def test_readings_are_seen_within_a_minute_for_no_more_requests_than_every_quarter_hour(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    delay: timedelta,
) -> None:
    seen: dict[str, datetime] = {}

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is not None and state.entity_id == ENERGY:
            seen.setdefault(state.state, dt_util.utcnow())

    hass.bus.async_listen("state_changed", note)
    await empty_cloud.add(HOUSE, HOUSE_VALUES, START)
    await hass.config_entries.async_setup(make_entry(empty_cloud, HOUSE_ID).entry_id)
    published: dict[str, datetime] = {}
    for number in range(1, WEEK + 1):
        read_at = START + number * QUARTER
        await live_through(hass, freezer, read_at + delay - dt_util.utcnow(), STEP)
        energy = 12345.67 + number
        await empty_cloud.read(HOUSE_ID, {**HOUSE_VALUES, "1_8_0": energy}, read_at)
        published[str(energy)] = dt_util.utcnow()
    await live_through(hass, freezer, QUARTER, STEP)

    # A reading that another one has overtaken counts with the time at which that was seen.
    ages = []
    next_seen: datetime | None = None
    for energy, time in reversed(published.items()):
        next_seen = seen.get(energy, next_seen)
        assert next_seen is not None
        ages.append((next_seen - time).total_seconds())
    assert mean(ages) < 60
    times = [request.at for request in empty_cloud.requests]
    assert len(times) <= WEEK + 1
    assert max(later - earlier for earlier, later in pairwise(times)) <= timedelta(minutes=31)
