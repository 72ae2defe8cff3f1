"""How the history of a device is read: all of it, or a part with what lies before it."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from custom_components.onemeter.history import reader
from custom_components.onemeter.history.reader import CONTEXT, HistoryReader, codes_of
from custom_components.onemeter.onemeter_cloud import (
    InvalidResponseError,
    OneMeterCloud,
    Priority,
)
from custom_components.onemeter.onemeter_cloud.models import parse_device
from custom_components.onemeter.onemeter_cloud.readings import joined

from .local_cloud import API_KEY, HOUSE, HOUSE_ID, LocalCloud
from .meters import quarters, readings

if TYPE_CHECKING:
    from custom_components.onemeter.history.reader import Part
    from custom_components.onemeter.onemeter_cloud import Device
    from custom_components.onemeter.onemeter_cloud.parsing import JSON

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
TIMES = quarters(NOW - timedelta(days=5), NOW)


def device(**registers: JSON) -> Device:
    """Return a device that reports these registers (named `r1_8_0`)."""
    values = {name[1:]: value for name, value in registers.items()}
    return parse_device({"_id": HOUSE_ID, "lastReading": {"OBIS": values}}, HOUSE_ID)


@pytest.fixture
async def cloud(empty_cloud: LocalCloud) -> LocalCloud:
    """A cloud with a house that was read for five days."""
    await empty_cloud.install(HOUSE, readings(TIMES))
    return empty_cloud


def reader_of(cloud: LocalCloud) -> HistoryReader:
    return HistoryReader(
        cloud=OneMeterCloud(API_KEY, base_url=cloud.url), priority=Priority.USER, max_wait=0
    )


def at(number: int) -> datetime:
    """Return when a reading was made."""
    return datetime.fromtimestamp(TIMES[number], UTC)


def times(part: Part) -> list[int]:
    return list(joined(*part.pieces).times)


async def test_a_history_longer_than_an_answer_takes_several(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_READINGS", len(TIMES))
    part = await reader_of(cloud).whole(device())
    assert times(part) == list(TIMES)
    assert len(cloud.requests) == 2


async def test_a_part_comes_with_two_days_before_it(cloud: LocalCloud) -> None:
    part = await reader_of(cloud).part(device(), at(300), None)
    assert times(part) == [time for time in TIMES if time >= (at(300) - CONTEXT).timestamp()]
    assert part.count == len(TIMES) - 300
    assert part.to_the_end
    assert len(cloud.requests) == 1


async def test_a_part_that_ends_long_ago_is_not_read_to_the_end(cloud: LocalCloud) -> None:
    part = await reader_of(cloud).part(device(), at(200), at(210))
    assert part.count == 11
    assert not part.to_the_end
    assert times(part)[-1] <= (at(210) + timedelta(days=1)).timestamp()


async def test_a_part_that_ends_in_a_hole_reaches_to_the_reading_after_it(
    cloud: LocalCloud,
) -> None:
    await cloud.withheld.withhold(HOUSE_ID, TIMES[10], TIMES[-3])
    part = await reader_of(cloud).part(device(), at(5), at(20))
    assert times(part) == [*TIMES[:10], *TIMES[-2:]]
    assert part.count == 5
    assert part.to_the_end, "it had to be read up to now"


async def test_a_part_that_starts_in_a_hole_reaches_back_to_the_readings_before_it(
    cloud: LocalCloud,
) -> None:
    await cloud.withheld.withhold(HOUSE_ID, TIMES[50], TIMES[399])
    part = await reader_of(cloud).part(device(), at(350), None)
    assert times(part) == [*TIMES[34:50], *TIMES[400:]]
    assert part.count == len(TIMES) - 400
    assert part.to_the_end


async def test_readings_without_numbers_are_no_answer(empty_cloud: LocalCloud) -> None:
    rows = [(time, {"1_8_0": "?", "C_1_0": "11722779"}) for time in TIMES]
    await empty_cloud.install(HOUSE, rows)
    with pytest.raises(InvalidResponseError):
        await reader_of(empty_cloud).whole(device(rC_1_0="11722779"))


def test_all_registers_are_asked_for_that_have_ever_fed_a_series() -> None:
    codes = codes_of(device(r15_8_0=1.0))
    assert {"1_8_0", "1_8_4", "2_8_0", "15_8_0", "15_8_1", "F_8_0", "F_8_4"} <= set(codes)


def test_the_serial_number_is_asked_for_where_the_device_has_one() -> None:
    assert "C_1_0" in codes_of(device(r1_8_0=1.0, rC_1_0="11722779"))
    assert "C_1_0" in codes_of(parse_device({"_id": HOUSE_ID, "meta": {"C_1_0": {}}}, HOUSE_ID))
    assert "C_1_0" not in codes_of(device(r1_8_0=1.0))
