"""What a maintainer needs to understand a fault, built from what may be shown and nothing else.

Names, addresses, serial numbers, meters' numbers and values are never read here. What the server
words freely is shown only where it looks like a technical term.
"""

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_URL, STATE_UNAVAILABLE
from homeassistant.helpers import entity_registry as er
from homeassistant.loader import async_get_integration
from homeassistant.util import dt as dt_util
from yarl import URL

from .account import is_account
from .const import CONF_ADD_NEW_DEVICES, CONF_APPLY_MULTIPLIER, CONF_UPDATE_INTERVAL, DOMAIN
from .onemeter_cloud import REGISTERS, OneMeterError, Priority
from .onemeter_cloud.client import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from datetime import datetime

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.device_registry import DeviceEntry

    from .coordinator import DeviceState, OneMeterCoordinator
    from .data import OneMeterConfigEntry
    from .onemeter_cloud import Reading
    from .onemeter_cloud.parsing import JSON

_TERM: Final = re.compile(r"[0-9A-Za-z_./+-]{1,32}")
_CODE: Final = re.compile(r"[0-9A-Z_]{1,16}")
_TYPES: Final = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
    type(None): "null",
}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: OneMeterConfigEntry
) -> dict[str, Any]:
    """Return what may be shown of an account and of its devices."""
    diagnostics = await _of_account(hass, entry)
    if entry.state is ConfigEntryState.LOADED:
        diagnostics["devices"] = [
            _of_device(hass, entry, device_id)
            for device_id in entry.runtime_data.coordinator.subentry_ids
        ]
    return diagnostics


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: OneMeterConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return what may be shown of an account and of one of its devices."""
    diagnostics = await _of_account(hass, entry)
    if entry.state is ConfigEntryState.LOADED:
        diagnostics["device"] = next(
            (
                _of_device(hass, entry, device_id)
                for domain, device_id in device.identifiers
                if domain == DOMAIN and device_id in entry.runtime_data.coordinator.subentry_ids
            ),
            None,
        )
    return diagnostics


async def _of_account(hass: HomeAssistant, entry: OneMeterConfigEntry) -> dict[str, Any]:
    integration = await async_get_integration(hass, DOMAIN)
    diagnostics: dict[str, Any] = {
        "version": str(integration.version),
        "state": entry.state.value,
        "reason": entry.error_reason_translation_key,
        "options": {
            option: entry.options.get(option)
            for option in (CONF_ADD_NEW_DEVICES, CONF_APPLY_MULTIPLIER, CONF_UPDATE_INTERVAL)
        },
        "server": _server(URL(entry.data[CONF_URL])) if is_account(entry) else None,
        "number_of_devices": len(entry.subentries),
    }
    if entry.state is ConfigEntryState.LOADED:
        diagnostics["polling"] = _polling(entry.runtime_data.coordinator)
    return diagnostics


def _server(url: URL) -> dict[str, Any]:
    """Describe a server; the name of one that is not the vendor's may tell whose it is."""
    is_default = url == URL(DEFAULT_BASE_URL)
    return {
        "vendor": is_default,
        "host": url.host if is_default else None,
        "scheme": url.scheme,
        "port": url.port,
    }


def _polling(coordinator: OneMeterCoordinator) -> dict[str, Any]:
    interval = coordinator.update_interval
    return {
        "answered": coordinator.answered,
        "last_success": _iso(coordinator.last_success),
        "last_error": _last_error(coordinator),
        "limited_since": _iso(coordinator.limited_since),
        "interval_seconds": interval and interval.total_seconds(),
        "learned": coordinator.schedule.as_json(),
        "requests_in_last_hour": coordinator.cloud.requests_in_last_hour,
        "seconds_until_allowed": {
            priority.name.lower(): round(coordinator.cloud.seconds_until_allowed(priority), 1)
            for priority in Priority
        },
        "missing_devices": len(coordinator.missing),
    }


def _last_error(coordinator: OneMeterCoordinator) -> dict[str, Any] | None:
    """Name the last error, also one that is over; its text may be the server's own words."""
    error = coordinator.last_exception
    if error is None:
        return None
    cause = error.__cause__ or error
    return {
        "type": type(cause).__name__,
        "kind": cause.kind if isinstance(cause, OneMeterError) else None,
        "is_over": coordinator.last_update_success,
    }


def _of_device(hass: HomeAssistant, entry: OneMeterConfigEntry, device_id: str) -> dict[str, Any]:
    coordinator, history = entry.runtime_data.coordinator, entry.runtime_data.history
    state = coordinator.data.get(device_id)
    return {
        "id_hash": hashlib.sha256(device_id.encode()).hexdigest()[:8],
        "is_missing": device_id in coordinator.missing,
        "is_fresh": coordinator.is_fresh(device_id),
        "known": None if state is None else _known(state),
        "entities": _entities(hass, entry, device_id),
        "history": None if history is None else history.diagnostics(device_id),
    }


def _known(state: DeviceState) -> dict[str, Any]:
    """Describe what the account says of a device."""
    device = state.device
    reading = device.last_reading
    age = None if reading.date is None else dt_util.utcnow() - reading.date
    return {
        "main_register": _term(device.main_register),
        "multiplier": device.multiplier,
        "contracted_power_known": device.contracted_power_kw is not None,
        "archived": device.archived,
        "firmware": _term(device.firmware_version),
        "hardware": _term(device.hardware_version),
        "timezone": _term(device.timezone),
        "battery_percent": device.battery_percent,
        "battery_low": device.battery_low,
        "readout_failed": device.readout_failed,
        "synchronization_needed": device.synchronization_needed,
        "on_wrong_meter": device.on_wrong_meter,
        "average_power_known": state.average_power_kw is not None,
        "reading": {
            "date": _iso(reading.date),
            "age_seconds": age and age.total_seconds(),
            "source": _term(reading.source),
            "flags": {
                flag: reading.has_flag(flag)
                for flag in sorted(reading.flags)
                if _CODE.fullmatch(flag) or _TERM.fullmatch(flag)
            },
            "registers": _registers(reading),
        },
    }


def _registers(reading: Reading) -> dict[str, Any]:
    """Tell which registers a meter has and what kind of JSON they are; not what they say."""
    return {
        code: {
            "quantity": register.quantity.value if (register := REGISTERS.get(code)) else None,
            "type": _type_of(value),
        }
        for code, value in sorted(reading.values.items())
        if _CODE.fullmatch(code)
    }


def _type_of(value: JSON) -> str:
    return _TYPES[type(value)]


def _entities(
    hass: HomeAssistant, entry: OneMeterConfigEntry, device_id: str
) -> dict[str, dict[str, bool]]:
    """Tell which entities of a device there are, by the keys of their descriptions."""
    prefix = f"{device_id}_"
    return {
        registered.unique_id.removeprefix(prefix): {
            "enabled": registered.disabled_by is None,
            "available": (state := hass.states.get(registered.entity_id)) is not None
            and state.state != STATE_UNAVAILABLE,
        }
        for registered in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if registered.unique_id.startswith(prefix)
    }


def _term(text: str | None) -> str | None:
    """Return what looks like a technical term: no spaces, no `@`, not long."""
    return text if text is not None and _TERM.fullmatch(text) else None


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
