"""One device is one device: what is wrong with its history is its own trouble."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from onemeter_server.models.records import DeviceRecord

from .clockwork import PAST_THE_NEXT_POLL, pass_in_one_step, settle
from .faults import Fault, FaultyCloud
from .local_cloud import HOUSE, HOUSE_ID, LocalCloud
from .meters import HOUR, QUARTER, assert_rows, expected_rows, readings, recorded, register
from .prices import cost_of, priced
from .registry import registered_device

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from tests.library.server import Request

    from .conftest import MakeEntry

pytestmark = pytest.mark.usefixtures("recorder_mock", "hass_storage")

LAST = int(datetime(2026, 11, 23, 10, 0, tzinfo=UTC).timestamp())
FIRST = LAST - 48 * HOUR
IDS = [f"5ba4b0f0-6c1e-4f6a-9d53-{number:012x}" for number in range(3)]
BROKEN = IDS[0]


def of_broken(request: Request) -> bool:
    """Tell whether a request is for the history of the broken device."""
    return request.path.endswith(f"{BROKEN}/readings")


async def live(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, cloud: LocalCloud, since: int, hours: int
) -> int:
    """Let all devices be read and polled for some hours; return the last reading."""
    last = since + hours * HOUR
    for time in range(since + QUARTER, last + 1, QUARTER):
        for device_id in IDS:
            await cloud.intake.take(device_id, readings([time]))
        freezer.move_to(datetime.fromtimestamp(time + 30, UTC))
        await pass_in_one_step(hass, freezer, timedelta(minutes=5))
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
    return last


@pytest.fixture
async def flats(empty_cloud: LocalCloud) -> LocalCloud:
    """A cloud with three flats that have been read for two days."""
    for number, device_id in enumerate(IDS):
        await empty_cloud.install(
            DeviceRecord(id=device_id, name=f"Flat {number}"),
            readings(range(FIRST, LAST + 1, QUARTER)),
        )
    return empty_cloud


@pytest.mark.parametrize(
    "fault",
    [
        Fault.DEVICE_GONE,
        Fault.INTERNAL_ERROR,
        Fault.FORBIDDEN,
        Fault.WEB_PAGE,
        Fault.HUGE_BODY,
        Fault.TEXT_FOR_NUMBERS,
        Fault.EMPTY_OBJECT,
        Fault.TOO_MANY_FOR_SECONDS,
        Fault.STALL,
    ],
    ids=lambda fault: fault.name.lower(),
)
async def test_a_history_that_cannot_be_read_stops_no_other_device(
    hass: HomeAssistant,
    flats: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    async with FaultyCloud.before(flats, pass_time=freezer.tick) as faulty:
        faulty.only, faulty.fault = of_broken, fault
        assert await hass.config_entries.async_setup(make_entry(faulty, *IDS).entry_id)
        await settle(hass, freezer)
        last = await live(hass, freezer, flats, LAST, 3)

        for device_id in IDS[1:]:
            assert_rows(await recorded(hass, device_id), expected_rows(FIRST, last))
        assert sum(map(of_broken, faulty.requests)) <= 7
        assert caplog.text.count("The history of Flat 0 cannot be read for now") == 1
        assert "The history of Flat 1 cannot" not in caplog.text
        assert list(await recorded(hass, BROKEN)) == list(range(LAST, last, HOUR))


async def test_a_history_that_cannot_be_read_is_asked_for_seldom_and_told_after_a_day(
    hass: HomeAssistant,
    flats: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with FaultyCloud.before(flats) as faulty:
        faulty.only, faulty.fault = of_broken, Fault.INTERNAL_ERROR
        assert await hass.config_entries.async_setup(make_entry(faulty, *IDS).entry_id)
        await settle(hass, freezer)
        last = await live(hass, freezer, flats, LAST, 30)

        assert sum(map(of_broken, faulty.requests)) <= 12
        seen = await recorded(hass, BROKEN)
        assert list(seen) == list(range(LAST, last, HOUR)), "what polls have brought"
        hour = last - 10 * HOUR
        assert seen[hour][1] - seen[hour - HOUR][1] == pytest.approx(
            register(hour + HOUR) - register(hour)
        )
        assert hass.states.get("sensor.flat_0_history_import").state == "0"
        assert {issue.translation_key for issue in ir.async_get(hass).issues.values()} == {
            "history_unreadable"
        }

        faulty.fault = None
        last = await live(hass, freezer, flats, last, 7)
        assert_rows(await recorded(hass, BROKEN), expected_rows(FIRST, last))
        assert ir.async_get(hass).issues == {}


async def test_what_polls_bring_goes_on_from_a_history_that_cannot_be_read_any_more(
    hass: HomeAssistant,
    flats: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with FaultyCloud.before(flats) as faulty:
        entry = make_entry(faulty, *IDS)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass, freezer)
        faulty.only, faulty.fault = of_broken, Fault.INTERNAL_ERROR
        assert await hass.config_entries.async_unload(entry.entry_id)
        away = LAST + 9 * HOUR
        for device_id in IDS:
            times = range(LAST + QUARTER, away + 1, QUARTER)
            await flats.intake.take(device_id, readings(times))
        freezer.move_to(datetime.fromtimestamp(away + 60, UTC))
        assert await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass, freezer)
        last = await live(hass, freezer, flats, away, 3)

        rows = await recorded(hass, BROKEN)
        expected = expected_rows(FIRST, last)
        assert rows.keys() == expected.keys()
        seen = [hour for hour in expected if hour < LAST or hour >= away]
        assert {hour: rows[hour] for hour in seen} == {
            hour: pytest.approx(expected[hour]) for hour in seen
        }
        assert all(before[1] <= after[1] for before, after in pairwise(rows.values()))


async def test_work_ends_with_its_entry_and_writes_nothing_old_after_it(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A user reads the whole history again, and corrects a price meanwhile."""
    await empty_cloud.install(HOUSE, readings(range(FIRST, LAST + 1, QUARTER)))
    async with FaultyCloud.before(empty_cloud) as faulty:
        entry = priced(hass, make_entry(faulty, HOUSE_ID), energy_import=2.0)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass, freezer)
        freezer.tick(timedelta(minutes=3))
        faulty.fault = Fault.STALL
        again = hass.async_create_task(
            hass.services.async_call(
                "onemeter",
                "import_history",
                {"device_id": registered_device(hass, HOUSE_ID)},
                blocking=True,
                return_response=True,
            )
        )
        await faulty.held.wait()
        faulty.fault = None
        priced(hass, entry, energy_import=0.5)
        with pytest.raises(HomeAssistantError) as raised:
            await asyncio.wait_for(again, 20)
        assert raised.value.translation_key == "unloaded"
        await settle(hass, freezer)
        await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

        cost = await cost_of(hass, HOUSE_ID)
        assert cost[max(cost)] == pytest.approx(0.5 * (register(LAST) - register(FIRST)))
