"""Which statistics a device has, and how its history is read."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from custom_components.onemeter import reader
from custom_components.onemeter.onemeter_cloud import OneMeterCloud, Priority, Reading, Readings
from custom_components.onemeter.onemeter_cloud.models import parse_device
from custom_components.onemeter.reader import HistoryReader, joined, single
from custom_components.onemeter.series import energy_series, statistic_id

from .local_cloud import API_KEY, HOUSE, HOUSE_ID, LocalCloud
from .meters import QUARTER, quarters, readings

if TYPE_CHECKING:
    from custom_components.onemeter.onemeter_cloud import Device

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
TIMES = quarters(NOW - timedelta(days=2), NOW)


def device(main_register: str | None = None, **registers: float) -> Device:
    """Return a device that reports these registers (named `r1_8_0`)."""
    return parse_device(
        {
            "config": {"usageKeys": {"activeEnergy": main_register}},
            "lastReading": {"OBIS": {name[1:]: value for name, value in registers.items()}},
        },
        HOUSE_ID,
    )


def keys_and_codes(of: Device) -> list[tuple[str, str]]:
    return [(series.key, series.code) for series in energy_series(of)]


def test_import_export_and_tariffs_in_use() -> None:
    house = device(r1_8_0=3, r1_8_1=1, r1_8_2=2, r1_8_3=0, r2_8_0=0, r5_8_0=9)
    assert keys_and_codes(house) == [
        ("energy_import", "1_8_0"),
        ("energy_import_t1", "1_8_1"),
        ("energy_import_t2", "1_8_2"),
        ("energy_export", "2_8_0"),
    ]


def test_a_single_tariff_is_no_tariff() -> None:
    assert keys_and_codes(device(r1_8_0=3, r1_8_1=3, r1_8_2=0)) == [("energy_import", "1_8_0")]


@pytest.mark.parametrize("code", ["15_8_0", "F_8_0", "9_9_9"])
def test_without_its_register_import_is_the_main_one(code: str) -> None:
    assert keys_and_codes(device(code, **{f"r{code}": 1.0})) == [("energy_import", code)]


def test_tariffs_of_an_absolute_register_are_those_of_import() -> None:
    meter = device("15_8_0", r15_8_0=3, r15_8_1=1, r15_8_2=2)
    assert [key for key, _ in keys_and_codes(meter)] == [
        "energy_import",
        "energy_import_t1",
        "energy_import_t2",
    ]


def test_a_meter_that_only_exports_has_no_import() -> None:
    assert keys_and_codes(device("2_8_0", r2_8_0=3)) == [("energy_export", "2_8_0")]


def test_a_main_register_that_is_not_reported_is_no_series() -> None:
    assert keys_and_codes(device("15_8_0", r16_7_0=3)) == []


def test_ids_are_valid_for_home_assistant() -> None:
    assert statistic_id("5BA4-b0", "energy_import") == "onemeter:5ba4_b0_energy_import"


def test_readings_of_several_answers_are_joined_in_the_order_of_time() -> None:
    late = Readings(times=(20, 30), rows=({"a": 2}, {"a": 3}))
    early = Readings(times=(10, 20), rows=({"a": 1}, {"b": 5}))
    assert joined(late, early) == Readings(
        times=(10, 20, 30), rows=({"a": 1}, {"a": 2, "b": 5}, {"a": 3})
    )
    assert joined() == Readings(times=(), rows=())


def test_a_reading_from_tomorrow_is_none() -> None:
    assert single(Reading(date=datetime.now(UTC) + timedelta(days=1))).times == ()
    assert single(None).times == ()


@pytest.fixture
async def cloud(empty_cloud: LocalCloud) -> LocalCloud:
    """A cloud with a house that was read for two days."""
    await empty_cloud.install(HOUSE, readings(TIMES))
    return empty_cloud


def reader_of(cloud: LocalCloud) -> HistoryReader:
    return HistoryReader(
        cloud=OneMeterCloud(API_KEY, base_url=cloud.url),
        priority=Priority.USER,
        max_wait=0,
        always_with_neighbours=False,
    )


async def test_a_history_longer_than_an_answer_takes_several(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_READINGS", len(TIMES))
    part = await reader_of(cloud).everything(device(), ("1_8_0",))
    assert list(part.readings.times) == list(TIMES)
    assert len(cloud.requests) == 2


async def test_a_part_that_ends_in_a_hole_reaches_to_the_reading_after_it(
    cloud: LocalCloud,
) -> None:
    end = datetime.fromtimestamp(TIMES[20], UTC)
    await cloud.store.withhold(HOUSE_ID, TIMES[10], TIMES[-3])
    part = await reader_of(cloud).part(
        device(), ("1_8_0",), datetime.fromtimestamp(TIMES[5], UTC), end
    )
    assert list(part.readings.times) == [*TIMES[5:10], *TIMES[-2:]]
    assert part.count == 5
    assert part.to_the_end, "it had to be read up to now"


async def test_a_part_that_starts_in_a_hole_reaches_back_to_the_readings_before_it(
    cloud: LocalCloud,
) -> None:
    await cloud.store.withhold(HOUSE_ID, TIMES[50], TIMES[99])
    start = datetime.fromtimestamp(TIMES[60], UTC)
    part = await reader_of(cloud).part(device(), ("1_8_0",), start, None)
    assert list(part.readings.times) == [*TIMES[44:50], *TIMES[100:]]
    assert part.to_the_end
    assert part.count == len(TIMES) - 100
    assert TIMES[1] - TIMES[0] == QUARTER
