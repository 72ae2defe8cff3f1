"""OneMeter: electricity meters read by OneMeter readers, from a OneMeter Cloud."""

import logging
from typing import TYPE_CHECKING, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.helpers import config_validation as cv

from .account import is_account
from .const import DOMAIN
from .coordinator import OneMeterCoordinator
from .data import OneMeterData
from .history.importer import HistoryImporter, async_forget
from .history.recorder import recorder_is_running
from .migration import async_migrate, async_take_in, async_tell_foreign
from .new_devices import NewDevices, async_forget_new_devices
from .problems import ProblemWatcher, async_delete_issues
from .services import async_setup_services
from .snapshot import async_forget_snapshot
from .take_over import async_take_over_rest

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.device_registry import DeviceEntry
    from homeassistant.helpers.typing import ConfigType

    from .data import OneMeterConfigEntry

_LOGGER = logging.getLogger(__name__)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS: Final = (Platform.BINARY_SENSOR, Platform.BUTTON, Platform.SENSOR)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Set up what all accounts share: the actions."""
    async_setup_services(hass)
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: OneMeterConfigEntry) -> bool:
    """Bring an entry of an older version, or of another integration, to today's shape."""
    return async_migrate(hass, entry)


async def async_setup_entry(hass: HomeAssistant, entry: OneMeterConfigEntry) -> bool:
    """Set up an account."""
    if not is_account(entry):
        async_tell_foreign(hass, entry)
        return False
    async_take_in(hass, entry)
    async_take_over_rest(hass, entry)
    coordinator = OneMeterCoordinator(hass, entry)
    if await coordinator.async_restore():
        await coordinator.async_refresh_restored()
    else:
        await coordinator.async_config_entry_first_refresh()
    history: HistoryImporter | None = None
    if recorder_is_running(hass):
        history = HistoryImporter(hass, entry, coordinator)
        await history.async_load()
    else:
        _LOGGER.warning("Without Home Assistant's recorder there is no energy history")
    entry.runtime_data = OneMeterData(coordinator=coordinator, history=history)
    new_devices = NewDevices(hass, entry, coordinator)
    await new_devices.async_load()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    if history is not None:
        history.async_start()
    # It may add devices, which starts the account again; and the problems tell what it offers.
    new_devices.async_start()
    ProblemWatcher(hass, entry, coordinator, new_devices).async_start()
    if set(coordinator.subentry_ids.values()) != entry.subentries.keys():
        # A device has joined the account meanwhile.
        hass.config_entries.async_schedule_reload(entry.entry_id)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: OneMeterConfigEntry) -> bool:
    """Unload an account."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await entry.runtime_data.coordinator.async_stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: OneMeterConfigEntry) -> None:
    """Forget what is stored of a removed account; its history in the recorder stays."""
    async_delete_issues(hass, entry.entry_id)
    await async_forget(hass, entry.entry_id)
    await async_forget_new_devices(hass, entry.entry_id)
    await async_forget_snapshot(hass, entry.entry_id)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: OneMeterConfigEntry, registered: DeviceEntry
) -> bool:
    """Let the owner remove a device that the account does not have any more; its history stays."""
    if entry.state is not ConfigEntryState.LOADED:
        return False
    coordinator = entry.runtime_data.coordinator
    device_ids = {device_id for domain, device_id in registered.identifiers if domain == DOMAIN}
    if not device_ids.isdisjoint(coordinator.subentry_ids.keys() - coordinator.missing):
        return False
    for device_id in device_ids & coordinator.subentry_ids.keys():
        hass.config_entries.async_remove_subentry(entry, coordinator.subentry_ids[device_id])
    return True


async def _async_reload(hass: HomeAssistant, entry: OneMeterConfigEntry) -> None:
    """Start again after the account's settings or its devices changed."""
    hass.config_entries.async_schedule_reload(entry.entry_id)
