"""Rows of hourly energy in Home Assistant's database, written in bulk and through its own call."""

import asyncio
import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from homeassistant.components.recorder.db_schema import Statistics
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_list_statistic_ids,
    get_last_statistics,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import RecorderTask, StopTask, SynchronizeTask
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util.dt import utc_from_timestamp
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from custom_components.onemeter.onemeter_cloud.history import HOUR_SECONDS, HourRow
from custom_components.onemeter.statistics import (
    WINDOW_HOURS,
    RecorderNotRunningError,
    Series,
    async_write,
    recorder_is_running,
)

from .recorder_postgres import postgres_database, postgres_programs, postgres_server
from .recorder_rows import Columns, Database, watched
from .recorder_variants import DIFFERENCES, async_write_beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from homeassistant.components.recorder.core import Recorder
    from homeassistant.core import HomeAssistant

    from .recorder_variants import Write

HOUSE = "onemeter:house_energy_import"
SERIES = Series(statistic_id=HOUSE, name="House energy import", unit="kWh", unit_class="energy")
BEGIN = 1_764_000_000


@pytest.fixture(autouse=True)
def _integration() -> None:
    """Let the time go on: the recorder lives in a thread of its own."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The socket's folder of a PostgreSQL server."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_server(programs) as socket:
        yield socket


@pytest.fixture(params=["sqlite", "postgresql"])
def recorder_db_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database for each test, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/home-assistant.db"
    else:
        with postgres_database(request.getfixturevalue("postgres"), "home_assistant") as url:
            yield url


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: object) -> None:
    """What the plugin asks for where a test has a recorder."""


@pytest.fixture
def database(recorder_mock: Recorder) -> Database:
    """The database of a running recorder."""
    return Database(recorder_mock.db_url)


@pytest.fixture(params=["in bulk", "publicly"])
def write(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Write:
    """What writes, in both of its ways."""
    return async_write if request.param == "in bulk" else publicly(monkeypatch)


only_sqlite = pytest.mark.parametrize("recorder_db_url", ["sqlite"], indirect=True)


def publicly(monkeypatch: pytest.MonkeyPatch) -> Write:
    return async_write_beside(monkeypatch, "no class of rows")


def hours(*numbers: int, more: float = 0.0) -> list[HourRow]:
    """Rows of some hours after the beginning, of a meter that counts half a kWh in an hour."""
    return [
        HourRow(BEGIN + number * HOUR_SECONDS, 4711.25 + number / 2 + more, number / 2 + more)
        for number in numbers
    ]


async def idle(hass: HomeAssistant) -> None:
    """Wait until the recorder has done all it was asked to do."""
    future = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(future))
    await future


async def write_as_home_assistant(hass: HomeAssistant, series: Series, rows: list[HourRow]) -> None:
    async_add_external_statistics(
        hass,
        StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=series.name,
            source="onemeter",
            statistic_id=series.statistic_id,
            unit_class=series.unit_class,
            unit_of_measurement=series.unit,
        ),
        [
            StatisticData(start=utc_from_timestamp(row.start), state=row.state, sum=row.sum)
            for row in rows
        ],
    )
    await idle(hass)


@dataclass(slots=True)
class Pause(RecorderTask):
    """Keeps the recorder busy until it is told to go on."""

    begun: asyncio.Event
    over: threading.Event

    def run(self, instance: Recorder) -> None:
        """Wait."""
        instance.hass.loop.call_soon_threadsafe(self.begun.set)
        self.over.wait()


async def pause(hass: HomeAssistant) -> threading.Event:
    """Keep the recorder busy until the event that is returned is set."""
    task = Pause(asyncio.Event(), threading.Event())
    get_instance(hass).queue_task(task)
    await task.begun.wait()
    return task.over


# --- What is written ------------------------------------------------------------------------------


async def test_new_rows_are_written_as_home_assistant_would(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    before = time.time()
    assert await write(hass, SERIES, hours(0, 1, 2)) == 3

    rows = database.rows(HOUSE)
    assert database.values(HOUSE) == [
        (BEGIN, 4711.25, 0.0),
        (BEGIN + 3600, 4711.75, 0.5),
        (BEGIN + 7200, 4712.25, 1.0),
    ]
    for row in rows:
        assert before <= row.pop("created_ts") <= time.time()
        filled = {name for name, value in row.items() if value is not None}
        assert filled == {"id", "metadata_id", "start_ts", "state", "sum"}
    [metadata] = database.metadata(HOUSE)
    del metadata["id"]
    assert metadata == {
        "statistic_id": HOUSE,
        "source": "onemeter",
        "name": "House energy import",
        "unit_of_measurement": "kWh",
        "unit_class": "energy",
        "has_sum": True,
        "has_mean": None,
        "mean_type": StatisticMeanType.NONE,
    }


async def test_rows_written_before_write_nothing(
    hass: HomeAssistant, database: Database, write: Write, recorder_mock: Recorder
) -> None:
    await write(hass, SERIES, hours(*range(100)))
    assert recorder_mock.engine is not None
    with watched(recorder_mock.engine) as statements:
        assert await write(hass, SERIES, hours(*range(100))) == 0

    assert statements.kinds == ["SELECT"]
    assert len(database.values(HOUSE)) == 100


async def test_only_rows_that_differ_are_touched(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    await write(hass, SERIES, hours(*range(10)))
    before = database.rows(HOUSE)
    database.execute("UPDATE statistics SET min = 1, max = 1, mean = 1, last_reset_ts = 1")

    rows = hours(*range(3)) + hours(3, 7, more=1.0) + hours(4, 5, 6, 8, 9, 10)
    assert await write(hass, SERIES, rows) == 3

    after = database.rows(HOUSE)
    touched = [number for number, row in enumerate(after) if row["min"] is None]
    assert touched == [3, 7, 10]
    for number in touched:
        assert [after[number][name] for name in ("max", "mean", "last_reset_ts")] == [None] * 3
    assert database.values(HOUSE) == sorted(rows)
    # Changed rows stay where they are, and as old as they are.
    for name in ("id", "created_ts"):
        assert [row[name] for row in after[:10]] == [row[name] for row in before]


async def test_a_row_without_values_is_filled(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    await write(hass, SERIES, hours(0, 1))
    database.execute("UPDATE statistics SET state = NULL")

    assert await write(hass, SERIES, hours(0, 1)) == 2
    assert database.values(HOUSE) == hours(0, 1)


@only_sqlite
@pytest.mark.parametrize(("more", "written"), [(1e-8, 0), (1e-5, 1), (-1e-5, 1)])
async def test_the_noise_of_additions_is_no_difference(
    hass: HomeAssistant, database: Database, write: Write, more: float, written: int
) -> None:
    await write(hass, SERIES, hours(0))

    assert await write(hass, SERIES, hours(0, more=more)) == written
    assert len(database.values(HOUSE)) == 1


async def test_the_order_of_the_rows_does_not_matter(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    rows = hours(*range(50))
    mixed = rows.copy()
    random.Random(4711).shuffle(mixed)  # noqa: S311 -- no secret

    assert await write(hass, SERIES, mixed) == 50
    assert database.values(HOUSE) == rows
    assert await write(hass, SERIES, rows) == 0


async def test_of_two_rows_of_an_hour_the_last_counts(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    assert await write(hass, SERIES, hours(0, 1) + hours(1, more=2.0)) == 2
    assert database.values(HOUSE) == hours(0) + hours(1, more=2.0)


@only_sqlite
async def test_rows_within_an_hour_are_refused(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    with pytest.raises(ValueError, match="whole hours"):
        await write(hass, SERIES, [*hours(0), HourRow(BEGIN + 1800, 1.0, 1.0)])
    assert database.values(HOUSE) == []


async def test_series_do_not_mix(hass: HomeAssistant, database: Database, write: Write) -> None:
    flat = replace(SERIES, statistic_id="onemeter:flat_energy_import", name="Flat energy import")
    await write(hass, SERIES, hours(*range(5)))
    await write(hass, flat, hours(*range(5), more=9.0))

    assert database.values(HOUSE) == hours(*range(5))
    assert database.values(flat.statistic_id) == hours(*range(5), more=9.0)


# --- Name and unit --------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [[0, 1], []], ids=["same rows", "no rows"])
async def test_name_and_unit_change_though_no_row_does(
    hass: HomeAssistant, database: Database, write: Write, numbers: list[int]
) -> None:
    await write(hass, SERIES, hours(0, 1))
    changed = replace(SERIES, name="Home energy cost", unit="PLN", unit_class=None)

    assert await write(hass, changed, hours(*numbers)) == 0

    [metadata] = database.metadata(HOUSE)
    assert metadata["name"] == "Home energy cost"
    assert metadata["unit_of_measurement"] == "PLN"
    assert metadata["unit_class"] is None
    assert database.values(HOUSE) == hours(0, 1)


@only_sqlite
async def test_a_statistic_can_be_made_before_it_has_rows(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    assert await write(hass, SERIES, []) == 0
    assert len(database.metadata(HOUSE)) == 1


@only_sqlite
async def test_a_statistic_that_was_removed_comes_back(
    hass: HomeAssistant, database: Database, write: Write
) -> None:
    await write(hass, SERIES, hours(0, 1))
    get_instance(hass).async_clear_statistics([HOUSE])

    assert await write(hass, SERIES, hours(0, 1)) == 2
    assert database.values(HOUSE) == hours(0, 1)


# --- What Home Assistant makes of it --------------------------------------------------------------


async def test_home_assistant_sees_the_rows(
    hass: HomeAssistant, recorder_mock: Recorder, write: Write
) -> None:
    await write(hass, SERIES, hours(0, 1))
    await write(hass, SERIES, hours(1, 2, more=1.0))

    found = await recorder_mock.async_add_executor_job(
        statistics_during_period,
        hass,
        utc_from_timestamp(BEGIN),
        None,
        {HOUSE},
        "hour",
        None,
        {"state", "sum", "change"},
    )
    assert [(row["start"], row["state"], row["sum"], row["change"]) for row in found[HOUSE]] == [
        (BEGIN, 4711.25, 0.0, 0.0),
        (BEGIN + 3600, 4712.75, 1.5, 1.5),
        (BEGIN + 7200, 4713.25, 2.0, 0.5),
    ]
    last = await recorder_mock.async_add_executor_job(
        partial(get_last_statistics, hass, 1, HOUSE, convert_units=True, types={"sum"})
    )
    assert [(row["start"], row["sum"]) for row in last[HOUSE]] == [(BEGIN + 7200, 2.0)]
    [listed] = await async_list_statistic_ids(hass, {HOUSE})
    assert listed["name"] == "House energy import"
    assert listed["statistics_unit_of_measurement"] == "kWh"


def comparable(rows: list[Columns]) -> list[Columns]:
    """Rows without what must differ between two series."""
    own = {"id", "metadata_id", "created_ts", "statistic_id"}
    return [{name: value for name, value in row.items() if name not in own} for row in rows]


async def test_whatever_is_written_both_ways_end_in_home_assistants_own_rows(
    hass: HomeAssistant, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(20_261_123)  # noqa: S311 -- no secret
    public_way = publicly(monkeypatch)
    for case in range(12):
        bulk, public, reference = (
            replace(SERIES, statistic_id=f"onemeter:case_{case}_{name}")
            for name in ("bulk", "public", "reference")
        )
        truth: dict[int, HourRow] = {}
        for _ in range(chance.randint(1, 6)):
            # Far apart or close together, new or known, now and then the very same.
            span = chance.choice([10, 40, 5 * WINDOW_HOURS])
            numbers = [chance.randrange(span) for _ in range(chance.randint(0, 25))]
            rows = hours(*numbers, more=chance.choice([0.0, 0.1, 1 / 3]))
            name, unit = chance.choice([("House", "kWh"), ("Home", "MWh")])
            differing = sum(
                truth.get(row.start) != row for row in {r.start: r for r in rows}.values()
            )
            written = [
                await write(hass, replace(series, name=name, unit=unit), rows)
                for write, series in ((async_write, bulk), (public_way, public))
            ]
            await write_as_home_assistant(hass, replace(reference, name=name, unit=unit), rows)
            assert written == [differing, differing]
            truth.update({row.start: row for row in rows})

        expected = [tuple(truth[start]) for start in sorted(truth)]
        assert database.values(bulk.statistic_id) == expected
        for read in (database.rows, database.metadata):
            own = comparable(read(reference.statistic_id))
            assert comparable(read(bulk.statistic_id)) == own
            assert comparable(read(public.statistic_id)) == own


# --- Windows --------------------------------------------------------------------------------------


async def test_other_tasks_get_through_between_windows(
    hass: HomeAssistant, recorder_mock: Recorder, write: Write
) -> None:
    rows = hours(0, 1, WINDOW_HOURS, 2 * WINDOW_HOURS)
    seen: list[int] = []
    dealt_with: list[int] = []

    @dataclass(slots=True)
    class Count(RecorderTask):
        def run(self, instance: Recorder) -> None:
            with session_scope(session=instance.get_session(), read_only=True) as session:
                seen.append(session.execute(select(func.count(Statistics.id))).scalar_one())

    def on_written(number: int) -> None:
        dealt_with.append(number)
        recorder_mock.queue_task(Count())

    assert await write(hass, SERIES, rows, on_written=on_written) == 4
    await idle(hass)
    assert dealt_with == [2, 3, 4]
    assert seen == [2, 3, 4]


async def test_a_few_rows_far_apart_do_not_read_all_between(
    hass: HomeAssistant, database: Database, recorder_mock: Recorder
) -> None:
    decades = 20 * 8766
    await async_write(hass, SERIES, hours(0, decades))
    assert recorder_mock.engine is not None
    with watched(recorder_mock.engine) as statements:
        await async_write(hass, SERIES, hours(0, decades, more=1.0))

    selects = [
        [number for number in numbers if number >= BEGIN]
        for kind, numbers in zip(statements.kinds, statements.numbers(), strict=True)
        if kind == "SELECT"
    ]
    assert len(selects) == 2
    for first, last in selects:
        assert last - first < WINDOW_HOURS * HOUR_SECONDS
    assert database.values(HOUSE) == hours(0, decades, more=1.0)


async def test_years_of_rows_take_few_statements(
    hass: HomeAssistant, database: Database, recorder_mock: Recorder
) -> None:
    rows = hours(*range(2 * WINDOW_HOURS))
    assert recorder_mock.engine is not None
    with watched(recorder_mock.engine) as statements:
        assert await async_write(hass, SERIES, rows) == len(rows)
    assert statements.kinds.count("SELECT") == 2
    assert statements.kinds.count("INSERT") <= 2 * 2

    changed = hours(*range(2 * WINDOW_HOURS), more=1.0)
    with watched(recorder_mock.engine) as statements:
        assert await async_write(hass, SERIES, changed) == len(rows)
    assert statements.kinds == ["SELECT", "UPDATE"] * 2
    assert database.values(HOUSE) == changed


# --- A recorder built differently -----------------------------------------------------------------


@only_sqlite
@pytest.mark.parametrize("difference", DIFFERENCES)
async def test_beside_another_recorder_the_public_call_is_used_and_that_is_said_once(
    hass: HomeAssistant,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    difference: str,
) -> None:
    write = async_write_beside(monkeypatch, difference)
    await write(hass, SERIES, hours(0, 1))
    await write(hass, SERIES, hours(1, 2, more=1.0))

    assert database.values(HOUSE) == hours(0) + hours(1, 2, more=1.0)
    warnings = [record for record in caplog.records if "slower public way" in record.message]
    assert [record.levelno for record in warnings] == [logging.WARNING]


@only_sqlite
async def test_this_recorder_is_built_as_expected(
    hass: HomeAssistant, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await async_write(hass, SERIES, hours(0))
    assert "slower public way" not in caplog.text
    assert database.values(HOUSE) == hours(0)


# --- When it fails --------------------------------------------------------------------------------


@pytest.mark.no_fail_on_log_exception
async def test_what_the_database_raises_reaches_the_caller_and_the_recorder_goes_on(
    hass: HomeAssistant, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await async_write(hass, SERIES, hours(0))
    database.execute("ALTER TABLE statistics RENAME TO elsewhere")
    with pytest.raises(DatabaseError):
        await async_write(hass, SERIES, hours(1))

    database.execute("ALTER TABLE elsewhere RENAME TO statistics")
    assert await async_write(hass, SERIES, hours(0, 1)) == 1
    assert database.values(HOUSE) == hours(0, 1)
    # The recorder treats it as an error of a task of its own: it could be a corrupt database.
    assert "Unhandled database error while processing task" in caplog.text


@pytest.mark.no_fail_on_log_exception
async def test_a_window_is_written_whole_or_not_at_all(
    hass: HomeAssistant, database: Database, recorder_mock: Recorder
) -> None:
    await async_write(hass, SERIES, hours(0, 1))
    database.execute("CREATE UNIQUE INDEX refused ON statistics (sum)")
    assert recorder_mock.engine is not None
    with watched(recorder_mock.engine) as statements, pytest.raises(DatabaseError):
        await async_write(hass, SERIES, hours(0, more=0.5) + hours(2, 3))

    await idle(hass)
    assert statements.kinds == ["SELECT", "INSERT", "UPDATE"]
    assert database.values(HOUSE) == hours(0, 1)


@pytest.mark.no_fail_on_log_exception
@pytest.mark.parametrize("recorder_db_url", ["postgresql"], indirect=True)
async def test_a_statistic_that_the_database_refuses_is_reported(
    hass: HomeAssistant, database: Database
) -> None:
    with pytest.raises(HomeAssistantError) as error:
        await async_write(hass, replace(SERIES, name="House" * 100), hours(0))
    assert error.value.translation_key == "statistic_not_taken"
    assert error.value.translation_placeholders == {"statistic_id": HOUSE}
    assert await async_write(hass, SERIES, hours(0)) == 1
    assert database.values(HOUSE) == hours(0)


async def test_without_a_recorder_nothing_is_written(hass: HomeAssistant) -> None:
    assert not recorder_is_running(hass)
    with pytest.raises(RecorderNotRunningError):
        await async_write(hass, SERIES, hours(0))


@only_sqlite
async def test_a_recorder_that_stopped_does_not_run(
    hass: HomeAssistant, recorder_mock: Recorder
) -> None:
    assert recorder_is_running(hass)
    recorder_mock.queue_task(StopTask())
    await hass.async_add_executor_job(recorder_mock.join)
    assert not recorder_is_running(hass)


@only_sqlite
async def test_a_recorder_that_stops_meanwhile_is_not_waited_for(
    hass: HomeAssistant, recorder_mock: Recorder, write: Write
) -> None:
    go_on = await pause(hass)
    recorder_mock.queue_task(StopTask())
    writing = hass.async_create_task(write(hass, SERIES, hours(0)))
    await asyncio.sleep(0)
    go_on.set()

    with pytest.raises(HomeAssistantError) as error:
        await writing
    assert error.value.translation_key == "no_recorder"


@only_sqlite
async def test_a_cancelled_write_leaves_nothing_behind(
    hass: HomeAssistant, database: Database, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = await pause(hass)
    writing = hass.async_create_background_task(write(hass, SERIES, hours(0)), "writing")
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()

    await idle(hass)
    assert database.values(HOUSE) == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert await write(hass, SERIES, hours(0)) == 1


@only_sqlite
@pytest.mark.no_fail_on_log_exception
@pytest.mark.parametrize("fails", [False, True])
async def test_what_comes_of_a_write_after_it_was_cancelled_disturbs_nobody(
    hass: HomeAssistant, database: Database, recorder_mock: Recorder, *, fails: bool
) -> None:
    await async_write(hass, SERIES, hours(0, 1))
    if fails:
        database.execute("CREATE UNIQUE INDEX refused ON statistics (sum)")
    assert recorder_mock.engine is not None
    with database.connected() as connection, watched(recorder_mock.engine) as statements:
        connection.execute(text("UPDATE statistics SET state = state"))
        rows = hours(0, more=0.5) + hours(2)
        writing = hass.async_create_background_task(async_write(hass, SERIES, rows), "writing")
        # The database is locked: the recorder waits in the midst of the window.
        while statements.kinds != ["SELECT", "INSERT"]:  # noqa: ASYNC110 -- seen in its thread
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    await idle(hass)
    assert database.values(HOUSE) == (hours(0, 1) if fails else sorted({*rows, *hours(1)}))
