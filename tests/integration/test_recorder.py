"""Rows of hourly energy in Home Assistant's database, and what they are compared with there."""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.components.recorder import statistics
from homeassistant.components.recorder.db_schema import Statistics
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import (
    async_list_statistic_ids,
    async_update_statistics_metadata,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import RecorderTask, StopTask, SynchronizeTask
from homeassistant.helpers.recorder import get_instance, session_scope
from homeassistant.util.dt import utc_from_timestamp
from sqlalchemy import func, select, text

from custom_components.onemeter.history.recorder import (
    CLOCK_TOLERANCE_SECONDS,
    FEWEST_ROWS,
    LONG,
    MOST_ROWS,
    SHORT,
    WINDOW_HOURS,
    RecorderNotRunningError,
    Statistic,
    StatisticNotTakenError,
    _next_size,
    async_add,
    async_clear,
    async_last_rows,
    async_make_equal,
    async_rows,
    async_settled,
    async_windows,
    differing,
    recorder_is_running,
)
from custom_components.onemeter.onemeter_cloud.history import HOUR_SECONDS, HourRow
from tests.postgres import PostgresServer, needed_programs, postgres_server

from .recorder_rows import Database, watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from homeassistant.components.recorder.core import Recorder
    from homeassistant.core import HomeAssistant

HOUSE = "onemeter:house_energy_import"
ENERGY = Statistic(statistic_id=HOUSE, name="House energy import", unit="kWh", unit_class="energy")
BEGIN = 1_764_000_000
END = BEGIN + 10 * HOUR_SECONDS


@pytest.fixture(autouse=True)
def _integration() -> None:
    """Let the time go on: the recorder lives in a thread of its own."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with postgres_server(needed_programs()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def recorder_db_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database for each test, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/home-assistant.db"
    else:
        with request.getfixturevalue("postgres").database("home_assistant") as url:
            yield url


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: object) -> None:
    """What the plugin asks for where a test has a recorder."""


@pytest.fixture
def database(recorder_mock: Recorder) -> Database:
    """The database of a running recorder."""
    return Database(recorder_mock.db_url)


only_sqlite = pytest.mark.parametrize("recorder_db_url", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("recorder_db_url", ["postgresql"], indirect=True)


def hours(*numbers: int, more: float = 0.0) -> list[HourRow]:
    """Rows of some hours after the beginning, of a meter that counts half a kWh in an hour."""
    return [
        HourRow(BEGIN + number * HOUR_SECONDS, 4711.25 + number / 2 + more, number / 2 + more)
        for number in numbers
    ]


async def make_equal(hass: HomeAssistant, rows: list[HourRow], now: int = END) -> int:
    return await async_make_equal(hass, ENERGY, rows, now=now)


async def idle(hass: HomeAssistant) -> None:
    """Wait until the recorder has done all it was asked to do."""
    future = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(future))
    await future


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


async def test_new_rows_hold_a_register_and_a_sum_and_nothing_else(
    hass: HomeAssistant, database: Database
) -> None:
    before = time.time()
    assert await async_add(hass, ENERGY, hours(0, 1, 2)) == 3

    assert database.values(HOUSE) == [
        (BEGIN, 4711.25, 0.0),
        (BEGIN + 3600, 4711.75, 0.5),
        (BEGIN + 7200, 4712.25, 1.0),
    ]
    for row in database.rows(HOUSE):
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


async def test_rows_that_are_there_get_new_values_and_stay_where_they_are(
    hass: HomeAssistant, database: Database
) -> None:
    await async_add(hass, ENERGY, hours(*range(5)))
    before = database.rows(HOUSE)

    await async_add(hass, ENERGY, hours(3, 1, 7, more=1.0))

    assert database.values(HOUSE) == sorted(hours(0, 2, 4) + hours(1, 3, 7, more=1.0))
    for name in ("id", "created_ts"):
        assert [row[name] for row in database.rows(HOUSE)[:5]] == [row[name] for row in before]


@only_sqlite
async def test_the_order_of_the_rows_does_not_matter(
    hass: HomeAssistant, database: Database
) -> None:
    await async_add(hass, ENERGY, hours(*range(50, 100), *range(50)))
    assert database.values(HOUSE) == hours(*range(100))


@only_sqlite
async def test_rows_within_an_hour_are_refused(hass: HomeAssistant, database: Database) -> None:
    with pytest.raises(ValueError, match="whole hours"):
        await async_add(hass, ENERGY, [*hours(0), HourRow(BEGIN + 1800, 1.0, 1.0)])
    assert database.values(HOUSE) == []


async def test_series_do_not_mix(hass: HomeAssistant, database: Database) -> None:
    flat = replace(ENERGY, statistic_id="onemeter:flat_energy_import", name="Flat energy import")
    await async_add(hass, ENERGY, hours(*range(5)))
    await async_add(hass, flat, hours(*range(5), more=9.0))
    await async_make_equal(hass, flat, hours(*range(1, 5), more=8.0), now=END)

    assert database.values(HOUSE) == hours(*range(5))
    assert database.values(flat.statistic_id) == hours(*range(1, 5), more=8.0)


@pytest.mark.parametrize("numbers", [[0, 1], []], ids=["same rows", "no rows"])
async def test_name_and_unit_change_though_no_row_does(
    hass: HomeAssistant, database: Database, numbers: list[int]
) -> None:
    await async_add(hass, ENERGY, hours(0, 1))
    changed = replace(ENERGY, name="Home energy cost", unit="PLN", unit_class=None)

    assert await async_add(hass, changed, hours(*numbers)) == len(numbers)

    [metadata] = database.metadata(HOUSE)
    assert metadata["name"] == "Home energy cost"
    assert metadata["unit_of_measurement"] == "PLN"
    assert metadata["unit_class"] is None
    assert database.values(HOUSE) == hours(0, 1)


@only_sqlite
async def test_a_statistic_can_be_made_before_it_has_rows(
    hass: HomeAssistant, database: Database
) -> None:
    assert await async_add(hass, ENERGY, []) == 0
    assert len(database.metadata(HOUSE)) == 1


async def test_a_statistic_that_was_removed_comes_back(
    hass: HomeAssistant, database: Database
) -> None:
    await async_add(hass, ENERGY, hours(0, 1))
    await async_clear(hass, HOUSE)
    assert database.metadata(HOUSE) == []

    await async_add(hass, ENERGY, hours(0, 1))
    assert database.values(HOUSE) == hours(0, 1)


async def test_home_assistant_sees_the_rows(hass: HomeAssistant, recorder_mock: Recorder) -> None:
    await async_add(hass, ENERGY, hours(0, 1))
    await async_add(hass, ENERGY, hours(1, 2, more=1.0))

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
    [listed] = await async_list_statistic_ids(hass, {HOUSE})
    assert listed["name"] == "House energy import"
    assert listed["statistics_unit_of_measurement"] == "kWh"


# --- Pieces ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "seconds", "following"),
    [
        (100, SHORT / 2, 200),
        (100, SHORT, 100),
        (100, LONG, 100),
        (100, 2 * LONG, 50),
        (100, 100 * LONG, FEWEST_ROWS),
        (MOST_ROWS, 0.0, MOST_ROWS),
        (FEWEST_ROWS, 60.0, FEWEST_ROWS),
    ],
)
def test_a_piece_is_larger_after_a_fast_one_and_smaller_after_a_slow_one(
    size: int, seconds: float, following: int
) -> None:
    assert _next_size(size, seconds) == following


@pytest.mark.parametrize("rows_a_second", [20.0, 200.0, 1_000.0, 20_000.0, 1e6])
def test_however_fast_a_recorder_is_pieces_soon_take_as_long_as_they_may(
    rows_a_second: float,
) -> None:
    size, sizes = FEWEST_ROWS, []
    for _ in range(20):
        sizes.append(size)
        size = _next_size(size, size / rows_a_second)

    assert sizes[10:] == [size] * 10
    assert all(number / rows_a_second <= LONG or number == FEWEST_ROWS for number in sizes)
    assert size == MOST_ROWS or size * 2 / rows_a_second >= SHORT


async def test_other_tasks_get_through_between_pieces(
    hass: HomeAssistant, recorder_mock: Recorder
) -> None:
    seen: list[int] = []
    added: list[int] = []

    @dataclass(slots=True)
    class Count(RecorderTask):
        def run(self, instance: Recorder) -> None:
            with session_scope(session=instance.get_session(), read_only=True) as session:
                seen.append(session.execute(select(func.count(Statistics.id))).scalar_one())

    def on_added(number: int) -> None:
        added.append(number)
        recorder_mock.queue_task(Count())

    rows = hours(*range(4 * FEWEST_ROWS))
    assert await async_add(hass, ENERGY, rows, on_added=on_added) == len(rows)
    await idle(hass)

    assert added[0] == FEWEST_ROWS
    assert added[-1] == len(rows)
    assert seen == added == sorted(set(added))


# --- What is read ---------------------------------------------------------------------------------


async def test_rows_are_those_of_the_hours_from_the_start_on_before_the_end(
    hass: HomeAssistant, recorder_mock: Recorder
) -> None:
    await async_add(hass, ENERGY, hours(*range(6)))
    start, end = BEGIN + HOUR_SECONDS, BEGIN + 4 * HOUR_SECONDS

    assert await async_rows(hass, [HOUSE], start, end) == {HOUSE: hours(1, 2, 3)}
    assert await async_rows(hass, [HOUSE], start + 1, end + 1) == {HOUSE: hours(2, 3, 4)}
    assert await async_rows(hass, [HOUSE], start) == {HOUSE: hours(1, 2, 3, 4, 5)}
    assert await async_rows(hass, [HOUSE, "onemeter:none"], 0, BEGIN) == {
        HOUSE: [],
        "onemeter:none": [],
    }


@pytest.mark.parametrize("column", ["state", "sum"])
async def test_rows_without_a_register_or_a_sum_are_none_of_ours(
    hass: HomeAssistant, database: Database, column: str
) -> None:
    await async_add(hass, ENERGY, hours(*range(4)))
    # Every column comes from the two lists of this test.
    database.execute(
        f"UPDATE statistics SET {column} = NULL WHERE start_ts = {BEGIN + HOUR_SECONDS}"  # noqa: S608
    )

    assert await async_rows(hass, [HOUSE], 0) == {HOUSE: hours(0, 2, 3)}
    assert await make_equal(hass, hours(*range(4))) == 1
    assert database.values(HOUSE) == hours(*range(4))


async def test_windows_hold_every_row_once(hass: HomeAssistant, recorder_mock: Recorder) -> None:
    borders = (0, WINDOW_HOURS - 1, WINDOW_HOURS, 2 * WINDOW_HOURS - 1, 2 * WINDOW_HOURS)
    await async_add(hass, ENERGY, hours(*borders, 2 * WINDOW_HOURS + 1))
    end = BEGIN + (2 * WINDOW_HOURS + 1) * HOUR_SECONDS

    windows = [window async for window in async_windows(hass, [HOUSE], BEGIN, end)]

    assert [rows[HOUSE] for _, _, rows in windows] == [
        hours(0, WINDOW_HOURS - 1),
        hours(WINDOW_HOURS, 2 * WINDOW_HOURS - 1),
        hours(2 * WINDOW_HOURS),
    ]
    begins, ends = [begin for begin, _, _ in windows], [until for _, until, _ in windows]
    assert begins == [BEGIN, *ends[:-1]]
    assert ends[-1] == end


async def test_the_newest_rows_are_found_wherever_they_are(
    hass: HomeAssistant, recorder_mock: Recorder
) -> None:
    await async_add(hass, ENERGY, hours(0, 1, 50, 20_000))

    assert await async_last_rows(hass, HOUSE, 2) == hours(50, 20_000)
    assert await async_last_rows(hass, HOUSE, 9) == hours(0, 1, 50, 20_000)
    assert await async_last_rows(hass, "onemeter:none", 2) == []


async def test_energy_is_read_in_kwh_whatever_unit_the_owner_has_chosen(
    hass: HomeAssistant, database: Database
) -> None:
    await async_add(hass, ENERGY, hours(*range(4)))
    async_update_statistics_metadata(
        hass, HOUSE, new_unit_class="energy", new_unit_of_measurement="MWh"
    )
    await idle(hass)
    in_kwh = [HourRow(row.start, row.state * 1000, row.sum * 1000) for row in hours(*range(4))]

    assert await async_rows(hass, [HOUSE], 0) == {HOUSE: in_kwh}
    assert await async_last_rows(hass, HOUSE, 2) == in_kwh[-2:]

    # What is made right of it is in kWh again, with as many of them.
    await make_equal(hass, hours(*range(4)))
    assert await async_rows(hass, [HOUSE], 0) == {HOUSE: hours(*range(4))}
    [metadata] = database.metadata(HOUSE)
    assert metadata["unit_of_measurement"] == "kWh"


# --- What differs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("more", "differs"), [(1e-8, False), (1e-5, True), (-1e-5, True)])
def test_the_noise_of_additions_is_no_difference(more: float, differs: bool) -> None:  # noqa: FBT001
    row = hours(3, more=more)
    assert differing(row, hours(2, 3, 4)) == (row if differs else [])


def test_rows_differ_that_are_not_known_or_have_another_register_or_sum() -> None:
    known = hours(*range(4))
    rows = [known[0], known[1]._replace(state=1.0), known[2]._replace(sum=7.0), *hours(3, 4)]

    assert differing(rows, known) == [rows[1], rows[2], rows[4]]
    assert differing(rows, []) == rows


async def test_rows_that_are_right_are_not_written(
    hass: HomeAssistant, database: Database, recorder_mock: Recorder
) -> None:
    await async_add(hass, ENERGY, hours(*range(100)))
    assert recorder_mock.engine is not None
    with watched(recorder_mock.engine) as statements:
        assert await make_equal(hass, hours(*range(100))) == 0

    assert set(statements.kinds) == {"SELECT"}
    assert database.values(HOUSE) == hours(*range(100))


async def test_only_rows_that_differ_are_written(hass: HomeAssistant, database: Database) -> None:
    await async_add(hass, ENERGY, hours(*range(10)))
    before = database.rows(HOUSE)
    database.execute("UPDATE statistics SET min = 1")
    done: list[int] = []

    rows = sorted(hours(*range(3)) + hours(3, 7, more=1.0) + hours(4, 5, 6, 8, 9, 10))
    assert await async_make_equal(hass, ENERGY, rows, now=END, on_done=done.append) == 3

    after = database.rows(HOUSE)
    assert [number for number, row in enumerate(after) if row["min"] is None] == [3, 7, 10]
    assert [row["id"] for row in after[:10]] == [row["id"] for row in before]
    assert database.values(HOUSE) == rows
    assert done == [len(rows)]


async def test_a_difference_is_found_on_either_side_of_a_windows_border(
    hass: HomeAssistant, database: Database
) -> None:
    numbers = (0, WINDOW_HOURS - 1, WINDOW_HOURS, 2 * WINDOW_HOURS)
    now = BEGIN + 3 * WINDOW_HOURS * HOUR_SECONDS
    await async_add(hass, ENERGY, hours(*numbers))
    rows = [*hours(0), *hours(*numbers[1:], more=1.0)]

    assert await make_equal(hass, rows, now) == 3
    assert database.values(HOUSE) == rows


@pytest.mark.parametrize(
    "besides",
    [
        pytest.param(-1, id="before"),
        pytest.param(-5_000, id="long before"),
        pytest.param(2, id="between"),
        pytest.param(10 + CLOCK_TOLERANCE_SECONDS // HOUR_SECONDS, id="of days to come"),
        pytest.param(50_000, id="of years to come"),
    ],
)
async def test_a_statistic_with_rows_that_must_go_is_written_anew(
    hass: HomeAssistant, database: Database, besides: int
) -> None:
    await async_add(hass, ENERGY, hours(0, 1, 3, 4, besides))
    done: list[int] = []

    rows = hours(0, 1, 3, 4)
    assert await async_make_equal(hass, ENERGY, rows, now=END, on_done=done.append) == 4

    assert database.values(HOUSE) == rows
    assert done == [4]


async def test_rows_after_the_last_one_stay_for_they_are_newer(
    hass: HomeAssistant, database: Database
) -> None:
    newest = 10 + CLOCK_TOLERANCE_SECONDS // HOUR_SECONDS - 1
    await async_add(hass, ENERGY, hours(0, 1, 2, 9, newest))

    assert await make_equal(hass, hours(0, 1, 2, more=1.0)) == 3
    assert database.values(HOUSE) == hours(0, 1, 2, more=1.0) + hours(9, newest)


@only_sqlite
async def test_where_there_are_no_rows_nothing_is_touched(
    hass: HomeAssistant, database: Database
) -> None:
    assert await make_equal(hass, []) == 0
    assert database.metadata(HOUSE) == []


# --- When it fails --------------------------------------------------------------------------------


@pytest.mark.no_fail_on_log_exception
async def test_rows_that_the_database_refuses_are_reported_and_the_recorder_goes_on(
    hass: HomeAssistant, database: Database
) -> None:
    await async_add(hass, ENERGY, hours(0))
    database.execute("ALTER TABLE statistics RENAME COLUMN state TO elsewhere")
    database.execute("ALTER TABLE statistics ADD COLUMN state TEXT CHECK (state = 'never')")
    with pytest.raises(StatisticNotTakenError) as error:
        await async_add(hass, ENERGY, hours(1))
    assert error.value.translation_key == "statistic_not_taken"
    assert error.value.translation_placeholders == {"statistic_id": HOUSE}

    database.execute("ALTER TABLE statistics DROP COLUMN state")
    database.execute("ALTER TABLE statistics RENAME COLUMN elsewhere TO state")
    await async_add(hass, ENERGY, hours(1))
    assert database.values(HOUSE) == hours(0, 1)


@pytest.mark.no_fail_on_log_exception
async def test_a_single_row_that_the_database_refuses_is_reported(
    hass: HomeAssistant, database: Database
) -> None:
    await async_add(hass, ENERGY, hours(0, 1))
    database.execute("CREATE UNIQUE INDEX refused ON statistics (sum)")
    # The recorder goes on with the others, where the database lets it.
    with pytest.raises(StatisticNotTakenError):
        await async_add(hass, ENERGY, hours(0, more=0.5) + hours(2, 3))

    assert database.values(HOUSE)[:2] == hours(0, 1)


@pytest.mark.no_fail_on_log_exception
@only_postgresql
async def test_a_statistic_that_the_database_refuses_is_reported(
    hass: HomeAssistant, database: Database
) -> None:
    with pytest.raises(StatisticNotTakenError):
        await async_add(hass, replace(ENERGY, name="House" * 100), hours(0))
    await async_add(hass, ENERGY, hours(0))
    assert database.values(HOUSE) == hours(0)


@only_sqlite
async def test_what_a_busy_database_takes_later_is_waited_for(
    hass: HomeAssistant, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, tries = statistics.import_statistics, []

    def give_way_once(*arguments: Any) -> bool:
        """Do what the recorder does when MariaDB, which is not at hand, reports a deadlock."""
        tries.append(arguments)
        return len(tries) > 1 and write(*arguments)

    monkeypatch.setattr(statistics, "import_statistics", give_way_once)

    assert await async_add(hass, ENERGY, hours(0, 1)) == 2
    assert database.values(HOUSE) == hours(0, 1)


async def test_without_a_recorder_nothing_is_read_or_written(hass: HomeAssistant) -> None:
    assert not recorder_is_running(hass)
    for asked in (
        async_add(hass, ENERGY, hours(0)),
        make_equal(hass, hours(0)),
        async_rows(hass, [HOUSE], 0),
        async_last_rows(hass, HOUSE, 1),
        async_clear(hass, HOUSE),
        async_settled(hass, HOUSE),
    ):
        with pytest.raises(RecorderNotRunningError) as error:
            await asked
        assert error.value.translation_key == "no_recorder"


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
    hass: HomeAssistant, recorder_mock: Recorder
) -> None:
    go_on = await pause(hass)
    recorder_mock.queue_task(StopTask())
    writing = hass.async_create_task(async_add(hass, ENERGY, hours(0)))
    await asyncio.sleep(0)
    go_on.set()

    with pytest.raises(RecorderNotRunningError):
        await writing


# --- When the caller is cancelled -----------------------------------------------------------------


@only_sqlite
async def test_who_is_cancelled_before_the_recorder_has_its_rows_writes_none(
    hass: HomeAssistant, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = await pause(hass)
    writing = hass.async_create_background_task(async_add(hass, ENERGY, hours(0)), "writing")
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.sleep(0)
    assert not writing.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing

    await idle(hass)
    assert database.values(HOUSE) == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@only_sqlite
async def test_who_is_cancelled_while_the_recorder_writes_leaves_when_it_is_done(
    hass: HomeAssistant, database: Database, recorder_mock: Recorder
) -> None:
    await async_add(hass, ENERGY, hours(0))
    assert recorder_mock.engine is not None
    rows = hours(*range(3 * FEWEST_ROWS), more=0.5)
    with database.connected() as connection, watched(recorder_mock.engine) as statements:
        connection.execute(text("UPDATE statistics SET state = state"))
        writing = hass.async_create_background_task(async_add(hass, ENERGY, rows), "writing")
        # The database is locked: the recorder waits in the midst of the piece.
        while not {"INSERT", "UPDATE"}.intersection(statements.kinds):  # noqa: ASYNC110
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.sleep(0)
        assert not writing.done()
    with pytest.raises(asyncio.CancelledError):
        await writing

    written = database.values(HOUSE)
    assert written == rows[:FEWEST_ROWS]
    await idle(hass)
    assert database.values(HOUSE) == written


@only_sqlite
async def test_who_is_cancelled_stays_so_though_the_recorder_stops(
    hass: HomeAssistant, recorder_mock: Recorder
) -> None:
    go_on = await pause(hass)
    recorder_mock.queue_task(StopTask())
    writing = hass.async_create_background_task(async_add(hass, ENERGY, hours(0)), "writing")
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.sleep(0)
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await writing
