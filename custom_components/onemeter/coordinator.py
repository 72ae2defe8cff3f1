"""One account of the cloud: asks for the chosen devices, all in one request."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_API_KEY, CONF_DEVICE_ID, CONF_URL
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import (
    CONF_APPLY_MULTIPLIER,
    CONF_UPDATE_INTERVAL,
    DEFAULT_UPDATE_INTERVAL,
    DOMAIN,
    SUBENTRY_TYPE_DEVICE,
)
from .errors import update_error
from .onemeter_cloud import (
    Device,
    NotFoundError,
    OneMeterCloud,
    OneMeterError,
    Priority,
)
from .onemeter_cloud.power import average_power_kw
from .polling import delay_of, next_poll

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .importer import HistoryImporter

_LOGGER = logging.getLogger(__name__)

# The list that the config flow has just shown is good enough to start with.
_FIRST_MAX_AGE: Final = timedelta(minutes=10)
# A poll is there to see what is new; only what has just come is not asked for again.
_MAX_AGE: Final = timedelta(seconds=15)
_FIRST_MAX_WAIT: Final = timedelta(seconds=5)
_MAX_WAIT: Final = timedelta(seconds=90)
_SOONEST: Final = timedelta(seconds=1)

type OneMeterConfigEntry = ConfigEntry[OneMeterCoordinator]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """What is known of one device now.

    `average_power_kw` is the power between its two newest readings, once there were two.
    """

    device: Device
    average_power_kw: float | None = None

    def followed_by(self, device: Device, *, multiply: bool) -> DeviceState:
        """Return the state after the cloud told of the device again."""
        if device.last_reading.date == self.device.last_reading.date:
            return replace(self, device=device)
        return DeviceState(
            device=device,
            average_power_kw=average_power_kw(self.device, device, multiply=multiply),
        )


class OneMeterCoordinator(DataUpdateCoordinator[dict[str, DeviceState]]):
    """Keeps the state of an account's chosen devices, by their ids.

    A chosen device that the account does not have (any more) is missing from the data. `history` is
    there while Home Assistant's recorder is.
    """

    config_entry: OneMeterConfigEntry

    def __init__(self, hass: HomeAssistant, entry: OneMeterConfigEntry) -> None:
        """Prepare the client; nothing is sent yet."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {entry.title}",
            update_interval=DEFAULT_UPDATE_INTERVAL,
        )
        self.cloud = OneMeterCloud(
            entry.data[CONF_API_KEY],
            base_url=entry.data[CONF_URL],
            session=async_get_clientsession(hass),
        )
        self.subentry_ids: dict[str, str] = {
            subentry.data[CONF_DEVICE_ID]: subentry.subentry_id
            for subentry in entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
        }
        self.history: HistoryImporter | None = None
        self.multiply: bool = entry.options.get(CONF_APPLY_MULTIPLIER, True)
        self._poll_interval = timedelta(
            minutes=entry.options.get(
                CONF_UPDATE_INTERVAL, DEFAULT_UPDATE_INTERVAL.total_seconds() / 60
            )
        )
        self._poll_delay = delay_of(entry.entry_id)
        self._missing: frozenset[str] = frozenset()

    @override
    async def _async_update_data(self) -> dict[str, DeviceState]:
        """Ask for all chosen devices, in one request."""
        began = dt_util.utcnow()
        try:
            devices = await self._devices()
        except OneMeterError as err:
            raise update_error(err) from err
        finally:
            planned = next_poll(began, self._poll_interval, self._poll_delay)
            self.update_interval = max(planned - dt_util.utcnow(), _SOONEST)
        self._log_missing(frozenset(self.subentry_ids) - devices.keys())
        known = self.data or {}
        return {
            device_id: known[device_id].followed_by(device, multiply=self.multiply)
            if device_id in known
            else DeviceState(device=device)
            for device_id, device in devices.items()
        }

    async def _devices(self) -> dict[str, Device]:
        """Return the chosen devices that the account has."""
        first = self.data is None
        max_age = (_FIRST_MAX_AGE if first else _MAX_AGE).total_seconds()
        max_wait = (_FIRST_MAX_WAIT if first else _MAX_WAIT).total_seconds()
        priority = Priority.BACKGROUND
        if not self.subentry_ids:
            return {}
        if len(self.subentry_ids) > 1:
            listed = await self.cloud.devices(max_age=max_age, priority=priority, max_wait=max_wait)
            return {device.id: device for device in listed if device.id in self.subentry_ids}
        (device_id,) = self.subentry_ids
        try:
            device = await self.cloud.device(
                device_id, max_age=max_age, priority=priority, max_wait=max_wait
            )
        except NotFoundError:
            return {}
        return {device_id: device}

    def _log_missing(self, missing: frozenset[str]) -> None:
        """Log once when a chosen device leaves the account, and once when it is back."""
        for device_id in missing - self._missing:
            _LOGGER.warning("Device %s is not in the account any more", device_id)
        for device_id in self._missing - missing:
            _LOGGER.info("Device %s is in the account again", device_id)
        self._missing = missing
