"""How often the cloud is asked in a day, whatever the number of devices."""

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from onemeter_server.models.records import DeviceRecord

from .clockwork import live_through
from .faults import Fault, FaultyCloud
from .local_cloud import FLAT_VALUES, HOUSE_ID, LocalCloud

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

MINUTE = timedelta(minutes=1)
ON_THE_WAY = timedelta(milliseconds=500)
TEN_SECONDS = timedelta(seconds=10)


def device_ids(count: int) -> list[str]:
    return [f"5ba4b0f0-6c1e-4f6a-9d53-{number:012x}" for number in range(count)]


@pytest.mark.parametrize(
    ("options", "fewest"), [({"update_interval": 15}, 90), ({}, 48)], ids=["fixed", "automatic"]
)
@pytest.mark.parametrize("count", [1, 5])
async def test_a_day_costs_at_most_a_hundred_requests_and_never_two_in_a_minute(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    count: int,
    options: dict[str, object],
    fewest: int,
) -> None:
    ids = device_ids(count)
    for device_id in ids:
        await empty_cloud.add(
            DeviceRecord(id=device_id, name=device_id, main_register="15_8_0"), FLAT_VALUES
        )
    entry = make_entry(empty_cloud, *ids, options=options)
    await hass.config_entries.async_setup(entry.entry_id)
    await live_through(hass, freezer, timedelta(days=1))

    times = [request.at for request in empty_cloud.requests]
    assert fewest <= len(times) <= 100
    assert min(later - earlier for earlier, later in pairwise(times)) >= MINUTE


@pytest.mark.parametrize(
    "fault",
    [Fault.TOO_MANY_FOR_SECONDS, Fault.UNAVAILABLE_FOR_SECONDS, Fault.TOO_MANY, Fault.BAD_GATEWAY],
    ids=lambda fault: fault.name.lower(),
)
async def test_a_day_without_answers_costs_no_more_however_soon_the_cloud_wants_us_back(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        entry = make_entry(faulty, HOUSE_ID)
        await hass.config_entries.async_setup(entry.entry_id)
        faulty.fault = fault
        for _ in range(4):
            await live_through(hass, freezer, timedelta(hours=6), step=MINUTE)
            await hass.config_entries.async_reload(entry.entry_id)

        assert len(faulty.requests) <= 100


async def test_polls_come_shortly_after_the_quarter_hour(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = make_entry(cloud, *device_ids(1), options={"update_interval": 15})
    await hass.config_entries.async_setup(entry.entry_id)
    await live_through(hass, freezer, timedelta(hours=2), step=TEN_SECONDS)

    polls = [request.at for request in cloud.requests[1:]]
    assert len(polls) == 8
    for poll in polls:
        assert poll.minute % 15 == 0
        assert 30 <= poll.second <= 59


async def test_with_one_minute_every_minute_is_polled(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = make_entry(cloud, *device_ids(1), options={"update_interval": 1})
    await hass.config_entries.async_setup(entry.entry_id)
    await live_through(hass, freezer, timedelta(minutes=30), step=timedelta(seconds=1))

    times = [request.at for request in cloud.requests]
    assert len(times) >= 29
    assert min(later - earlier for earlier, later in pairwise(times)) >= MINUTE - ON_THE_WAY
