"""Devices that join an account: noticed in the lists of its devices, then added or offered."""

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_DEVICE_ID
from homeassistant.core import callback
from homeassistant.helpers.storage import Store

from .const import DOMAIN, SUBENTRY_TYPE_DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeassistant.core import HomeAssistant

    from .coordinator import OneMeterCoordinator
    from .data import OneMeterConfigEntry
    from .onemeter_cloud import Device

_LOGGER = logging.getLogger(__name__)

_STORE_VERSION: Final = 1


def configured_devices(hass: HomeAssistant) -> set[str]:
    """Return the ids of the devices that any account has in Home Assistant."""
    return {
        subentry.data[CONF_DEVICE_ID]
        for entry in hass.config_entries.async_entries(DOMAIN)
        for subentry in entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
    }


def addable(hass: HomeAssistant, devices: Iterable[Device]) -> tuple[Device, ...]:
    """Return the devices that are in use and that no account has in Home Assistant yet."""
    configured = configured_devices(hass)
    return tuple(
        device for device in devices if not device.archived and device.id not in configured
    )


@callback
def async_add_device(
    hass: HomeAssistant, entry: OneMeterConfigEntry, device_id: str, name: str
) -> None:
    """Add a device to an account, as its owner would; an account that is loaded starts again."""
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType({CONF_DEVICE_ID: device_id}),
            subentry_type=SUBENTRY_TYPE_DEVICE,
            title=name,
            unique_id=device_id,
        ),
    )


class NewDevices:
    """Knows which devices have joined an account since its devices were listed first.

    What the account had then, the owner could choose from. The same is true of what has been in
    Home Assistant once: whoever removes a device does not want it offered again.
    """

    def __init__(
        self, hass: HomeAssistant, entry: OneMeterConfigEntry, coordinator: OneMeterCoordinator
    ) -> None:
        """Know nothing yet."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._store = _store_of(hass, entry.entry_id)
        self._known: frozenset[str] | None = None
        self._new: Mapping[str, str] = {}
        self._looked_at: tuple[Device, ...] | None = None

    async def async_load(self) -> None:
        """Find out what was known when Home Assistant ran last."""
        if (stored := await self._store.async_load()) is not None:
            self._known = frozenset(stored["known"])
            self._new = stored["new"]

    @callback
    def async_start(self) -> None:
        """Look at every list of the account's devices from now on."""
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._look))
        self._look()

    @property
    def offered(self) -> dict[str, str]:
        """The names of the new devices that no account has in Home Assistant yet, by their ids."""
        configured = configured_devices(self._hass)
        return {
            device_id: name for device_id, name in self._new.items() if device_id not in configured
        }

    @callback
    def _look(self) -> None:
        """Note what has joined and what has left; add what has joined if the owner wants it so."""
        listed = self._coordinator.listed
        if listed is None or listed is self._looked_at:
            return
        self._looked_at = listed
        in_use = {device.id: device.display_name for device in listed if not device.archived}
        configured = configured_devices(self._hass)
        known = frozenset(in_use) if self._known is None else self._known
        known |= in_use.keys() & configured
        new = {device_id: name for device_id, name in in_use.items() if device_id not in known}
        joined = new.keys() - self._new.keys()
        if (known, new) != (self._known, self._new):
            self._known, self._new = known, new
            self._entry.async_create_task(
                self._hass,
                self._store.async_save({"known": sorted(known), "new": new}),
                name=f"{self._entry.title} - new devices",
            )
        if self._coordinator.adds_new_devices:
            for device_id in sorted(joined):
                _LOGGER.info("Device %s has joined the account and is added", device_id)
                async_add_device(self._hass, self._entry, device_id, new[device_id])


async def async_forget_new_devices(hass: HomeAssistant, entry_id: str) -> None:
    """Remove what is stored of the devices of an account that is removed."""
    await _store_of(hass, entry_id).async_remove()


def _store_of(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _STORE_VERSION, f"{DOMAIN}.{entry_id}.devices")
