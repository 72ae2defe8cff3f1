"""One account of the cloud: asks for the chosen devices, all in one request."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, override

from homeassistant.const import CONF_API_KEY, CONF_DEVICE_ID, CONF_URL
from homeassistant.core import callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import (
    CONF_ADD_NEW_DEVICES,
    CONF_APPLY_MULTIPLIER,
    CONF_UPDATE_INTERVAL,
    DOMAIN,
    SUBENTRY_TYPE_DEVICE,
)
from .errors import action_error, update_error
from .freshness import Freshness
from .onemeter_cloud import (
    AuthenticationError,
    Device,
    ErrorKind,
    NotFoundError,
    OneMeterCloud,
    OneMeterError,
    Priority,
    RateLimitError,
    RequestTimeoutError,
)
from .onemeter_cloud.power import average_power_kw
from .polling import FixedSchedule, LearningSchedule, Schedule
from .snapshot import Snapshot, SnapshotStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeassistant.core import HomeAssistant

    from .data import OneMeterConfigEntry

_LOGGER = logging.getLogger(__name__)

RATE_LIMIT_PATIENCE: Final = timedelta(hours=3)
"""How long the last answer is shown while the cloud says that it was asked too often."""

# How long a start waits for the cloud where there is something stored to show instead.
_START_PATIENCE: Final = timedelta(seconds=3)
# Who has one device hears of others when all are asked for, in the place of that one.
_LOOK_AROUND_EVERY: Final = timedelta(days=1)
# A poll can wait for its turn in the budget, and then for its answer.
_POLL_TAKES: Final = timedelta(minutes=5)
# The clock of this machine may be the one that is wrong.
_CLOCK_TOLERANCE: Final = timedelta(days=2)
_SOONEST: Final = timedelta(seconds=1)
# Home Assistant cuts the fractions of a second off when it plans: never before the time.
_ROUNDING: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """How the cloud is asked.

    `priority`, `max_age` and `max_wait` are those of the library's client; `patience` is the time
    until a request that is not answered is given up, where that is sooner than the client does.
    `looks_around`: now and then all devices may be asked for in the place of a single one.
    """

    priority: Priority = Priority.BACKGROUND
    max_age: timedelta
    max_wait: timedelta
    patience: timedelta | None = None
    looks_around: bool = False


# The list that a form has just shown is good enough to start with.
_AFTER_RESTORING: Final = _Terms(max_age=timedelta(minutes=10), max_wait=timedelta(seconds=5))
# With nothing to show there is no reason to wait for long: Home Assistant tries again by itself.
_FIRST: Final = replace(_AFTER_RESTORING, patience=timedelta(seconds=10))
# A poll is there to see what is new; only what has just come is not asked for again.
# Two requests can be before it: a user's, and one for the history.
_POLL: Final = _Terms(
    max_age=timedelta(seconds=15), max_wait=timedelta(minutes=3), looks_around=True
)
_BY_USER: Final = _Terms(priority=Priority.USER, max_age=timedelta(), max_wait=timedelta(seconds=5))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """What is known of one device now.

    `average_power_kw` is the power between its two newest readings, once there were two.
    """

    device: Device
    average_power_kw: float | None = None

    @property
    def read_at(self) -> datetime | None:
        """When the meter was read last; `None` if that is unknown or a time that is yet to come."""
        date = self.device.last_reading.date
        return date if date is not None and date < dt_util.utcnow() + _CLOCK_TOLERANCE else None

    def followed_by(self, device: Device, *, multiply: bool) -> DeviceState:
        """Return the state after the cloud told of the device again: the same if nothing is new."""
        if device == self.device:
            return self
        code = device.main_register
        if code is None or self.device.last_reading.time_of(code) == device.last_reading.time_of(
            code
        ):
            return replace(self, device=device)
        return DeviceState(
            device=device,
            average_power_kw=average_power_kw(self.device, device, multiply=multiply),
        )


class OneMeterCoordinator(DataUpdateCoordinator[dict[str, DeviceState]]):
    """Keeps the state of an account's chosen devices, by their ids.

    `data` holds what was last known of a device, also when that is old: `is_fresh` tells. `missing`
    are the chosen devices that the account did not have when it answered last. `answered` tells
    whether the newest poll was answered, `last_success` when one was, perhaps before Home
    Assistant's start; `limited_since` when the cloud began to say that it was asked too often.
    `listed` are all devices of the account as they were listed last, `None` before.
    """

    config_entry: OneMeterConfigEntry

    def __init__(self, hass: HomeAssistant, entry: OneMeterConfigEntry) -> None:
        """Prepare the client; nothing is sent yet.

        Raises `ConfigEntryAuthFailed` for what cannot be a key.
        """
        super().__init__(hass, _LOGGER, config_entry=entry, name=f"{DOMAIN} {entry.title}")
        try:
            self.cloud = OneMeterCloud(
                entry.data[CONF_API_KEY],
                base_url=entry.data[CONF_URL],
                session=async_get_clientsession(hass),
            )
        except AuthenticationError as err:
            raise update_error(err) from err
        self.subentry_ids: dict[str, str] = {
            subentry.data[CONF_DEVICE_ID]: subentry.subentry_id
            for subentry in entry.get_subentries_of_type(SUBENTRY_TYPE_DEVICE)
        }
        self.multiply: bool = entry.options.get(CONF_APPLY_MULTIPLIER, True)
        self.adds_new_devices: bool = entry.options.get(CONF_ADD_NEW_DEVICES, False)
        self.listed: tuple[Device, ...] | None = None
        self._looked_around_at: float | None = None
        self.missing: frozenset[str] = frozenset()
        self.last_success: datetime | None = None
        self.limited_since: datetime | None = None
        self.answered = False
        self._was_answered = False
        self._is_patient = False
        self._turn = asyncio.Lock()
        self._freshness = Freshness(hass.loop, self.async_update_listeners)
        self._snapshots = SnapshotStore(hass, entry.entry_id)
        self.schedule: Schedule = LearningSchedule(entry.entry_id)

    async def async_restore(self) -> bool:
        """Take over what was stored, as if it had been answered two polls ago at most.

        Returns whether there is something to start with.
        """
        stored = await self._snapshots.async_load()
        self.schedule = self._new_schedule(stored)
        if stored is None or stored.devices.keys().isdisjoint(self.subentry_ids):
            return False
        self.data = {
            device_id: DeviceState(device=device)
            for device_id, device in stored.devices.items()
            if device_id in self.subentry_ids
        }
        self.last_success = stored.at
        self._keep_fresh(self.data.keys(), 2 * self.schedule.usual_gap)
        return True

    async def async_refresh_restored(self) -> None:
        """Ask the cloud in the background, and wait a moment for its answer.

        Raises `ConfigEntryAuthFailed` for a key that is refused in that time.
        """
        refresh = self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), name=f"{self.name} - first refresh"
        )
        await asyncio.wait({refresh}, timeout=_START_PATIENCE.total_seconds())
        if isinstance(self.last_exception, ConfigEntryAuthFailed):
            raise self.last_exception
        if not self.answered:
            _LOGGER.info("%s starts with what was known at %s", self.name, self.last_success)

    async def async_stop(self) -> None:
        """Let go of timers, and write down what is known."""
        self._freshness.clear()
        await self._snapshots.async_flush()

    async def async_refresh_for_user(self) -> None:
        """Ask the cloud now; raise `HomeAssistantError` if it cannot be asked or does not answer.

        A budget that is spent is nothing that has gone wrong with the account: then the rhythm of
        the polls stays as it is.
        """
        wait = self.cloud.seconds_until_allowed(_BY_USER.priority)
        if wait > _BY_USER.max_wait.total_seconds():
            raise action_error(RateLimitError(ErrorKind.BUDGET_SPENT, retry_after=wait))
        try:
            states = await self._ask(_BY_USER)
        except OneMeterError as err:
            if not isinstance(err, RateLimitError) or err.by_server:
                self._failed_for_user(err)
            raise action_error(err) from err
        if not self.last_update_success:
            _LOGGER.info("%s answers again", self.name)
        self.async_set_updated_data(states)

    def is_fresh(self, device_id: str) -> bool:
        """Tell whether what is known of a device can be shown as its present state.

        So it is for two polls after an answer, and for hours when the cloud answers that it was
        asked too often.
        """
        return self._freshness.is_fresh(device_id)

    @property
    def present(self) -> dict[str, DeviceState]:
        """What is known of the devices that the account had when it answered last."""
        return {
            device_id: state
            for device_id, state in self.data.items()
            if device_id not in self.missing
        }

    def _new_schedule(self, stored: Snapshot | None) -> Schedule:
        minutes = self.config_entry.options.get(CONF_UPDATE_INTERVAL)
        if minutes is not None:
            return FixedSchedule(timedelta(minutes=minutes), self.config_entry.entry_id)
        return LearningSchedule(
            self.config_entry.entry_id, stored.schedule if stored is not None else None
        )

    @override
    async def _async_update_data(self) -> dict[str, DeviceState]:
        """Ask because it is time to."""
        terms = _POLL
        if not self._was_answered:
            terms = _FIRST if self.data is None else _AFTER_RESTORING
        try:
            return await self._ask(terms)
        except OneMeterError as err:
            self._failed(err)
            raise update_error(err) from err

    async def _ask(self, terms: _Terms) -> dict[str, DeviceState]:
        """Ask for all chosen devices, in one request; return what is known of them then.

        One after the other: what was asked for before must not come after.
        """
        async with self._turn:
            return self._told(await self._devices(terms))

    @callback
    def _told(self, devices: dict[str, Device]) -> dict[str, DeviceState]:
        """Note an answer; return what is known of the devices with it."""
        self._log_missing(frozenset(self.subentry_ids) - devices.keys())
        known = self.data or {}
        states = known | {
            device_id: known[device_id].followed_by(device, multiply=self.multiply)
            if device_id in known
            else DeviceState(device=device)
            for device_id, device in devices.items()
        }
        self._succeeded(devices, states)
        return states

    @callback
    def _succeeded(self, devices: dict[str, Device], states: dict[str, DeviceState]) -> None:
        """Note an answer, and when to ask again."""
        self.answered = self._was_answered = True
        now = self.last_success = dt_util.utcnow()
        self.limited_since = None
        self._is_patient = False
        self.schedule.answered(
            now,
            [date for device in devices.values() if (date := device.last_reading.date) is not None],
        )
        self._plan_next(now)
        until_next = self.update_interval or timedelta()
        self._keep_fresh(devices, until_next + self.schedule.usual_gap)
        self._keep_snapshot(now, states)

    @callback
    def _failed(self, err: OneMeterError) -> None:
        """Note that there is no answer, and when to ask again: never for a refused key."""
        self.answered = False
        if isinstance(err, AuthenticationError):
            self.update_interval = None
            self._async_unsub_refresh()
            self._freshness.clear()
            self.async_update_listeners()
            return
        now = dt_util.utcnow()
        self.schedule.failed(now)
        self._plan_next(now, at_least=err.retry_after)
        if self.last_success is not None:
            # Polls without an answer count as well, also after a restart.
            self._keep_snapshot(self.last_success, self.data)
        if not isinstance(err, RateLimitError):
            self.limited_since = None
        elif err.by_server and self.limited_since is None:
            self.limited_since = now
        # Only once until the next answer: or refusals and other faults by turns would never end it.
        if self.limited_since is not None and not self._is_patient:
            self._is_patient = True
            fresh = [device_id for device_id in self.data or () if self.is_fresh(device_id)]
            self._keep_fresh(fresh, RATE_LIMIT_PATIENCE)

    @callback
    def _failed_for_user(self, err: OneMeterError) -> None:
        """Do what Home Assistant does when a poll fails, for a request of a user's."""
        self._failed(err)
        failure = update_error(err)
        failure.__cause__ = err
        self.async_set_update_error(failure)
        if isinstance(failure, ConfigEntryAuthFailed):
            self.config_entry.async_start_reauth_if_available(self.hass)
        elif self._listeners:
            self._schedule_refresh()

    @callback
    def _keep_snapshot(self, at: datetime, states: dict[str, DeviceState]) -> None:
        """Store what was answered last, and what the schedule knows now."""
        self._snapshots.async_keep(
            Snapshot(
                at=at,
                devices={device_id: state.device for device_id, state in states.items()},
                schedule=self.schedule.as_json(),
            )
        )

    @callback
    def _plan_next(self, now: datetime, at_least: float | None = None) -> None:
        """Plan the next poll: by the schedule, but not before so many seconds have passed."""
        soonest = max(_SOONEST, timedelta(seconds=at_least or 0))
        self.update_interval = max(self.schedule.next(now) - now, soonest) + _ROUNDING

    @callback
    def _keep_fresh(self, device_ids: Iterable[str], time: timedelta) -> None:
        self._freshness.extend(device_ids, (time + _POLL_TAKES).total_seconds())

    async def _devices(self, terms: _Terms) -> dict[str, Device]:
        """Return the chosen devices that the account has, or lose patience."""
        patience = None if terms.patience is None else terms.patience.total_seconds()
        try:
            async with asyncio.timeout(patience):
                return await self._chosen_devices(terms)
        except TimeoutError:
            raise RequestTimeoutError(ErrorKind.TIMEOUT) from None

    async def _chosen_devices(self, terms: _Terms) -> dict[str, Device]:
        """Return the chosen devices that the account has."""
        priority = terms.priority
        max_age, max_wait = terms.max_age.total_seconds(), terms.max_wait.total_seconds()
        if self._asks_for_all(terms):
            # Also when it goes wrong: what a single device needs must not wait for a list.
            self._looked_around_at = self.hass.loop.time()
            self.listed = await self.cloud.devices(
                max_age=max_age, priority=priority, max_wait=max_wait
            )
            return {device.id: device for device in self.listed if device.id in self.subentry_ids}
        if not self.subentry_ids:
            return {}
        (device_id,) = self.subentry_ids
        try:
            device = await self.cloud.device(
                device_id, max_age=max_age, priority=priority, max_wait=max_wait
            )
        except NotFoundError:
            return {}
        return {device_id: device}

    def _asks_for_all(self, terms: _Terms) -> bool:
        """Tell whether all devices of the account are asked for, not a single one."""
        if len(self.subentry_ids) > 1 or self.adds_new_devices:
            return True
        if not self.subentry_ids or not terms.looks_around:
            return False
        looked_at, now = self._looked_around_at, self.hass.loop.time()
        return looked_at is None or now - looked_at >= _LOOK_AROUND_EVERY.total_seconds()

    def _log_missing(self, missing: frozenset[str]) -> None:
        """Log once when a chosen device leaves the account, and once when it is back."""
        for device_id in missing - self.missing:
            _LOGGER.info("Device %s is not in the account any more", device_id)
        for device_id in self.missing - missing:
            _LOGGER.info("Device %s is in the account again", device_id)
        self.missing = missing
