"""Brings entries of older versions, and of other integrations of this domain, to today's shape.

Others store one entry for each device, with its key. Each entry migrates when it is set up: the
first of a key becomes the account, each further one joins it and is removed. An account that is
set up takes in those that wait for their turn, so that one request brings all devices.
"""

import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import (
    CONF_ADDRESS,
    CONF_API_KEY,
    CONF_DEVICE_ID,
    CONF_MAC,
    CONF_NAME,
    CONF_SCAN_INTERVAL,
    CONF_URL,
)
from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .account import is_account, title_of_account
from .const import (
    CONF_UPDATE_INTERVAL,
    DOMAIN,
    ENTRY_MINOR_VERSION,
    ENTRY_VERSION,
    LONGEST_UPDATE_INTERVAL,
    SHORTEST_UPDATE_INTERVAL,
    SUBENTRY_TYPE_DEVICE,
)
from .onemeter_cloud import DEFAULT_BASE_URL
from .onemeter_cloud.parsing import as_number, as_text
from .problems import async_delete_issues
from .take_over import async_take_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant

_LOGGER = logging.getLogger(__name__)

FOREIGN_ENTRY: Final = "foreign_entry"

_CONF_DEVICE_NAME: Final = "device_name"
_CONF_REFRESH_INTERVAL: Final = "refresh_interval"
# What only those store that do not ask a cloud, and, with a device, no one that we know.
_NOT_OF_A_CLOUD: Final = frozenset({CONF_ADDRESS, CONF_MAC, CONF_URL, "mob_key", "topic"})

_SECONDS_PER_MINUTE: Final = 60
_SHORTEST_MINUTES: Final = SHORTEST_UPDATE_INTERVAL // timedelta(minutes=1)
_LONGEST_MINUTES: Final = LONGEST_UPDATE_INTERVAL // timedelta(minutes=1)
# Stored by itself, so not what the owner has chosen: the automatic polls take its place.
_FOREIGN_DEFAULT_MINUTES: Final = 15
# `scan_interval` is in seconds and was never allowed to be less.
_SHORTEST_SCAN_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignDevice:
    """A device as another integration has stored it.

    `update_interval_minutes` is `None` where the owner has not chosen any.
    """

    api_key: str
    device_id: str
    name: str
    update_interval_minutes: int | None


@callback
def async_migrate(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Bring an entry to today's shape; return whether it is to be set up then.

    Everything happens at once, so that entries that migrate at the same time find each other.
    """
    if entry.version >= ENTRY_VERSION:
        return True
    if is_account(entry):
        hass.config_entries.async_update_entry(
            entry, version=ENTRY_VERSION, minor_version=ENTRY_MINOR_VERSION
        )
        return True
    device = _device_of(entry)
    if device is None:
        async_tell_foreign(hass, entry)
        return False
    async_delete_issues(hass, entry.entry_id)
    account = _account_for(hass, device)
    if account is None:
        _become_account(hass, entry, device)
        return True
    _LOGGER.info(
        "The entry %s of another integration joins the account %s", entry.entry_id, account.entry_id
    )
    _join(hass, entry, device, account)
    hass.async_create_task(
        _async_finish(hass, entry.entry_id, account.entry_id), f"{DOMAIN} - join of an entry"
    )
    return False


@callback
def async_take_in(hass: HomeAssistant, account: ConfigEntry) -> None:
    """Let entries in use join their account before they are set up; then they are removed."""
    for entry in hass.config_entries.async_entries(DOMAIN, include_disabled=False):
        if entry.version >= ENTRY_VERSION or is_account(entry):
            continue
        device = _device_of(entry)
        if device is not None and _account_for(hass, device) is account:
            _join(hass, entry, device, account)


@callback
def async_tell_foreign(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Tell the owner that an entry is none that can be used here."""
    # Its title can be an address or a key: that stays out of the log.
    _LOGGER.error(
        "The entry %s was made by another integration of the name %s that does not speak to a"
        " OneMeter Cloud, or by an unknown one: it is left as it is and cannot be set up",
        entry.entry_id,
        DOMAIN,
    )
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{entry.entry_id}_{FOREIGN_ENTRY}",
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=FOREIGN_ENTRY,
        translation_placeholders={"entry": entry.title},
    )


def _device_of(entry: ConfigEntry) -> ForeignDevice | None:
    """Return the device of a cloud that an entry is of; `None` if it is none that we know."""
    stored = {**entry.data, **entry.options}
    device_id = stored.get(CONF_DEVICE_ID)
    device_id = device_id.strip() if isinstance(device_id, str) else None
    if CONF_API_KEY not in stored or not device_id or _NOT_OF_A_CLOUD & stored.keys():
        return None
    # A key that is none is asked for anew once the account is set up.
    api_key = as_text(stored[CONF_API_KEY]) or ""
    names = map(as_text, (stored.get(CONF_NAME), stored.get(_CONF_DEVICE_NAME), entry.title))
    return ForeignDevice(
        api_key=api_key,
        device_id=device_id,
        name=next((name for name in names if name and name != api_key), device_id),
        update_interval_minutes=_update_interval_minutes(stored),
    )


def _update_interval_minutes(stored: Mapping[str, Any]) -> int | None:
    """Return the whole minutes between two polls, as far as the owner has chosen them.

    `refresh_interval` is in minutes (1, 5 or 15), `scan_interval` in seconds (30 to 86400). One
    that cannot be meant so, because it is far too long or too short, is in the other unit.
    """
    refresh = as_number(stored.get(_CONF_REFRESH_INTERVAL))
    scan = as_number(stored.get(CONF_SCAN_INTERVAL))
    if refresh is not None:
        minutes = refresh if refresh <= _LONGEST_MINUTES else refresh / _SECONDS_PER_MINUTE
    elif scan is not None:
        minutes = scan if scan < _SHORTEST_SCAN_SECONDS else scan / _SECONDS_PER_MINUTE
    else:
        return None
    if minutes <= 0 or minutes == _FOREIGN_DEFAULT_MINUTES:
        return None
    return math.ceil(min(max(minutes, _SHORTEST_MINUTES), _LONGEST_MINUTES))


def _account_for(hass: HomeAssistant, device: ForeignDevice) -> ConfigEntry | None:
    """Return the account that a device joins: one that has it already, else one with its key."""
    accounts = sorted(
        (entry for entry in hass.config_entries.async_entries(DOMAIN) if is_account(entry)),
        key=lambda account: account.disabled_by is not None,
    )
    of_device = (account for account in accounts if _subentry_of(account, device) is not None)
    of_key = (
        account
        for account in accounts
        if account.data[CONF_API_KEY] == device.api_key
        and account.data[CONF_URL] == DEFAULT_BASE_URL
    )
    return next(chain(of_device, of_key), None)


def _become_account(hass: HomeAssistant, entry: ConfigEntry, device: ForeignDevice) -> None:
    """Make an entry the account of its key."""
    _LOGGER.info("The entry %s of another integration becomes an account", entry.entry_id)
    minutes = device.update_interval_minutes
    hass.config_entries.async_update_entry(
        entry,
        data={CONF_API_KEY: device.api_key, CONF_URL: DEFAULT_BASE_URL},
        options={} if minutes is None else {CONF_UPDATE_INTERVAL: minutes},
        title=title_of_account(DEFAULT_BASE_URL),
        unique_id=None,
        version=ENTRY_VERSION,
        minor_version=ENTRY_MINOR_VERSION,
    )
    async_take_over(hass, entry.entry_id, entry, _add_device(hass, entry, device, entry.entry_id))


def _join(
    hass: HomeAssistant, entry: ConfigEntry, device: ForeignDevice, account: ConfigEntry
) -> None:
    """Give what an entry is of to an account; a second time there is nothing left to give."""
    minutes = device.update_interval_minutes
    # Of the intervals of several entries the shortest counts, whichever came first. An account
    # that was set up here keeps its own.
    was_foreign = account.entry_id in account.subentries
    if minutes is not None and was_foreign:
        known = account.options.get(CONF_UPDATE_INTERVAL, minutes)
        hass.config_entries.async_update_entry(
            account, options={**account.options, CONF_UPDATE_INTERVAL: min(known, minutes)}
        )
    subentry = _subentry_of(account, device) or _add_device(hass, account, device, entry.entry_id)
    async_take_over(hass, entry.entry_id, account, subentry)


def _subentry_of(account: ConfigEntry, device: ForeignDevice) -> ConfigSubentry | None:
    """Return the subentry of a device; `None` if the account does not have it."""
    return next(
        (
            subentry
            for subentry in account.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
            if subentry.data[CONF_DEVICE_ID] == device.device_id
        ),
        None,
    )


def _add_device(
    hass: HomeAssistant, account: ConfigEntry, device: ForeignDevice, foreign_id: str
) -> ConfigSubentry:
    """Add a device to an account; its subentry has the id of the entry that it comes from."""
    subentry = ConfigSubentry(
        data=MappingProxyType({CONF_DEVICE_ID: device.device_id}),
        subentry_id=foreign_id,
        subentry_type=SUBENTRY_TYPE_DEVICE,
        title=device.name,
        unique_id=device.device_id,
    )
    hass.config_entries.async_add_subentry(account, subentry)
    return subentry


async def _async_finish(hass: HomeAssistant, entry_id: str, account_id: str) -> None:
    """Remove an entry that has joined an account, and let the account run if it does not."""
    # At a start the account may be yet to come; then it must not be set up by two at a time.
    await async_setup_component(hass, DOMAIN, {})
    await hass.config_entries.async_remove(entry_id)
    # The entry was in use: its device must not come to rest because the account was.
    await hass.config_entries.async_set_disabled_by(account_id, None)
