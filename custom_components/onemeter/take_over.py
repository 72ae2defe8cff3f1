"""Gives what Home Assistant's registries hold of another integration's entry to one of our devices.

A device that comes from an entry of another integration has that entry's id as the id of its
subentry. So it can be told at any time, also when Home Assistant was stopped before the registries
were written, where the rest of it lies: taking over again takes what is left, usually nothing.
"""

from typing import TYPE_CHECKING

from homeassistant.const import CONF_DEVICE_ID, Platform
from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.typing import UNDEFINED

from .const import DOMAIN
from .counterparts import counterpart

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry, ConfigSubentry
    from homeassistant.core import HomeAssistant


@callback
def async_take_over_rest(hass: HomeAssistant, account: ConfigEntry) -> None:
    """Take over what is left of the entries that an account's devices come from."""
    for subentry in account.subentries.values():
        async_take_over(hass, subentry.subentry_id, account, subentry)


@callback
def async_take_over(
    hass: HomeAssistant, foreign_id: str, account: ConfigEntry, subentry: ConfigSubentry
) -> None:
    """Give the entities and the device of a foreign entry to a device of an account.

    Entities that mean the same keep their ids and all that the owner has set, the others are
    removed. What the account has already stays as it is.
    """
    devices = dr.async_get(hass)
    device_id = subentry.data[CONF_DEVICE_ID]
    ours = devices.async_get_device_by_identifier((DOMAIN, device_id), account.entry_id)
    known = [] if ours is None else [ours]
    known += [
        device
        for device in dr.async_entries_for_config_entry(devices, foreign_id)
        if device.config_subentry_id is None and device != ours
    ]
    kept = _join_devices(devices, known)
    # Home Assistant removes entities that stay behind when their device moves: they go first.
    _take_over_entities(hass, foreign_id, account, subentry, kept)
    for device in known[1:]:
        devices.async_remove_device(device.id)
    if kept is not None and kept.config_subentry_id != subentry.subentry_id:
        devices.async_update_device(
            kept.id,
            entry_type=None,
            new_config_entry_id=account.entry_id,
            new_config_subentry_id=subentry.subentry_id,
            new_connections=set(),
            new_identifiers={(DOMAIN, device_id)},
        )


def _join_devices(devices: dr.DeviceRegistry, known: list[dr.DeviceEntry]) -> dr.DeviceEntry | None:
    """Return the first of several devices, with what the owner has set of the others too."""
    if len(known) > 1:
        devices.async_update_device(
            known[0].id,
            area_id=next((device.area_id for device in known if device.area_id), None),
            labels=set().union(*(device.labels for device in known)),
            name_by_user=next(
                (device.name_by_user for device in known if device.name_by_user), None
            ),
        )
    return next(iter(known), None)


def _take_over_entities(
    hass: HomeAssistant,
    foreign_id: str,
    account: ConfigEntry,
    subentry: ConfigSubentry,
    device: dr.DeviceEntry | None,
) -> None:
    entities = er.async_get(hass)
    device_id = subentry.data[CONF_DEVICE_ID]
    rows = [
        row
        for row in er.async_entries_for_config_entry(entities, foreign_id)
        if row.config_subentry_id is None
    ]
    # Of two that mean the same, the one that is in use stays.
    for row in sorted(rows, key=lambda row: row.disabled):
        key = counterpart(_key_of(row, foreign_id, device_id))
        unique_id = f"{device_id}_{key}"
        holder = entities.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)
        if key is None or row.domain != Platform.SENSOR or holder not in {None, row.entity_id}:
            entities.async_remove(row.entity_id)
            continue
        entities.async_update_entity(
            row.entity_id,
            config_entry_id=account.entry_id,
            config_subentry_id=subentry.subentry_id,
            device_id=UNDEFINED if device is None else device.id,
            new_unique_id=UNDEFINED if holder is not None else unique_id,
        )


def _key_of(row: er.RegistryEntry, foreign_id: str, device_id: str) -> str:
    """Return what stands behind the id of entry or device in an entity's unique id."""
    for prefix in (f"{foreign_id}_", f"{device_id}_"):
        if prefix in row.unique_id:
            return row.unique_id.partition(prefix)[2]
    return row.unique_id
