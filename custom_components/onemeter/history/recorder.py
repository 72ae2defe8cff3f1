"""Home Assistant's long-term statistics: reads rows, writes those that differ, waits until it is.

Only public calls of the recorder. It does one thing at a time, so rows go to it in pieces that keep
it busy for a sixth of a second or so: how many that are depends on Home Assistant's version and on
the machine, and is found out on the way.
"""

import asyncio
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_update_statistics_metadata,
    get_last_statistics,
    statistics_during_period,
)
from homeassistant.const import UnitOfEnergy
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.recorder import DATA_INSTANCE, get_instance
from homeassistant.util.dt import utc_from_timestamp
from homeassistant.util.unit_conversion import EnergyConverter

from ..const import DOMAIN
from ..onemeter_cloud.history import HOUR_SECONDS, HourRow, is_same

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence

    from homeassistant.core import HomeAssistant

    type Rows = Mapping[str, Sequence[HourRow]]

WINDOW_HOURS: Final = 2_160
"""Hours that are read at once: what years of history need of memory does not grow with them."""

FEWEST_ROWS: Final = 25
MOST_ROWS: Final = 5_000
"""Rows of a piece: the least, also before anything is known of the recorder's speed, and the most.
"""

SHORT: Final = 0.08
LONG: Final = 0.16
"""A piece that keeps the recorder busy for less than this (s) may grow, for more must shrink."""

CLOCK_TOLERANCE_SECONDS: Final = 48 * HOUR_SECONDS
"""How much later than now hours are that cannot be: the clock of this machine may be wrong."""

MOST_TRIES: Final = 3
"""How often rows are looked for that the database may have been too busy to take."""

RECORDER_CHECK: Final = timedelta(seconds=1)
"""How often a waiting caller looks whether the recorder's thread still lives."""

_UNITS: Final = {EnergyConverter.UNIT_CLASS: UnitOfEnergy.KILO_WATT_HOUR}


class RecorderError(HomeAssistantError):
    """The recorder does not do what it is asked to."""


class RecorderNotRunningError(RecorderError):
    """There is no recorder, or it has stopped: statistics cannot be written."""

    def __init__(self) -> None:
        """Say so in the language of the home."""
        super().__init__(translation_domain=DOMAIN, translation_key="no_recorder")


class StatisticNotTakenError(RecorderError):
    """The recorder did not write what it was given; why stands in its own log."""

    def __init__(self, statistic_id: str) -> None:
        """Say so in the language of the home."""
        super().__init__(
            translation_domain=DOMAIN,
            translation_key="statistic_not_taken",
            translation_placeholders={"statistic_id": statistic_id},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One external statistic.

    `statistic_id` is `onemeter:...`; `unit` is `kWh`, or Home Assistant's currency, such as `PLN`;
    `unit_class` is `energy`, or `None` for money.
    """

    statistic_id: str
    name: str
    unit: str
    unit_class: str | None


def recorder_is_running(hass: HomeAssistant) -> bool:
    """Return whether there is a recorder that takes on tasks."""
    instance = hass.data.get(DATA_INSTANCE)
    return instance is not None and instance.is_running


async def async_rows(
    hass: HomeAssistant, statistic_ids: Collection[str], start: int, end: int | None = None
) -> Rows:
    """Return the rows of the hours from `start` on, before `end` (epoch seconds), by their ids.

    Every id has its rows, in the order of time, none if the recorder has none. Rows without a
    register and a sum are none of ours and are left out.
    """
    if not recorder_is_running(hass):
        raise RecorderNotRunningError
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        utc_from_timestamp(start),
        None if end is None else utc_from_timestamp(end),
        set(statistic_ids),
        "hour",
        _UNITS,
        {"state", "sum"},
    )
    return {the_id: _hour_rows(found.get(the_id, ())) for the_id in statistic_ids}


async def async_windows(
    hass: HomeAssistant, statistic_ids: Collection[str], start: int, end: int
) -> AsyncIterator[tuple[int, int, Rows]]:
    """Yield all rows from `start` on, before `end`, window by window, with the windows' bounds."""
    for begin in range(start, end, WINDOW_HOURS * HOUR_SECONDS):
        until = min(begin + WINDOW_HOURS * HOUR_SECONDS, end)
        yield begin, until, await async_rows(hass, statistic_ids, begin, until)


async def async_last_rows(hass: HomeAssistant, statistic_id: str, count: int) -> list[HourRow]:
    """Return the newest rows of a statistic, in the order of time.

    They are fewer than asked for where there are no more, or some of them are none of ours.
    """
    if not recorder_is_running(hass):
        raise RecorderNotRunningError
    found = await get_instance(hass).async_add_executor_job(
        get_last_statistics,
        hass,
        count,
        statistic_id,
        False,  # noqa: FBT003 (the recorder's own way)
        {"sum"},
    )
    if not (newest := found.get(statistic_id)):
        return []
    # These are in whatever unit the owner has chosen for the statistic.
    start = int(min(row["start"] for row in newest))
    return [*(await async_rows(hass, [statistic_id], start))[statistic_id]]


def differing(rows: Iterable[HourRow], known: Iterable[HourRow]) -> list[HourRow]:
    """Return the rows that are not among those known."""
    by_start = {row.start: row for row in known}
    return [
        row
        for row in rows
        if (old := by_start.get(row.start)) is None
        or not (is_same(row.state, old.state) and is_same(row.sum, old.sum))
    ]


async def async_add(
    hass: HomeAssistant,
    statistic: Statistic,
    rows: Sequence[HourRow],
    *,
    on_added: Callable[[int], None] | None = None,
) -> int:
    """Write rows, one for an hour, whether or not there is one yet; return how many they were.

    The statistic's name and unit are brought up to date even without rows. `on_added` is called in
    the event loop with the number of rows written so far. Other work of the recorder's gets through
    between two pieces. A cancelled or failed call leaves whole pieces behind, and calling again
    completes them.

    Raises `RecorderNotRunningError` without a recorder, or when it stops meanwhile;
    `StatisticNotTakenError` when the database refuses the rows, which the recorder tells its log
    only; `ValueError` for a row that does not start at a whole hour (UTC).
    """
    for row in rows:
        if row.start % HOUR_SECONDS:
            raise ValueError(f"Statistics start at whole hours, not at {row.start}")
    done, size = 0, FEWEST_ROWS
    while True:
        piece = rows[done : done + size]
        took = await _import(hass, statistic, piece)
        if not await _are_written(hass, statistic.statistic_id, piece):
            raise StatisticNotTakenError(statistic.statistic_id)
        done += len(piece)
        size = _next_size(size, took)
        if on_added is not None:
            on_added(done)
        if done >= len(rows):
            return done


async def async_make_equal(
    hass: HomeAssistant,
    statistic: Statistic,
    rows: Sequence[HourRow],
    *,
    now: int,
    on_done: Callable[[int], None] | None = None,
) -> int:
    """Make a statistic equal to rows, in the order of time; return how many had to be written.

    Only rows that differ are written, as `async_add` does. Where there are rows besides them, also
    of days to come, the statistic is removed and written anew: a row cannot be taken away. Those
    between the last of the rows and `now` stay. `on_done` is called with how many rows are right.
    """
    if not rows:
        return 0
    different = await _differing_from_recorder(hass, statistic, rows, now)
    if different is None:
        await async_clear(hass, statistic.statistic_id)
        different = [*rows]
    right = len(rows) - len(different)
    return await async_add(
        hass,
        statistic,
        different,
        on_added=None if on_done is None else lambda added: on_done(right + added),
    )


async def _differing_from_recorder(
    hass: HomeAssistant, statistic: Statistic, rows: Sequence[HourRow], now: int
) -> list[HourRow] | None:
    """Return the rows that the recorder does not have; `None` if it has others that must go."""
    the_id = statistic.statistic_id
    begin, end = rows[0].start, rows[-1].start + HOUR_SECONDS
    before = await async_rows(hass, [the_id], 0, begin)
    to_come = await async_rows(hass, [the_id], max(end, now + CLOCK_TOLERANCE_SECONDS))
    if before[the_id] or to_come[the_id]:
        return None
    different: list[HourRow] = []
    left = 0
    async for _, until, known in async_windows(hass, [the_id], begin, end):
        right = bisect_left(rows, until, key=_start)
        window = rows[left:right]
        if {row.start for row in known[the_id]} - {row.start for row in window}:
            return None
        different += differing(window, known[the_id])
        left = right
    return different


async def async_clear(hass: HomeAssistant, statistic_id: str) -> None:
    """Remove a statistic with all its rows."""
    if not recorder_is_running(hass):
        raise RecorderNotRunningError
    done = _Done(hass)
    get_instance(hass).async_clear_statistics([statistic_id], on_done=done.from_thread)
    await done.wait()


def _start(row: HourRow) -> int:
    return row.start


def _next_size(size: int, seconds: float) -> int:
    """Return how many rows the next piece may have after one of `size` rows took so long."""
    if seconds < SHORT:
        size *= 2
    elif seconds > LONG:
        size = int(size * LONG / seconds)
    return min(max(size, FEWEST_ROWS), MOST_ROWS)


def _hour_rows(found: Iterable[Mapping[str, Any]]) -> list[HourRow]:
    return [
        HourRow(int(row["start"]), state, total)
        for row in found
        if (state := row.get("state")) is not None and (total := row.get("sum")) is not None
    ]


async def _import(hass: HomeAssistant, statistic: Statistic, rows: Sequence[HourRow]) -> float:
    """Bring name and unit up to date, write rows, wait until that is done; return the seconds."""
    if not recorder_is_running(hass):
        raise RecorderNotRunningError
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=statistic.name,
        source=DOMAIN,
        statistic_id=statistic.statistic_id,
        unit_class=statistic.unit_class,
        unit_of_measurement=statistic.unit,
    )
    await async_settled(hass, statistic.statistic_id)
    begin = time.monotonic()
    async_add_external_statistics(
        hass,
        metadata,
        [
            StatisticData(start=utc_from_timestamp(row.start), state=row.state, sum=row.sum)
            for row in rows
        ],
    )
    await async_settled(hass, statistic.statistic_id)
    return time.monotonic() - begin


async def _are_written(hass: HomeAssistant, statistic_id: str, rows: Sequence[HourRow]) -> bool:
    """Tell whether rows stand there that the recorder has been given.

    What a busy database did not take, it puts at the end of its queue to try again.
    """
    missing = [*rows]
    for _ in range(MOST_TRIES):
        if not (missing := await _differing_from_those_there(hass, statistic_id, missing)):
            return True
        await async_settled(hass, statistic_id)
    return False


async def _differing_from_those_there(
    hass: HomeAssistant, statistic_id: str, rows: Sequence[HourRow]
) -> list[HourRow]:
    """Return the rows, in any order, that the recorder does not have."""
    if not rows:
        return []
    begin, end = min(rows).start, max(rows).start + HOUR_SECONDS
    known: list[HourRow] = []
    async for _, _, window in async_windows(hass, [statistic_id], begin, end):
        known += window[statistic_id]
    return differing(rows, known)


async def async_settled(hass: HomeAssistant, statistic_id: str) -> None:
    """Wait until the recorder has done what it was asked to do before.

    An update of the metadata that changes nothing is the public call that reports back.
    """
    if not recorder_is_running(hass):
        raise RecorderNotRunningError
    done = _Done(hass)
    async_update_statistics_metadata(hass, statistic_id, on_done=done.from_thread)
    await done.wait()


class _Done:
    """What the recorder's thread reports, and the event loop waits for."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Wait for nothing yet."""
        self._hass = hass
        self._event = asyncio.Event()

    def from_thread(self) -> None:
        """Report, from the recorder's thread."""
        self._hass.loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        """Wait for the report, but not for a thread that has ended.

        A caller that is cancelled leaves only when the recorder has dealt with what it was given:
        whoever comes next must find it done. Only who is cancelled once more leaves at once.
        """
        waiting = asyncio.ensure_future(self._wait())
        try:
            await asyncio.wait([waiting])
        except asyncio.CancelledError:
            await asyncio.wait([waiting])
            raise
        if not waiting.result():
            raise RecorderNotRunningError

    async def _wait(self) -> bool:
        """Wait; return whether there was a report."""
        while not self._event.is_set():
            try:
                async with asyncio.timeout(RECORDER_CHECK.total_seconds()):
                    await self._event.wait()
            except TimeoutError:
                if not recorder_is_running(self._hass):
                    return False
        return True
