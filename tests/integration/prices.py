"""Prices of a device's energy, and what it costs in the recorder."""

from typing import TYPE_CHECKING

from .meters import recorded

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry


def priced(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    valid_from: str = "2020-01-01",
    **prices: float,
) -> MockConfigEntry:
    """Give the one device of an account prices from a date on."""
    (subentry,) = entry.subentries.values()
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data={**subentry.data, "prices": [{"valid_from": valid_from, **prices}]},
    )
    return entry


async def cost_of(hass: HomeAssistant, device_id: str) -> dict[int, float]:
    """Return the money up to the end of each hour, as it stands in the recorder."""
    rows = await recorded(hass, device_id, "energy_cost")
    return {hour: total for hour, (_, total) in rows.items()}
