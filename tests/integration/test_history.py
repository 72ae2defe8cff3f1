"""Every kilowatt-hour in the hour in which it was used, however and whenever it became known."""

import random
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.config_entries import ConfigEntryState
from homeassistant.util import dt as dt_util

from custom_components.onemeter.history.meaning import statistic_id
from custom_components.onemeter.history.reader import CONTEXT
from onemeter_server.models.records import DeviceRecord

from .clockwork import PAST_THE_NEXT_POLL, live_through, pass_in_one_step, settle
from .local_cloud import FLAT, FLAT_ID, HOUSE, HOUSE_ID, LocalCloud
from .meters import (
    HOUR,
    QUARTER,
    assert_rows,
    expected_rows,
    quarters,
    readings,
    recorded,
    register,
)
from .registry import registered_device

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

pytestmark = pytest.mark.usefixtures("recorder_mock")

EVERY_QUARTER_HOUR = {"update_interval": 15}
NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
INSTALLED = NOW - timedelta(days=10)
LAST = int(datetime(2026, 11, 23, 10, 0, tzinfo=UTC).timestamp())
FIRST = quarters(INSTALLED, NOW)[0]


async def install(
    cloud: LocalCloud,
    record: DeviceRecord = HOUSE,
    codes: tuple[str, ...] = ("1_8_0",),
    since: datetime = INSTALLED,
) -> None:
    """Give the cloud a device that has been read every quarter-hour since its installation."""
    await cloud.install(record, readings(quarters(since, NOW), codes))


async def set_up(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)


async def read_on(
    hass: HomeAssistant,
    cloud: LocalCloud,
    freezer: FrozenDateTimeFactory,
    hours: float,
    every: timedelta = timedelta(minutes=15),
) -> int:
    """Let the time go on while the reader reads every quarter-hour; return the last reading.

    The cloud gets what was read `every` so often.
    """
    end = dt_util.utcnow() + timedelta(hours=hours)
    since, last = dt_util.utcnow(), 0
    while since < end:
        await pass_in_one_step(hass, freezer, every)
        times = quarters(since, dt_util.utcnow())
        await cloud.intake.take(HOUSE_ID, readings(times))
        since, last = dt_util.utcnow(), times[-1]
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
    return last


def history_requests(cloud: LocalCloud) -> int:
    return sum(request.path.endswith("/readings") for request in cloud.requests)


async def test_the_whole_history_is_imported_with_one_request(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST))
    assert history_requests(empty_cloud) == 1
    assert hass.states.get("sensor.house_history_import").state == "100"


async def test_statistics_are_those_that_the_energy_dashboard_asks_for(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud, codes=("1_8_0", "1_8_1", "1_8_2", "2_8_0", "15_8_0"))
    await install(empty_cloud, record=FLAT, codes=("15_8_0",))
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID, FLAT_ID))

    listed = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    ours = {
        meta["statistic_id"]: (
            meta["name"],
            meta["display_unit_of_measurement"],
            meta["unit_class"],
            meta["has_sum"],
        )
        for meta in listed
        if meta["source"] == "onemeter"
    }
    energy = ("kWh", "energy", True)
    assert ours == {
        statistic_id(HOUSE_ID, "energy_import"): ("House energy import", *energy),
        statistic_id(HOUSE_ID, "energy_import_t1"): ("House energy import tariff 1", *energy),
        statistic_id(HOUSE_ID, "energy_import_t2"): ("House energy import tariff 2", *energy),
        statistic_id(HOUSE_ID, "energy_export"): ("House energy export", *energy),
        statistic_id(FLAT_ID, "energy_import"): ("Flat energy import", *energy),
    }
    assert_rows(await recorded(hass, FLAT_ID), expected_rows(FIRST, LAST, "15_8_0"))
    for key, code in (("energy_import_t2", "1_8_2"), ("energy_export", "2_8_0")):
        assert_rows(await recorded(hass, HOUSE_ID, key), expected_rows(FIRST, LAST, code))


async def test_a_main_register_that_is_neither_import_nor_export_has_its_own_series(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    record = DeviceRecord(id=HOUSE_ID, name="House", main_register="15_8_0")
    await install(empty_cloud, record, ("1_8_0", "15_8_0"))
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST))
    assert_rows(
        await recorded(hass, HOUSE_ID, "energy_absolute"), expected_rows(FIRST, LAST, "15_8_0")
    )


async def test_names_are_in_the_language_of_the_home(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    hass.config.language = "pl"
    await install(empty_cloud)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))

    listed = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    assert "House energia pobrana" in [meta["name"] for meta in listed]


async def test_polls_feed_the_newest_hours_without_another_request(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud)
    entry = make_entry(empty_cloud, HOUSE_ID, options=EVERY_QUARTER_HOUR)
    await set_up(hass, freezer, entry)
    last = await read_on(hass, empty_cloud, freezer, hours=5)

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, last))
    assert history_requests(empty_cloud) == 1


async def test_missed_readings_are_asked_for(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))
    await live_through(hass, freezer, timedelta(hours=6), step=timedelta(minutes=15))
    assert history_requests(empty_cloud) == 1

    # The phone comes by, and with it all of the last hours.
    await empty_cloud.intake.take(HOUSE_ID, readings(quarters(NOW, dt_util.utcnow())))
    last = quarters(NOW, dt_util.utcnow())[-1]
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, last))
    assert history_requests(empty_cloud) == 2


async def test_late_readings_land_in_the_hours_they_were_measured(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Three days are withheld and handed in later, while the newest reading does not move."""
    await install(empty_cloud)
    start, end = FIRST + 4 * 86400 + 7 * QUARTER, FIRST + 7 * 86400 + 5 * QUARTER
    await empty_cloud.withheld.withhold(HOUSE_ID, start, end)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))
    with_hole, whole = await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST)
    assert with_hole.keys() == whole.keys()
    assert with_hole[LAST - HOUR] == pytest.approx(whole[LAST - HOUR]), "nothing is lost"
    in_the_hole = start + 86400 - start % HOUR
    assert with_hole[in_the_hole] != pytest.approx(whole[in_the_hole]), "shared out over the hole"

    await empty_cloud.withheld.release(HOUSE_ID)
    last = await read_on(hass, empty_cloud, freezer, hours=25)

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, last))
    assert history_requests(empty_cloud) <= 3


async def test_readings_that_are_weeks_late_are_found_within_a_week(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    since = NOW - timedelta(days=50)
    await install(empty_cloud, since=since)
    start = quarters(since, NOW)[500]
    await empty_cloud.withheld.withhold(HOUSE_ID, start, start + 10 * 86400)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))
    await empty_cloud.withheld.release(HOUSE_ID)
    last = await read_on(hass, empty_cloud, freezer, hours=24 * 7 + 1, every=timedelta(hours=6))

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(quarters(since, NOW)[0], last))


@pytest.mark.parametrize("seed", range(4))
async def test_pieces_in_any_order_end_in_the_same_rows(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    seed: int,
) -> None:
    """What becomes known hour by hour, at random, ends as if it had been known at once."""
    rng = random.Random(seed)  # noqa: S311
    times = list(quarters(INSTALLED, NOW))
    await empty_cloud.install(HOUSE, readings([times[0], times[-1]]))
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))
    pieces = [times[at : at + 60] for at in range(0, len(times), 60)]
    rng.shuffle(pieces)
    for piece in pieces:
        await empty_cloud.intake.take(HOUSE_ID, readings(piece))
        start = dt_util.utc_from_timestamp(rng.choice([piece[0], piece[0] - 5000]))
        end = rng.choice([None, dt_util.utc_from_timestamp(piece[-1])])
        await import_history(hass, freezer, start, end)

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST))


async def import_history(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[str, int]:
    """Call the action as a user would; the time goes on until it is its turn."""
    span = {"start": start, "end": end}
    freezer.tick(timedelta(minutes=3))
    response = await hass.services.async_call(
        "onemeter",
        "import_history",
        {
            "device_id": registered_device(hass, HOUSE_ID),
            **{key: value.isoformat() for key, value in span.items() if value is not None},
        },
        blocking=True,
        return_response=True,
    )
    await settle(hass, freezer)
    return response


async def test_a_replaced_meter_goes_on_where_the_old_one_stopped(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    times = list(quarters(INSTALLED, NOW))
    replaced = times[400]
    new_meter = [
        (time, {"1_8_0": round(register(time) - register(replaced), 4)}) for time in times[400:]
    ]
    await empty_cloud.install(HOUSE, readings(times[:400]) + new_meter)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))

    rows = await recorded(hass, HOUSE_ID)
    lost = register(replaced) - register(times[399])
    assert rows[LAST - HOUR][0] == pytest.approx(register(LAST) - register(replaced))
    assert rows[LAST - HOUR][1] == pytest.approx(register(LAST) - register(FIRST) - lost)
    assert all(earlier[1] <= later[1] for earlier, later in pairwise(rows.values()))


async def test_a_meter_that_is_replaced_while_we_watch_goes_on_the_same_way(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))
    for step in range(8):
        time = LAST + QUARTER * (step + 1)
        await pass_in_one_step(hass, freezer, timedelta(minutes=15))
        await empty_cloud.intake.take(HOUSE_ID, [(time, {"1_8_0": step * 0.25})])
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

    rows = await recorded(hass, HOUSE_ID)
    state, total = rows[max(rows)]
    assert state == pytest.approx(7 * 0.25)
    assert total == pytest.approx(register(LAST) - register(FIRST) + 7 * 0.25)


async def test_a_wrong_reading_leaves_no_trace_once_it_is_known_to_be_wrong(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud)
    entry = make_entry(empty_cloud, HOUSE_ID, options=EVERY_QUARTER_HOUR)
    await set_up(hass, freezer, entry)
    await pass_in_one_step(hass, freezer, timedelta(minutes=15))
    await empty_cloud.intake.take(HOUSE_ID, [(LAST + QUARTER, {"1_8_0": 0.0})])
    await pass_in_one_step(hass, freezer, timedelta(minutes=15))
    for step in range(2, 20):
        time = LAST + QUARTER * step
        await empty_cloud.intake.take(HOUSE_ID, readings([time]))
        await pass_in_one_step(hass, freezer, timedelta(minutes=15))

    rows = await recorded(hass, HOUSE_ID)
    expected = expected_rows(FIRST, LAST + 19 * QUARTER)
    assert rows[LAST + HOUR] == pytest.approx(expected[LAST + HOUR])
    assert rows[LAST + 3 * HOUR] == pytest.approx(expected[LAST + 3 * HOUR])


async def test_the_transformer_ratio_applies_to_the_history(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud, record=DeviceRecord(id=HOUSE_ID, name="House", multiplier=40))
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID))

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST, factor=40))


async def test_an_answer_that_lacks_the_transformer_ratio_once_changes_nothing(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    record = DeviceRecord(id=HOUSE_ID, name="House", multiplier=40)
    await install(empty_cloud, record=record)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID, options=EVERY_QUARTER_HOUR))
    await empty_cloud.change(record, omit=("config", "initialReading"))
    await pass_in_one_step(hass, freezer, timedelta(minutes=15))
    await empty_cloud.change(record)
    await read_on(hass, empty_cloud, freezer, hours=1)

    rows = await recorded(hass, HOUSE_ID)
    expected = expected_rows(FIRST, LAST, factor=40)
    assert {hour: rows[hour] for hour in expected} == {
        hour: pytest.approx(values) for hour, values in expected.items()
    }
    assert history_requests(empty_cloud) == 1


async def test_another_transformer_ratio_applies_to_all_of_the_history(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud)
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID, options=EVERY_QUARTER_HOUR))
    await empty_cloud.change(HOUSE, multiplier=40)
    await live_through(hass, freezer, timedelta(minutes=35), step=timedelta(minutes=5))

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST, factor=40))


async def test_a_restart_does_not_read_the_whole_history_again(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud)
    entry = make_entry(empty_cloud, HOUSE_ID)
    await set_up(hass, freezer, entry)
    last = await read_on(hass, empty_cloud, freezer, hours=1)
    empty_cloud.requests.clear()
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, freezer)

    (request,) = [request for request in empty_cloud.requests if "/readings" in request.path]
    week = dt_util.utcnow() - timedelta(days=7) - CONTEXT
    assert f"from={week:%Y-%m-%d}" in request.query
    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, last))


async def test_an_import_that_was_broken_off_is_done_again(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await install(empty_cloud, codes=("1_8_0", "1_8_1", "1_8_2"))
    entry = make_entry(empty_cloud, HOUSE_ID)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await set_up(hass, freezer, entry)

    for key, code in (("energy_import", "1_8_0"), ("energy_import_t2", "1_8_2")):
        assert_rows(await recorded(hass, HOUSE_ID, key), expected_rows(FIRST, LAST, code))


@pytest.mark.parametrize("answer", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS])
async def test_a_cloud_that_refuses_or_is_away_is_asked_again_after_a_later_poll(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
    caplog: pytest.LogCaptureFixture,
    answer: HTTPStatus,
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await install(cloud)
        cloud.history_answers = answer
        entry = make_entry(cloud, HOUSE_ID)
        await set_up(hass, freezer, entry)
        await live_through(hass, freezer, timedelta(hours=1), step=timedelta(minutes=5))
        assert entry.state is ConfigEntryState.LOADED
        assert hass.states.get("sensor.house_history_import").state == "0"
        assert hass.states.get("sensor.house_energy_import").state == str(register(LAST))
        assert caplog.text.count("The history of House cannot be read for now") == 1

        cloud.history_answers = None
        await live_through(hass, freezer, timedelta(minutes=50), step=timedelta(minutes=5))
        assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST))
        assert hass.states.get("sensor.house_history_import").state == "100"


async def test_removing_the_account_leaves_the_history(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, object],
) -> None:
    await install(empty_cloud)
    entry = make_entry(empty_cloud, HOUSE_ID)
    await set_up(hass, freezer, entry)
    assert f"onemeter.{entry.entry_id}.history" in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(FIRST, LAST))
    assert f"onemeter.{entry.entry_id}.history" not in hass_storage


@pytest.mark.slow
async def test_a_normal_day_with_five_devices_costs_at_most_120_requests(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    ids = [f"5ba4b0f0-6c1e-4f6a-9d53-{number:012x}" for number in range(5)]
    for device_id in ids:
        await install(
            empty_cloud,
            DeviceRecord(id=device_id, name=device_id, main_register="15_8_0"),
            codes=("15_8_0",),
        )
    await set_up(hass, freezer, make_entry(empty_cloud, *ids))
    for _ in range(96):
        time = int(dt_util.utcnow().timestamp()) // QUARTER * QUARTER
        for device_id in ids:
            await empty_cloud.intake.take(device_id, readings([time], ["15_8_0"]))
        await live_through(hass, freezer, timedelta(minutes=15), step=timedelta(minutes=5))

    await live_through(hass, freezer, PAST_THE_NEXT_POLL, step=timedelta(minutes=5))

    for device_id in ids:
        assert_rows(await recorded(hass, device_id), expected_rows(FIRST, time, "15_8_0"))
    times = [request.at for request in empty_cloud.requests]
    assert len(times) <= 120
    # A minute, less what the time creeps on here while a request is on its way.
    assert min(later - earlier for earlier, later in pairwise(times[1:])) > timedelta(seconds=55)


@pytest.mark.slow
async def test_many_devices_whose_full_hours_are_always_missed_leave_most_of_the_budget(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Polled every hour, just before the full hour's readings are there: every poll shows gaps."""
    ids = [f"5ba4b0f0-6c1e-4f6a-9d53-{number:012x}" for number in range(24)]
    for device_id in ids:
        await install(
            empty_cloud,
            DeviceRecord(id=device_id, name=device_id, main_register="15_8_0"),
            codes=("15_8_0",),
            since=NOW - timedelta(days=1),
        )
    await set_up(hass, freezer, make_entry(empty_cloud, *ids, options={"update_interval": 60}))
    published, begin = LAST, dt_util.utcnow()
    while dt_util.utcnow() < begin + timedelta(hours=9):
        await live_through(hass, freezer, timedelta(minutes=5), step=timedelta(minutes=5))
        newest = int((dt_util.utcnow() - timedelta(minutes=4)).timestamp()) // QUARTER * QUARTER
        times = range(published + QUARTER, newest + 1, QUARTER)
        for device_id in ids:
            await empty_cloud.intake.take(device_id, readings(times, ["15_8_0"]))
        published = newest

    in_its_last_hours = [
        request
        for request in empty_cloud.requests
        if request.at >= begin + timedelta(hours=3) and request.path.endswith("/readings")
    ]
    assert 4 * 12 <= len(in_its_last_hours) <= 7 * 12
    asked = {request.path for request in in_its_last_hours}
    assert len(asked) == len(ids), "none is forgotten"
    first_hour = int(begin.timestamp()) // HOUR * HOUR
    hours = range(first_hour, first_hour + 5 * HOUR, HOUR)
    whole = expected_rows(quarters(NOW - timedelta(days=1), NOW)[0], published, "15_8_0")
    for device_id in ids:
        rows = await recorded(hass, device_id)
        assert [rows[hour] for hour in hours] == [pytest.approx(whole[hour]) for hour in hours]
