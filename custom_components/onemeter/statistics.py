"""Hourly rows to Home Assistant's long-term statistics: writes the rows that differ.

Home Assistant's own import sends two statements to the database for every row and holds the
recorder's thread meanwhile: minutes for years of history. So rows are written in bulk, by a task in
the recorder's thread, with the recorder's own session and table: one SELECT for a window, then one
bulk INSERT and one bulk UPDATE. The statistic itself (name, unit) is always left to the public
call. Where the recorder is not built as the bulk way expects, the rows go through the public call
as well, and end up the same, only later.
"""

# ruff: noqa: A005 -- within a package, and named after what Home Assistant calls it

import asyncio
import logging
import time
from annotationlib import Format
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from inspect import Signature, signature
from itertools import batched, groupby
from math import isclose
from typing import TYPE_CHECKING, Final, override

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_update_statistics_metadata,
    statistics_during_period,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.recorder import DATA_INSTANCE, get_instance, session_scope
from homeassistant.util.dt import utc_from_timestamp

from .const import DOMAIN
from .onemeter_cloud.history import HOUR_SECONDS, HourRow

_missing: str | None = None
try:
    from homeassistant.components.recorder.core import Recorder
    from homeassistant.components.recorder.db_schema import Statistics
    from homeassistant.components.recorder.statistics import get_metadata_with_session
    from homeassistant.components.recorder.tasks import RecorderTask
    from homeassistant.components.recorder.util import database_job_retry_wrapper
    from sqlalchemy import (
        ARRAY,
        BigInteger,
        Connection,
        Double,
        bindparam,
        func,
        insert,
        null,
        select,
        update,
    )
except ImportError as error:
    # Nothing but the bulk way needs these.
    _missing = str(error)
    RecorderTask = object  # type: ignore[assignment,misc] # so that the module can be imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from homeassistant.core import HomeAssistant

_LOGGER = logging.getLogger(__name__)

WINDOW_HOURS: Final = 1_500
"""Hours, so at most as many rows, of one transaction: the recorder does nothing else meanwhile."""
PUBLIC_CALL_ROWS: Final = 250
"""Rows in one public call, which takes as long as a whole window does in bulk."""
DATABASE_ATTEMPTS: Final = 3
"""How often a window is tried when the database reports a deadlock or a lock's timeout."""
RECORDER_CHECK: Final = timedelta(seconds=1)
"""How often a waiting caller looks whether the recorder's thread still lives."""

RELATIVE_TOLERANCE: Final = 1e-12
ABSOLUTE_TOLERANCE: Final = 1e-6
"""Values that differ by less are the same: another order of additions, not another reading."""

_COLUMNS: Final = frozenset(
    {
        "id",
        "created",
        "created_ts",
        "metadata_id",
        "start",
        "start_ts",
        "mean",
        "mean_weight",
        "min",
        "max",
        "last_reset",
        "last_reset_ts",
        "state",
        "sum",
    }
)


class RecorderNotRunningError(HomeAssistantError):
    """There is no recorder, or it has stopped: statistics cannot be written."""

    def __init__(self) -> None:
        """Say so in the language of the home."""
        super().__init__(translation_domain=DOMAIN, translation_key="no_recorder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
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


async def async_write(
    hass: HomeAssistant,
    series: Series,
    rows: Sequence[HourRow],
    *,
    on_written: Callable[[int], None] | None = None,
) -> int:
    """Write the rows that differ from the recorder's; return how many were new or changed.

    The statistic's name and unit are brought up to date even if no row differs. Rows may come in
    any order; of several rows of one hour the last counts. After each window `on_written` is called
    in the event loop with the number of rows dealt with so far. Other recorder tasks get through
    between two windows. A cancelled or failed call leaves whole windows behind, and calling again
    completes them.

    Raises `RecorderNotRunningError` without a recorder, or when it stops meanwhile; `ValueError`
    for a row that does not start at a whole hour (UTC); and what the database raises.
    """
    if not recorder_is_running(hass):
        raise RecorderNotRunningError
    for row in rows:
        if row.start % HOUR_SECONDS:
            raise ValueError(f"Statistics start at whole hours, not at {row.start}")
    write = _write_in_bulk if _bulk_is_possible() else _write_publicly
    written = dealt_with = 0
    for window in _windows(rows):
        written += await write(hass, series, window)
        dealt_with += len(window)
        if on_written is not None:
            on_written(dealt_with)
    return written


def _windows(rows: Iterable[HourRow]) -> Iterator[list[HourRow]]:
    """Yield the rows in the order of time, window by window; one empty window if there are none.

    The border is the time and not the number of rows: a few rows, years apart, must not make the
    recorder read all that lies between.
    """
    by_start = {row.start: row for row in rows}
    if not by_start:
        yield []
        return
    first = min(by_start)
    for _, starts in groupby(
        sorted(by_start), key=lambda start: (start - first) // (WINDOW_HOURS * HOUR_SECONDS)
    ):
        yield [by_start[start] for start in starts]


def _is_written(row: HourRow, state: float | None, total: float | None) -> bool:
    """Return whether the recorder's values are those of the row."""
    return (
        state is not None
        and total is not None
        and isclose(row.state, state, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
        and isclose(row.sum, total, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    )


def _metadata(series: Series) -> StatisticMetaData:
    return StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=series.name,
        source=DOMAIN,
        statistic_id=series.statistic_id,
        unit_class=series.unit_class,
        unit_of_measurement=series.unit,
    )


async def _outcome[T](hass: HomeAssistant, future: asyncio.Future[T]) -> T:
    """Wait for what the recorder's thread will set, but not for a thread that has ended."""
    try:
        while not future.done():
            await asyncio.wait((future,), timeout=RECORDER_CHECK.total_seconds())
            if not future.done() and not recorder_is_running(hass):
                raise RecorderNotRunningError
        return future.result()
    finally:
        future.cancel()


# --- In bulk --------------------------------------------------------------------------------------


@cache
def _bulk_is_possible() -> bool:
    """Return whether the recorder is built as the bulk way expects; if not, say so, once."""
    obstacle = _obstacle()
    if obstacle is not None:
        _LOGGER.warning(
            "This version of Home Assistant's recorder is built differently (%s): statistics are "
            "written through the slower public way",
            obstacle,
        )
    return obstacle is None


def _obstacle() -> str | None:
    """Return what is not as the bulk way expects it."""
    if _missing is not None:
        return _missing
    try:
        _signature(Recorder.get_session).bind(None)
        _signature(Recorder.queue_task).bind(None, None)
        _signature(get_metadata_with_session).bind(None, None, statistic_ids=set())
        _signature(database_job_retry_wrapper).bind("", 1)
        columns = frozenset(column.key for column in Statistics.__table__.columns)
    except (AttributeError, TypeError) as error:
        return str(error)
    if columns != _COLUMNS:
        return f"columns {', '.join(sorted(columns ^ _COLUMNS))}"
    return None


def _signature(function: Callable[..., object]) -> Signature:
    """Return a function's parameters, whose types may have been imported for type checkers only."""
    return signature(function, annotation_format=Format.STRING)


async def _write_in_bulk(hass: HomeAssistant, series: Series, rows: Sequence[HourRow]) -> int:
    """Write one window through a task of our own; return how many rows were new or changed."""
    future: asyncio.Future[int] = hass.loop.create_future()
    async_add_external_statistics(hass, _metadata(series), [])
    get_instance(hass).queue_task(_WriteTask(future, series.statistic_id, rows))
    return await _outcome(hass, future)


@dataclass(slots=True)
class _WriteTask(RecorderTask):
    """Writes one window in the recorder's thread."""

    future: asyncio.Future[int]
    statistic_id: str
    rows: Sequence[HourRow] = field(repr=False)

    @override
    def run(self, instance: Recorder) -> None:
        if self.future.done():
            return
        write = database_job_retry_wrapper("OneMeter statistics", DATABASE_ATTEMPTS)(_write_rows)
        try:
            written = write(instance, self.statistic_id, self.rows)
        except Exception as error:
            instance.hass.loop.call_soon_threadsafe(self._fail, error)
            # The recorder rolls back, or replaces a corrupt database, as after a task of its own.
            raise
        instance.hass.loop.call_soon_threadsafe(self._finish, written)

    def _finish(self, written: int) -> None:
        if not self.future.done():
            self.future.set_result(written)

    def _fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _write_rows(instance: Recorder, statistic_id: str, rows: Sequence[HourRow]) -> int:
    """Write the rows that differ, given in the order of time, in one transaction."""
    with session_scope(session=instance.get_session()) as session:
        found = get_metadata_with_session(instance, session, statistic_ids={statistic_id})
        if statistic_id not in found:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="statistic_not_taken",
                translation_placeholders={"statistic_id": statistic_id},
            )
        if not rows:
            return 0
        metadata_id, _ = found[statistic_id]
        connection = session.connection()
        window = connection.execute(
            select(Statistics.start_ts, Statistics.id, Statistics.state, Statistics.sum).where(
                Statistics.metadata_id == metadata_id,
                Statistics.start_ts.between(rows[0].start, rows[-1].start),
            )
        ).all()
        known = {start: (row_id, state, total) for start, row_id, state, total in window}
        new: list[HourRow] = []
        changed: list[tuple[int, HourRow]] = []
        for row in rows:
            if (old := known.get(row.start)) is None:
                new.append(row)
            elif not _is_written(row, old[1], old[2]):
                changed.append((old[0], row))
        if new:
            now = time.time()
            connection.execute(
                insert(Statistics),
                [
                    {
                        "metadata_id": metadata_id,
                        "created_ts": now,
                        "start_ts": float(row.start),
                        "state": row.state,
                        "sum": row.sum,
                    }
                    for row in new
                ],
            )
        if changed:
            _change_rows(connection, changed)
        return len(new) + len(changed)


def _change_rows(connection: Connection, changed: Sequence[tuple[int, HourRow]]) -> None:
    """Change rows, given with their ids."""
    emptied = dict.fromkeys(("mean", "min", "max", "last_reset_ts"), null())
    if connection.dialect.name != "postgresql":
        connection.execute(
            update(Statistics).where(Statistics.id == bindparam("row_id")).values(emptied),
            [{"row_id": row_id, "state": row.state, "sum": row.sum} for row_id, row in changed],
        )
        return
    # PostgreSQL's driver would send that row by row, each with a journey to the server and back.
    values = (
        func.unnest(
            bindparam("ids", [row_id for row_id, _ in changed], ARRAY(BigInteger)),
            bindparam("states", [row.state for _, row in changed], ARRAY(Double)),
            bindparam("sums", [row.sum for _, row in changed], ARRAY(Double)),
        )
        .table_valued("id", "state", "sum")
        .render_derived()
    )
    connection.execute(
        update(Statistics)
        .where(Statistics.id == values.c.id)
        .values({**emptied, "state": values.c.state, "sum": values.c.sum})
    )


# --- Through the public call ----------------------------------------------------------------------


async def _write_publicly(hass: HomeAssistant, series: Series, rows: Sequence[HourRow]) -> int:
    """Write one window through the public call; return how many rows were new or changed."""
    # Only after what is in the recorder's queue is done, the rows are those to compare with.
    await _add_publicly(hass, series, ())
    known = await _rows_of_window(hass, series.statistic_id, rows) if rows else {}
    different = [row for row in rows if not _is_written(row, *known.get(row.start, (None, None)))]
    for part in batched(different, PUBLIC_CALL_ROWS, strict=False):
        await _add_publicly(hass, series, part)
    return len(different)


async def _add_publicly(hass: HomeAssistant, series: Series, rows: Sequence[HourRow]) -> None:
    """Bring name and unit up to date, write rows, and wait until that is done."""
    async_add_external_statistics(
        hass,
        _metadata(series),
        [
            StatisticData(start=utc_from_timestamp(row.start), state=row.state, sum=row.sum)
            for row in rows
        ],
    )
    await _recorder_got_here(hass, series.statistic_id)


async def _rows_of_window(
    hass: HomeAssistant, statistic_id: str, rows: Sequence[HourRow]
) -> dict[int, tuple[float | None, float | None]]:
    """Return the recorder's values (state, sum) for the hours from the first row to the last."""
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        utc_from_timestamp(rows[0].start),
        utc_from_timestamp(rows[-1].start + HOUR_SECONDS),
        {statistic_id},
        "hour",
        None,
        {"state", "sum"},
    )
    return {
        int(row["start"]): (row.get("state"), row.get("sum")) for row in found.get(statistic_id, ())
    }


async def _recorder_got_here(hass: HomeAssistant, statistic_id: str) -> None:
    """Wait until the recorder has done what it was asked to do before.

    An update of the metadata that changes nothing is the public call that reports back.
    """
    future: asyncio.Future[None] = hass.loop.create_future()

    def finish() -> None:
        if not future.done():
            future.set_result(None)

    def finish_in_the_loop() -> None:
        hass.loop.call_soon_threadsafe(finish)

    async_update_statistics_metadata(hass, statistic_id, on_done=finish_in_the_loop)
    await _outcome(hass, future)
