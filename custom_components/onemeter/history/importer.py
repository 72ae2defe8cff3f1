"""Keeps the long-term statistics of an account equal to the registers of its meters.

The first time, the whole history is read. Then every poll's reading goes straight into the newest
hours, and parts of the past are read again now and then, because readers hand in late what they
read while nobody was near.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..onemeter_cloud import Priority
from .device import Account, DeviceHistory, ImportResult
from .due import Progress, Since, Whole
from .reader import HistoryReader
from .recorder import RecorderNotRunningError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from homeassistant.core import HomeAssistant

    from ..coordinator import DeviceState, OneMeterCoordinator
    from ..data import OneMeterConfigEntry
    from ..onemeter_cloud import OneMeterError

_LOGGER = logging.getLogger(__name__)

_MAX_WAIT_SECONDS: Final = 180.0
_STORE_VERSION: Final = 1


class HistoryImporter:
    """Imports the history of an account's devices.

    Work is looked for after every poll, in one task of the entry's at a time, which ends with it.
    """

    def __init__(
        self, hass: HomeAssistant, entry: OneMeterConfigEntry, coordinator: OneMeterCoordinator
    ) -> None:
        """Know nothing yet."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._store = _store_of(hass, entry.entry_id)
        self._devices: dict[str, DeviceHistory] = {}
        self._seen: dict[str, DeviceState] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._was_answered = True
        self._is_working = self._is_called = False

    async def async_load(self) -> None:
        """Find out how far the last run of Home Assistant came."""
        account = Account(
            hass=self._hass,
            entry=self._entry,
            coordinator=self._coordinator,
            names=await _async_statistic_names(self._hass),
            turn=asyncio.Lock(),
            save=self._save,
        )
        stored = await self._store.async_load() or {}
        for device_id in self._coordinator.subentry_ids:
            self._devices[device_id] = DeviceHistory(
                account,
                Progress.from_json(stored[device_id]) if device_id in stored else Progress(),
                self._on_change_of(device_id),
            )

    @callback
    def async_start(self) -> None:
        """Work from now on: at once, and after every poll."""
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._look_for_work))
        self._look_for_work()

    def percent(self, device_id: str) -> int:
        """Return how much of a device's history has been imported, 0 to 100."""
        return self._devices[device_id].progress.percent

    def failure(self, device_id: str) -> tuple[datetime, OneMeterError] | None:
        """Return since when and why a device's history cannot be read, `None` if it can."""
        progress = self._devices[device_id].progress
        if progress.failing_since is None or progress.error is None:
            return None
        return progress.failing_since, progress.error

    def series(self, device_id: str) -> frozenset[str]:
        """Return the keys of the series that a device has statistics of."""
        return frozenset(self._devices[device_id].progress.outlines)

    def diagnostics(self, device_id: str) -> dict[str, Any]:
        """Return how far a device's history is and how it is put together, without its values."""
        progress = self._devices[device_id].progress
        return {
            "percent": progress.percent,
            "recent_at": progress.recent_at and progress.recent_at.isoformat(),
            "deep_at": progress.deep_at and progress.deep_at.isoformat(),
            "failing_since": progress.failing_since and progress.failing_since.isoformat(),
            "newest_readings": len(progress.tail.times),
            "meters": {key: len(outline.offsets) for key, outline in progress.outlines.items()},
        }

    @callback
    def async_add_listener(
        self, device_id: str, listener: Callable[[], None]
    ) -> Callable[[], None]:
        """Call `listener` whenever the progress of a device changes; return what ends that."""
        listeners = self._listeners.setdefault(device_id, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    async def async_import(
        self, device_id: str, start: datetime | None, end: datetime | None, *, max_wait: float
    ) -> ImportResult:
        """Read the history of a device again because a user asks for it, and write what differs.

        Without `start` all of it, without `end` up to now. Raises the library's errors, and
        `HomeAssistantError` when the account is unloaded meanwhile.
        """
        task = self._entry.async_create_background_task(
            self._hass,
            self._devices[device_id].async_import(
                self._coordinator.data[device_id].device,
                Whole() if start is None else Since(start, end),
                self._reader(Priority.USER, max_wait),
            ),
            name=f"{self._entry.title} - history again",
        )
        await asyncio.wait({task})
        if task.cancelled():
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="unloaded")
        return task.result()

    @callback
    def _look_for_work(self) -> None:
        """Take what a poll has brought, and bring all devices up to date in a task of the entry's.

        After a time without answers nothing has to wait for what failed then.
        """
        if self._coordinator.answered:
            for device_id, state in self._coordinator.present.items():
                if self._seen.get(device_id) is not state:
                    self._seen[device_id] = state
                    self._devices[device_id].async_note_poll(state.device)
                if not self._was_answered:
                    self._devices[device_id].progress.cloud_pause.end()
            self._is_called = True
            if not self._is_working:
                self._is_working = True
                self._entry.async_create_background_task(
                    self._hass, self._work(), name=f"{self._entry.title} - history"
                )
        self._was_answered = self._coordinator.answered

    async def _work(self) -> None:
        """Bring all devices up to date, one after the other; each fails alone."""
        reader = self._reader(Priority.BACKGROUND, _MAX_WAIT_SECONDS)
        try:
            while self._is_called:
                self._is_called = False
                may_ask = True
                for device_id in tuple(self._coordinator.present):
                    if (state := self._coordinator.present.get(device_id)) is not None:
                        may_ask = await self._devices[device_id].async_follow(
                            state.device, reader, may_ask=may_ask
                        )
        except RecorderNotRunningError:
            _LOGGER.info("The history waits for Home Assistant's recorder")
        finally:
            self._is_working = False

    def _reader(self, priority: Priority, max_wait: float) -> HistoryReader:
        return HistoryReader(cloud=self._coordinator.cloud, priority=priority, max_wait=max_wait)

    def _on_change_of(self, device_id: str) -> Callable[[], None]:
        """Return what tells that the history of a device has got further."""

        @callback
        def on_change() -> None:
            for listener in tuple(self._listeners.get(device_id, ())):
                listener()

        return on_change

    async def _save(self) -> None:
        """Store how far the devices are whose whole history has been imported."""
        await self._store.async_save(
            {
                device_id: device.progress.as_json()
                for device_id, device in self._devices.items()
                if device.progress.plan is not None
            }
        )


async def async_forget(hass: HomeAssistant, entry_id: str) -> None:
    """Remove what is stored of an account's progress; its statistics stay."""
    await _store_of(hass, entry_id).async_remove()


def _store_of(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _STORE_VERSION, f"{DOMAIN}.{entry_id}.history")


async def _async_statistic_names(hass: HomeAssistant) -> Mapping[str, str]:
    """Return the names of statistics by their keys, in the language of the home."""
    prefix = f"component.{DOMAIN}.selector.statistic.options."
    texts = await async_get_translations(hass, hass.config.language, "selector", {DOMAIN})
    return {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}
