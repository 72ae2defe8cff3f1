"""Keeps the long-term statistics of an account equal to the registers of its meters.

The first time, the whole history is read. Then every poll's reading goes straight into the newest
hours, and parts of the past are read again now and then, because readers hand in late what they
read while nobody was near.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from homeassistant.const import UnitOfEnergy
from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.storage import Store
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter

from .const import DOMAIN
from .energy import Plan, compute, compute_part, plan_for
from .onemeter_cloud import OneMeterError, Priority
from .onemeter_cloud.history import WRONG_READINGS
from .prices import CONF_PRICES
from .progress import COMPLETE, Progress
from .reader import HistoryReader, joined, single, tail_of
from .series import ENERGY_COMPENSATION, ENERGY_COST, statistic_id
from .statistics import RecorderNotRunningError, Series, async_write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from homeassistant.core import HomeAssistant

    from .coordinator import OneMeterCoordinator
    from .data import OneMeterConfigEntry
    from .onemeter_cloud import Device
    from .onemeter_cloud.history import HourRow

_LOGGER = logging.getLogger(__name__)

_MAX_WAIT_SECONDS: Final = 180.0
_STORE_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What came of reading a history again: readings got, rows of statistics changed."""

    readings: int
    rows: int


class HistoryImporter:
    """Imports the history of an account's devices.

    Work is looked for after every poll, in one task at a time. What fails is tried again after the
    next poll: nothing is remembered but how far each device is.
    """

    def __init__(
        self, hass: HomeAssistant, entry: OneMeterConfigEntry, coordinator: OneMeterCoordinator
    ) -> None:
        """Know nothing yet."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._store = _store_of(hass, entry.entry_id)
        self._devices: dict[str, Progress] = {}
        self._names: Mapping[str, str] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._turn = asyncio.Lock()
        self._working = False
        self._failed = False

    async def async_load(self) -> None:
        """Find out how far the last run of Home Assistant came."""
        self._names = await _async_statistic_names(self._hass)
        stored = await self._store.async_load() or {}
        self._devices = {
            device_id: Progress.from_json(stored[device_id]) if device_id in stored else Progress()
            for device_id in self._coordinator.subentry_ids
        }

    @callback
    def async_start(self) -> None:
        """Work from now on: at once, and after every poll."""
        self._entry.async_on_unload(self._coordinator.async_add_listener(self._look_for_work))
        self._look_for_work()

    def percent(self, device_id: str) -> int:
        """Return how much of a device's history has been imported, 0 to 100."""
        return self._devices[device_id].percent

    def diagnostics(self, device_id: str) -> dict[str, Any]:
        """Return how far a device's history is and how it is put together, without its values."""
        progress = self._devices[device_id]
        return {
            "percent": progress.percent,
            "recent_at": progress.recent_at and progress.recent_at.isoformat(),
            "deep_at": progress.deep_at and progress.deep_at.isoformat(),
            "misfits": progress.misfits,
            "newest_readings": len(progress.tail.times),
            "meters": {code: len(offsets) for code, offsets in progress.constants.meters.items()},
            "prices": {key: len(offsets) for key, offsets in progress.constants.costs.items()},
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

        Without `start` all of it, without `end` up to now. Raises the library's errors.
        """
        device = self._coordinator.data[device_id].device
        reader = HistoryReader(
            cloud=self._coordinator.cloud,
            priority=Priority.USER,
            max_wait=max_wait,
            always_with_neighbours=True,
        )
        plan = self._plan_for(device)
        if start is None or self._devices[device_id].plan != plan.fingerprint:
            return await self._import_all(reader, device, plan)
        return await self._import_part(reader, device, plan, start, end)

    @callback
    def _look_for_work(self) -> None:
        """Bring all devices up to date in a task of the entry's, unless one is at it already."""
        if not self._working and self._coordinator.answered:
            self._working = True
            self._entry.async_create_background_task(
                self._hass, self._work(), name=f"{self._entry.title} - history"
            )

    async def _work(self) -> None:
        """Bring all devices up to date, one after the other, as far as the cloud lets us."""
        try:
            for device_id in self._coordinator.present:
                if (state := self._coordinator.present.get(device_id)) is not None:
                    await self._bring_up_to_date(state.device)
        except (OneMeterError, RecorderNotRunningError) as err:
            if not self._failed:
                _LOGGER.warning("The history waits for a better time: %s", err)
            self._failed = True
        else:
            if self._failed:
                _LOGGER.info("The history is up to date again")
            self._failed = False
        finally:
            self._working = False

    async def _bring_up_to_date(self, device: Device) -> None:
        """Do for a device what is due: all of its history, a part of it, or its newest reading."""
        plan = self._plan_for(device)
        if all(device.last_reading.number(code) is None for code in plan.codes):
            return  # Nothing is counted, or the answer was damaged: then the plan would be, too.
        reader = HistoryReader(
            cloud=self._coordinator.cloud,
            priority=Priority.BACKGROUND,
            max_wait=_MAX_WAIT_SECONDS,
            always_with_neighbours=False,
        )
        progress = self._devices[device.id]
        progress.note_gap(single(device.last_reading))
        if progress.plan != plan.fingerprint:
            await self._import_all(reader, device, plan)
        elif (
            start := progress.due_since(
                dt_util.utcnow(), clock=self._hass.loop.time(), devices=len(self._devices)
            )
        ) is not None:
            await self._import_part(reader, device, plan, start, None)
        elif not await self._import_newest(device, plan):
            await self._import_all(reader, device, plan)
        elif progress.misfits and progress.fits:
            # Those before were wrong: what was true at their time only the history knows.
            since = dt_util.utc_from_timestamp(progress.tail.times[0])
            await self._import_part(reader, device, plan, since, None)

    async def _import_all(self, reader: HistoryReader, device: Device, plan: Plan) -> ImportResult:
        """Read the whole history of a device and write what differs."""
        _LOGGER.info("Reading the whole history of device %s", device.id)
        progress = self._devices[device.id]
        part = await reader.everything(device, plan.codes)
        async with self._turn:
            result = await self._hass.async_add_executor_job(compute, part.readings, plan)
            changed = await self._write(device, result.rows)
            progress.note_all(
                plan.fingerprint,
                result.constants,
                part.readings,
                at=dt_util.utcnow(),
                clock=self._hass.loop.time(),
            )
            await self._save()
        _LOGGER.info(
            "The history of device %s is complete: %d readings, %d rows written",
            device.id,
            part.count,
            changed,
        )
        return ImportResult(readings=part.count, rows=changed)

    async def _import_part(
        self,
        reader: HistoryReader,
        device: Device,
        plan: Plan,
        start: datetime,
        end: datetime | None,
    ) -> ImportResult:
        """Read a part of the history of a device and write what differs.

        Where the part shows that a meter was replaced, all is read instead: the sums of everything
        after it depend on when and how.
        """
        began = dt_util.utcnow()
        progress = self._devices[device.id]
        part = await reader.part(device, plan.codes, start, end)
        async with self._turn:
            result = await self._hass.async_add_executor_job(
                partial(
                    compute_part,
                    part.readings,
                    plan,
                    progress.constants,
                    to_the_end=part.to_the_end,
                )
            )
            if result is not None:
                changed = await self._write(device, result.rows)
                if part.to_the_end:
                    progress.note_part(part.readings, start, at=began, clock=self._hass.loop.time())
                    await self._save()
                return ImportResult(readings=part.count, rows=changed)
        return await self._import_all(reader, device, plan)

    async def _import_newest(self, device: Device, plan: Plan) -> bool:
        """Write what the newest reading, which the poll has brought, tells of the last hours.

        Returns whether that is enough: not if for some readings now nothing fits to what is known.
        Then they are not wrong, but another meter has taken the place of the one before.
        """
        progress = self._devices[device.id]
        newest = single(device.last_reading)
        if not newest.times or newest.times[0] in progress.tail.times:
            return True
        async with self._turn:
            progress.tail = tail_of(joined(progress.tail, newest))
            result = compute_part(progress.tail, plan, progress.constants, to_the_end=True)
            progress.fits = result is not None
            if result is None:
                progress.misfits += 1
            elif not progress.misfits:
                await self._write(device, result.rows)
        return progress.fits or progress.misfits <= WRONG_READINGS

    async def _write(self, device: Device, rows: Mapping[str, Sequence[HourRow]]) -> int:
        """Write the rows of a device's statistics that differ; return how many did."""
        total = sum(len(of_key) for of_key in rows.values())
        done = changed = 0
        for key, of_key in rows.items():
            before = done

            def on_written(count: int, before: int = before) -> None:
                self._set_percent(device.id, COMPLETE * (before + count) // max(total, 1))

            changed += await async_write(
                self._hass, self._statistic(device, key), of_key, on_written=on_written
            )
            done += len(of_key)
        self._set_percent(device.id, COMPLETE)
        return changed

    def _statistic(self, device: Device, key: str) -> Series:
        """Return the statistic of a device's series: energy, or money in the home's currency."""
        money = key in {ENERGY_COST, ENERGY_COMPENSATION}
        return Series(
            statistic_id=statistic_id(device.id, key),
            name=self._names[key].format(device=self._name_of(device)),
            unit=self._hass.config.currency if money else UnitOfEnergy.KILO_WATT_HOUR,
            unit_class=None if money else EnergyConverter.UNIT_CLASS,
        )

    def _name_of(self, device: Device) -> str:
        """Return what the owner calls a device."""
        registered = dr.async_get(self._hass).async_get_device_by_identifier(
            (DOMAIN, device.id), self._entry.entry_id
        )
        return (registered and (registered.name_by_user or registered.name)) or device.display_name

    def _plan_for(self, device: Device) -> Plan:
        """Return what is to be made of a device's readings, with the prices that its owner gave."""
        subentry = self._entry.subentries[self._coordinator.subentry_ids[device.id]]
        return plan_for(
            device,
            subentry.data.get(CONF_PRICES, ()),
            dt_util.now(),
            multiply=self._coordinator.multiply,
        )

    @callback
    def _set_percent(self, device_id: str, percent: int) -> None:
        """Note how far the first import of a device is, and tell about it."""
        progress = self._devices[device_id]
        if progress.plan is None and percent > progress.percent:
            progress.percent = percent
            for listener in tuple(self._listeners.get(device_id, ())):
                listener()

    async def _save(self) -> None:
        """Store how far the devices are whose whole history has been imported."""
        await self._store.async_save(
            {
                device_id: progress.as_json()
                for device_id, progress in self._devices.items()
                if progress.plan is not None
            }
        )


async def async_forget(hass: HomeAssistant, entry_id: str) -> None:
    """Remove what is stored of an account's progress; its statistics stay."""
    await _store_of(hass, entry_id).async_remove()


def _store_of(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _STORE_VERSION, f"{DOMAIN}.{entry_id}")


async def _async_statistic_names(hass: HomeAssistant) -> dict[str, str]:
    """Return the names of statistics by their keys, in the language of the home."""
    prefix = f"component.{DOMAIN}.selector.statistic.options."
    texts = await async_get_translations(hass, hass.config.language, "selector", {DOMAIN})
    return {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}
