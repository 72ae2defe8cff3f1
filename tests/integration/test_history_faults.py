"""The history after a cloud that told something wrong for a while, or kept something back."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from sqlalchemy import text

from .clockwork import PAST_THE_NEXT_POLL, live_through, settle
from .faults import Fault, FaultyCloud
from .faults import readings as history_only
from .local_cloud import HOUSE, HOUSE_ID, LocalCloud
from .meters import HOUR, QUARTER, assert_rows, expected_rows, quarters, readings, recorded

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

pytestmark = pytest.mark.usefixtures("recorder_mock")

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
BEFORE = quarters(NOW - timedelta(days=3), NOW)
STEP = timedelta(minutes=1)


async def live_and_read(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, cloud: LocalCloud, time: timedelta
) -> int:
    """Let the time go on while the meter is read every quarter-hour; return the last reading."""
    end, last = dt_util.utcnow() + time, 0
    while dt_util.utcnow() < end:
        last = int(dt_util.utcnow().timestamp()) // QUARTER * QUARTER
        await cloud.intake.take(HOUSE_ID, readings([last]))
        await live_through(hass, freezer, timedelta(minutes=15), STEP)
    return last


@pytest.mark.parametrize(
    "fault",
    [
        Fault.REGISTERS_FALL,
        Fault.TEXT_FOR_NUMBERS,
        Fault.NULL_FOR_NUMBERS,
        Fault.NO_LAST_READING,
        Fault.READ_IN_TWO_DAYS,
        Fault.READ_IN_1970,
        Fault.INTERNAL_ERROR,
    ],
    ids=lambda fault: fault.name.lower(),
)
async def test_wrong_answers_for_hours_leave_no_trace_an_hour_later(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
) -> None:
    await empty_cloud.install(HOUSE, readings(BEFORE))
    async with FaultyCloud.before(empty_cloud, pass_time=freezer.tick) as faulty:
        await hass.config_entries.async_setup(make_entry(faulty, HOUSE_ID).entry_id)
        await settle(hass, freezer)
        await live_and_read(hass, freezer, empty_cloud, timedelta(hours=4, minutes=53))
        faulty.fault = fault
        await live_and_read(hass, freezer, empty_cloud, timedelta(hours=6, minutes=7))
        faulty.fault = None
        last = await live_and_read(hass, freezer, empty_cloud, timedelta(hours=1))
        await live_through(hass, freezer, PAST_THE_NEXT_POLL, STEP)

        assert_rows(await recorded(hass, HOUSE_ID), expected_rows(BEFORE[0], last))


async def test_gaps_of_every_few_hours_do_not_put_off_the_daily_look_at_the_last_week(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await empty_cloud.install(HOUSE, readings(BEFORE))
    start = BEFORE[0] + 24 * HOUR
    await empty_cloud.withheld.withhold(HOUSE_ID, start, start + 5 * HOUR)
    async with FaultyCloud.before(empty_cloud, pass_time=freezer.tick) as faulty:
        await hass.config_entries.async_setup(make_entry(faulty, HOUSE_ID).entry_id)
        await settle(hass, freezer)
        await empty_cloud.withheld.release(HOUSE_ID)
        asked = 0
        for _ in range(7):
            await live_and_read(hass, freezer, empty_cloud, timedelta(hours=3))
            faulty.fault = Fault.INTERNAL_ERROR
            await live_and_read(hass, freezer, empty_cloud, timedelta(hours=1))
            faulty.fault = None
            asked = sum(map(history_only, faulty.requests))
        last = await live_and_read(hass, freezer, empty_cloud, timedelta(hours=1))
        await live_through(hass, freezer, PAST_THE_NEXT_POLL, STEP)

        assert asked > 4, "the gaps were asked for"
        assert_rows(await recorded(hass, HOUSE_ID), expected_rows(BEFORE[0], last))


@pytest.mark.no_fail_on_log_exception
async def test_a_database_that_takes_no_rows_is_tried_again_with_growing_pauses(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def change_database(sql: str) -> None:
        def execute() -> None:
            engine = get_instance(hass).engine
            assert engine is not None
            with engine.begin() as connection:
                connection.execute(text(sql))

        await get_instance(hass).async_add_executor_job(execute)

    await empty_cloud.install(HOUSE, readings(BEFORE))
    await change_database(
        "CREATE TRIGGER refuse BEFORE INSERT ON statistics"
        " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    await hass.config_entries.async_setup(make_entry(empty_cloud, HOUSE_ID).entry_id)
    await settle(hass, freezer)
    await live_and_read(hass, freezer, empty_cloud, timedelta(hours=6))

    asked = sum(request.path.endswith("/readings") for request in empty_cloud.requests)
    assert 2 <= asked <= 8, "5, 10, 20, 40, 80, 160 minutes, each until the next poll"
    assert "The history of House waits" in caplog.text
    assert not await recorded(hass, HOUSE_ID)

    await change_database("DROP TRIGGER refuse")
    last = await live_and_read(hass, freezer, empty_cloud, timedelta(hours=6))
    await live_through(hass, freezer, PAST_THE_NEXT_POLL, STEP)
    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(BEFORE[0], last))
