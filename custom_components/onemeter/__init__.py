"""OneMeter: electricity meters read by OneMeter readers, from a OneMeter Cloud."""

from typing import TYPE_CHECKING, Final

from homeassistant.const import Platform

from .coordinator import OneMeterCoordinator

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .coordinator import OneMeterConfigEntry

PLATFORMS: Final = (Platform.BINARY_SENSOR, Platform.SENSOR)


async def async_setup_entry(hass: HomeAssistant, entry: OneMeterConfigEntry) -> bool:
    """Set up an account."""
    coordinator = OneMeterCoordinator(hass, entry)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: OneMeterConfigEntry) -> bool:
    """Unload an account."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def _async_reload(hass: HomeAssistant, entry: OneMeterConfigEntry) -> None:
    """Start again after the account's settings or its devices changed."""
    hass.config_entries.async_schedule_reload(entry.entry_id)
