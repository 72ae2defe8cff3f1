"""What a reader needs attention for."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from .local_cloud import HOUSE, HOUSE_ID, LocalCloud

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

READ_AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
BEFORE, AFTER = "2026-11-23T10:00:00.000Z", "2026-11-23T10:30:00.000Z"
FLAG = "LAST_READOUT_INCORRECT"


async def states_with(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    values: dict[str, Any],
    last_reading: dict[str, Any],
) -> tuple[str, str]:
    """Return the states of (battery low, readout problem) for what the cloud says."""
    await cloud.add(HOUSE, values, at=READ_AT)
    await cloud.change(HOUSE, extra={"lastReading": last_reading})
    assert await hass.config_entries.async_setup(make_entry(cloud, HOUSE_ID).entry_id)
    return (
        hass.states.get("binary_sensor.house_battery_low").state,
        hass.states.get("binary_sensor.house_readout_problem").state,
    )


@pytest.mark.parametrize(
    ("values", "last_reading", "expected"),
    [
        ({}, {"BATTERY_PC": 50}, "off"),
        ({}, {"BATTERY_PC": 10}, "on"),
        ({"S_1_1_2": 2.0}, {"BATTERY_PC": None, "BATTERY_VOLTAGE": None}, "on"),
        ({"S_1_1_2": 2.5}, {"BATTERY_PC": None, "BATTERY_VOLTAGE": None}, "off"),
        ({}, {"BATTERY_PC": 50, "BATTERY_STATUS": "LOW"}, "on"),
        ({}, {"BATTERY_PC": 50, "BATTERY_STATUS": "OK"}, "off"),
        ({"S_1_1_16": ["LOW_BATTERY_VOLTAGE"]}, {"BATTERY_PC": 50}, "on"),
        ({}, {"BATTERY_PC": None, "BATTERY_VOLTAGE": None}, "unknown"),
    ],
)
async def test_battery_low(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    values: dict[str, Any],
    last_reading: dict[str, Any],
    expected: str,
) -> None:
    battery_low, _ = await states_with(hass, empty_cloud, make_entry, values, last_reading)
    assert battery_low == expected


@pytest.mark.parametrize(
    ("values", "last_reading", "expected"),
    [
        ({}, {"flags": []}, "off"),
        ({}, {"flags": [FLAG], "updatedAt": {FLAG: AFTER}}, "on"),
        # Flags list what ever happened: the meter has been read since.
        ({}, {"flags": [FLAG], "updatedAt": {FLAG: BEFORE}}, "off"),
        ({}, {"flags": [FLAG]}, "off"),
        ({"S_1_1_16": [FLAG]}, {"flags": [FLAG]}, "on"),
        ({"S_1_1_16": [FLAG]}, {"flags": None}, "on"),
    ],
)
async def test_readout_problem(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    values: dict[str, Any],
    last_reading: dict[str, Any],
    expected: str,
) -> None:
    _, problem = await states_with(hass, empty_cloud, make_entry, values, last_reading)
    assert problem == expected
