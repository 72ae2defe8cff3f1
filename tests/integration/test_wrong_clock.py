"""A clock of this machine that is wrong by a day: nothing stops, and no row is wrong after it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from homeassistant.const import STATE_UNKNOWN
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .clockwork import PAST_THE_NEXT_POLL, live_through
from .local_cloud import HOUSE, HOUSE_ID, LocalCloud
from .meters import QUARTER, assert_rows, expected_rows, readings, recorded, register

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

ENERGY = "sensor.house_energy_import"
LAST_READING = "sensor.house_last_reading"
STEP = timedelta(minutes=1)


@pytest.mark.parametrize("wrong_by", [timedelta(days=1), timedelta(days=-1)])
@pytest.mark.usefixtures("recorder_mock")
async def test_a_clock_that_is_wrong_by_a_day_stops_nothing(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    wrong_by: timedelta,
) -> None:
    right_now = dt_util.utcnow

    async def hours_with_readings(hours: int) -> int:
        """Let the meter be read every quarter-hour; return when it was last."""
        read_at = 0
        for _ in range(4 * hours):
            read_at = int(right_now().timestamp()) // QUARTER * QUARTER
            await empty_cloud.intake.take(HOUSE_ID, readings([read_at]))
            await live_through(hass, freezer, timedelta(minutes=15), STEP)
        return read_at

    first = int(right_now().timestamp()) // QUARTER * QUARTER
    await empty_cloud.install(HOUSE, readings([first]))
    await hass.config_entries.async_setup(make_entry(empty_cloud, HOUSE_ID).entry_id)
    await hours_with_readings(2)
    empty_cloud.requests.clear()

    monkeypatch.setattr(dt_util, "utcnow", lambda: right_now() + wrong_by)
    read_at = await hours_with_readings(3)
    # One reading may have been left out.
    shown = float(hass.states.get(ENERGY).state)
    assert register(read_at - QUARTER) <= shown <= register(read_at)
    assert hass.states.get(LAST_READING).state != STATE_UNKNOWN
    assert len(empty_cloud.requests) <= 20
    assert [key for key in ir.async_get(hass).issues if key[0] == "onemeter"] == []

    monkeypatch.setattr(dt_util, "utcnow", right_now)
    read_at = await hours_with_readings(3)
    await live_through(hass, freezer, PAST_THE_NEXT_POLL, STEP)
    assert float(hass.states.get(ENERGY).state) == pytest.approx(register(read_at))
    # A part of the past is read again every day.
    await live_through(hass, freezer, timedelta(days=2), timedelta(minutes=5))
    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(first, read_at))
