"""The history of one device, on its way from the cloud to the recorder: due, read, made, written.

A job goes this way once. What does not fit on it makes the whole history due.
"""

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..onemeter_cloud import (
    AuthenticationError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    OneMeterError,
    RateLimitError,
    ServerError,
)
from ..onemeter_cloud.history import HOUR_SECONDS
from ..onemeter_cloud.readings import readings_of
from ..onemeter_cloud.series import energy_codes
from .draft import Draft
from .due import COMPLETE, Check, Newest, Since, Whole
from .ledger import Ledger
from .meaning import Known, are_doubtful, history_of, plan_for, rows_of
from .outline import Outline
from .prices import CONF_PRICES, price_lists
from .reader import codes_of
from .recorder import StatisticNotTakenError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from homeassistant.core import HomeAssistant

    from ..coordinator import OneMeterCoordinator
    from ..data import OneMeterConfigEntry
    from ..onemeter_cloud import Device, Readings
    from ..onemeter_cloud.history import HourRow
    from .due import Job, Progress
    from .meaning import Plan
    from .prices import PriceLists
    from .reader import HistoryReader

    type Rows = Mapping[str, Sequence[HourRow]]

_LOGGER = logging.getLogger(__name__)

# One device has these troubles, not its account.
_OF_ONE_DEVICE = (
    AuthenticationError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    ServerError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What came of reading a history again: readings got, rows of statistics changed."""

    readings: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the histories of an account's devices have in common.

    `names` are those of statistics by their keys, in the language of the home; the recorder is
    written to by one at a time, whose `turn` it is; `save` stores how far all are.
    """

    hass: HomeAssistant
    entry: OneMeterConfigEntry
    coordinator: OneMeterCoordinator
    names: Mapping[str, str]
    turn: asyncio.Lock
    save: Callable[[], Awaitable[None]]


class DeviceHistory:
    """Keeps the statistics of one device equal to the registers of its meter."""

    def __init__(self, account: Account, progress: Progress, on_change: Callable[[], None]) -> None:
        """Go on from how far the history is; `on_change` is called when it gets further."""
        self._account = account
        self._hass = account.hass
        self._on_change = on_change
        self._fingerprint: str | None = None
        self.progress = progress

    @callback
    def async_note_poll(self, device: Device) -> None:
        """Take what a poll has brought; it is written with the next job."""
        self.progress.note_poll(readings_of(device.last_reading, codes_of(device)))

    async def async_follow(self, device: Device, reader: HistoryReader, *, may_ask: bool) -> bool:
        """Do all that is due; return whether other devices may ask the cloud after this one.

        A history that cannot be read waits, longer each time; what polls bring is written all the
        same.
        """
        if self._is_damaged(device):
            return may_ask
        while (job := self._due(device, may_ask=may_ask)) is not None:
            try:
                await self._do(device, job, reader)
            except OneMeterError as err:
                may_ask = may_ask and isinstance(err, _OF_ONE_DEVICE)
                # That others have used up the budget is nothing that failed.
                if not isinstance(err, RateLimitError) or err.by_server:
                    self._note_failure(device, err)
            except StatisticNotTakenError as err:
                _LOGGER.info("The history of %s waits: %s", self._name(device), err)
                self.progress.cloud_pause.lengthen(self._hass.loop.time())
                break
        return may_ask

    async def async_import(self, device: Device, job: Job, reader: HistoryReader) -> ImportResult:
        """Read the history again because a user asks for it, and write what differs.

        Raises the library's errors.
        """
        if self.progress.plan != self._plan(device).fingerprint:
            job = Whole()
        return await self._do(device, job, reader) or await self._whole(device, reader)

    def _is_damaged(self, device: Device) -> bool:
        """Tell whether an answer of the cloud may lack what it should say of a device.

        So it does without any energy. And a device that is to be understood in another way than
        before, of another transformer ratio for example, says so again with the next answer.
        """
        before, self._fingerprint = self._fingerprint, self._plan(device).fingerprint
        is_new = before not in {None, self._fingerprint} and self._fingerprint != self.progress.plan
        codes = energy_codes(device.named_register)
        return is_new or not readings_of(device.last_reading, codes).times

    def _due(self, device: Device, *, may_ask: bool) -> Job | None:
        """Return what is to be done now."""
        progress = self.progress
        job = progress.due(
            self._plan(device).fingerprint,
            dt_util.utcnow(),
            clock=self._hass.loop.time(),
            devices=len(self._account.coordinator.subentry_ids),
        )
        if isinstance(job, Whole | Since) and not may_ask:
            return Newest() if progress.news is not None else None
        return job

    async def _do(self, device: Device, job: Job, reader: HistoryReader) -> ImportResult | None:
        """Do a job; return what came of it, `None` if now the whole history is due."""
        match job:
            case Check():
                return await self._check(device)
            case Whole():
                return await self._whole(device, reader)
            case Since():
                return await self._part(device, job, reader)
            case Newest():
                return await self._newest(device)

    async def _check(self, device: Device) -> ImportResult | None:
        """Compare what stands in the recorder with what is known of it, and make money right."""
        progress, ledger = self.progress, self._ledger(device)
        async with self._account.turn:
            now = _now()
            progress.checked_at = self._hass.loop.time()
            if progress.outlines and not await ledger.async_fits(progress.outlines, now):
                return self._misfit(device)
            changed = await ledger.async_settle_costs(self._prices(device), None, now)
            return ImportResult(readings=0, rows=changed)

    async def _whole(self, device: Device, reader: HistoryReader) -> ImportResult:
        """Read the whole history and write what differs."""
        _LOGGER.info("Reading the whole history of %s", self._name(device))
        began = dt_util.utcnow()
        part = await reader.whole(device)
        async with self._account.turn:
            plan, ledger, now = self._plan(device), self._ledger(device), _now()
            readings = await self._history((self.progress.tail, *part.pieces), plan)
            older = await ledger.async_older(_first_hour(readings))
            made = await self._rows(readings, plan, Known(rows=older, since=0), device)
            rows = {key: [*older[key], *of_key] for key, of_key in made.items()}
            changed = await ledger.async_make_equal(
                rows, now, self._percent_of(sum(map(len, rows.values())))
            )
            changed += await ledger.async_settle_costs(self._prices(device), None, now)
            self.progress.note_whole(
                plan.fingerprint,
                {key: Outline.of(of_key) for key, of_key in rows.items() if of_key},
                readings,
                at=began,
                clock=self._hass.loop.time(),
            )
            self._on_change()
            await self._account.save()
        _LOGGER.info(
            "The history of %s is complete: %d readings, %d rows written",
            self._name(device),
            part.count,
            changed,
        )
        return ImportResult(readings=part.count, rows=changed)

    async def _part(self, device: Device, job: Since, reader: HistoryReader) -> ImportResult | None:
        """Read a part of the history and write what differs."""
        began = dt_util.utcnow()
        part = await reader.part(device, job.start, job.end)
        async with self._account.turn:
            plan = self._plan(device)
            tail = (self.progress.tail,) if part.to_the_end else ()
            readings = await self._history((*tail, *part.pieces), plan)
            until = None if part.to_the_end or not readings.times else readings.times[-1]
            since = int(job.start.timestamp())
            draft = await self._draft(device, readings, plan, since, until)
            if draft is None:
                return None
            if draft.has_other_meters and not part.to_the_end:
                return self._misfit(device)
            changed = await self._write(device, draft, readings)
            if changed is None:
                return None
            if part.to_the_end:
                self.progress.note_part(readings, job.start, at=began, clock=self._hass.loop.time())
                await self._account.save()
        return ImportResult(readings=part.count, rows=changed)

    async def _newest(self, device: Device) -> ImportResult | None:
        """Write what the newest readings, which polls have brought, tell of the last hours.

        What looks like another meter can be a cloud that tells nonsense: the history knows.
        """
        progress = self.progress
        async with self._account.turn:
            plan = self._plan(device)
            since, progress.news = progress.news or 0, None
            readings = await self._history((progress.tail,), plan)
            draft = await self._draft(device, readings, plan, since)
            if draft is None:
                return None
            can_be_asked = self._hass.loop.time() >= progress.cloud_pause.until
            if (
                progress.plan is not None
                and can_be_asked
                and (draft.is_surprising or are_doubtful(readings, plan))
            ):
                progress.note_doubt(readings.times[0])
                return ImportResult(readings=0, rows=0)
            changed = await self._write(device, draft, readings)
        return None if changed is None else ImportResult(readings=0, rows=changed)

    async def _draft(
        self, device: Device, readings: Readings, plan: Plan, since: int, until: int | None = None
    ) -> Draft | None:
        """Return what readings would change, of which those from `since` on may be new.

        Without `until` the newest reading is among them; if not, the rows end with the last hour
        that was over then. `None` if the recorder does not have what it should.
        """
        progress, start = self.progress, _first_hour(readings) - HOUR_SECONDS
        known = await self._ledger(device).async_known(start)
        if progress.plan is not None and not all(
            outline.fits(known[key], start, _now() + HOUR_SECONDS)
            for key, outline in progress.outlines.items()
        ):
            return self._misfit(device)
        rows = await self._rows(readings, plan, Known(rows=known, since=since), device)
        if until is not None:
            rows = {
                key: [row for row in of_key if row.start + HOUR_SECONDS <= until]
                for key, of_key in rows.items()
            }
        return Draft.of(rows, known, progress.outlines, plan.limit_kw)

    async def _write(self, device: Device, draft: Draft, readings: Readings) -> int | None:
        """Write what differs; return how many rows did.

        `None` if it shows another meter: the whole history has to tell when that came.
        """
        ledger = self._ledger(device)
        changed = await ledger.async_write(draft.rows, draft.known)
        changed += await ledger.async_settle_costs(
            self._prices(device), _first_hour(readings), _now()
        )
        if self.progress.plan is not None:
            self.progress.outlines |= draft.outlines
            if draft.has_other_meters:
                return self._misfit(device)
        return changed

    async def _history(self, parts: Sequence[Readings], plan: Plan) -> Readings:
        """Return readings together; that of years takes too long for the event loop."""
        return await self._hass.async_add_executor_job(history_of, parts, plan, _now())

    async def _rows(self, readings: Readings, plan: Plan, known: Known, device: Device) -> Rows:
        """Return what readings mean."""
        prices = self._prices(device)
        expected = {*self.progress.outlines, *prices.cost, *prices.compensation}
        return await self._hass.async_add_executor_job(
            partial(rows_of, readings, plan, known=known, expected=expected, now=_now())
        )

    @callback
    def _misfit(self, device: Device) -> None:
        """Note that the recorder does not have what it should, or that there is another meter."""
        _LOGGER.info(
            "The statistics of %s do not fit to its registers any more:"
            " they are made right from the whole history",
            self._name(device),
        )
        self.progress.note_misfit()
        self._on_change()

    @callback
    def _note_failure(self, device: Device, err: OneMeterError) -> None:
        """Note that the history cannot be read; say so once."""
        if self.progress.failing_since is None:
            _LOGGER.info("The history of %s cannot be read for now: %s", self._name(device), err)
        self.progress.note_failure(err, at=dt_util.utcnow(), clock=self._hass.loop.time())

    def _percent_of(self, total: int) -> Callable[[int], None]:
        """Return what notes how many of all rows are right, while the import is not complete."""

        @callback
        def note(right: int) -> None:
            percent = COMPLETE * right // max(total, 1)
            if self.progress.plan is None and percent != self.progress.percent:
                self.progress.percent = percent
                self._on_change()

        return note

    def _plan(self, device: Device) -> Plan:
        return plan_for(device, _now(), multiply=self._account.coordinator.multiply)

    def _prices(self, device: Device) -> PriceLists:
        """Return what the owner pays and gets for energy."""
        subentry_id = self._account.coordinator.subentry_ids[device.id]
        stored = self._account.entry.subentries[subentry_id].data.get(CONF_PRICES, ())
        return price_lists(stored, dt_util.get_default_time_zone(), dt_util.utcnow())

    def _ledger(self, device: Device) -> Ledger:
        return Ledger(
            hass=self._hass,
            device_id=device.id,
            device_name=self._name(device),
            names=self._account.names,
        )

    def _name(self, device: Device) -> str:
        """Return what the owner calls a device."""
        registered = dr.async_get(self._hass).async_get_device_by_identifier(
            (DOMAIN, device.id), self._account.entry.entry_id
        )
        return (registered and (registered.name_by_user or registered.name)) or device.display_name


def _now() -> int:
    return int(dt_util.utcnow().timestamp())


def _first_hour(readings: Readings) -> int:
    """Return the hour of the first reading, or this one where there is none."""
    first = readings.times[0] if readings.times else _now()
    return first - first % HOUR_SECONDS
