"""Energy of the month, of the month before and of the last hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from onemeter_server.models.months import Month

from .conftest import DEVICE_ID, at

if TYPE_CHECKING:
    import httpx

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account, MovableClock

WARSAW = ZoneInfo("Europe/Warsaw")


async def usage_of(api: httpx.AsyncClient, kind: str = "usage") -> dict[str, float | None]:
    device = (await api.get(f"devices/{DEVICE_ID}")).json()
    usage: dict[str, float | None] = device[kind]
    return usage


async def test_months_are_counted_in_the_devices_time_zone(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        (at("2024-03-15T00:00:00Z"), {"1_8_0": 100}),
        # Midnight in Warsaw, summer time: the last of March and the last of April in UTC.
        (at("2024-03-31T22:00:00Z"), {"1_8_0": 130}),
        (at("2024-04-30T22:00:00Z"), {"1_8_0": 170.5}),
        (at("2024-04-30T22:15:00Z"), {"1_8_0": 171.5}),
        (at("2024-05-23T09:45:00Z"), {"1_8_0": 200}),
    )

    usage = await usage_of(api)

    assert usage["thisMonth"] == 29.5
    assert usage["previousMonth"] == 40.5
    assert usage["fullTime"] == 100


async def test_the_last_hour_ends_with_the_last_reading(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        (at("2024-05-20T08:30:00Z"), {"1_8_0": 10}),
        (at("2024-05-20T08:45:00Z"), {"1_8_0": 10.1}),
        (at("2024-05-20T09:45:00Z"), {"1_8_0": 10.58}),
    )

    assert (await usage_of(api))["lastHour"] == 0.48


async def test_a_month_begun_without_a_reader_counts_from_its_first_reading(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        (at("2024-05-10T00:00:00Z"), {"1_8_0": 10}),
        (at("2024-05-23T00:00:00Z"), {"1_8_0": 15}),
    )

    usage = await usage_of(api)

    assert usage["thisMonth"] == 5
    assert usage["previousMonth"] == 0


async def test_the_projection_goes_on_at_the_months_rate(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        (at("2024-04-30T22:00:00Z"), {"1_8_0": 0}),
        (at("2024-05-20T22:00:00Z"), {"1_8_0": 200}),
    )

    usage = await usage_of(api)

    assert usage["projection"] == 310
    assert usage["projectionFillRatio"] == 0.645


async def test_production_is_the_energy_given_back(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        (at("2024-05-10T00:00:00Z"), {"1_8_0": 10, "2_8_0": 1}),
        (at("2024-05-23T00:00:00Z"), {"1_8_0": 15, "2_8_0": 4}),
    )

    assert (await usage_of(api, "production"))["thisMonth"] == 3


async def test_the_main_register_is_what_usage_means(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, main_register="15_8_0", multiplier=40),
        (at("2024-05-10T00:00:00Z"), {"1_8_0": 10, "15_8_0": 1}),
        (at("2024-05-23T00:00:00Z"), {"1_8_0": 15, "15_8_0": 3}),
    )

    assert (await usage_of(api))["thisMonth"] == 2


async def test_a_reading_that_lacks_the_register_is_passed_over(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        (at("2024-05-10T00:00:00Z"), {"1_8_0": 10}),
        (at("2024-05-22T23:45:00Z"), {"1_8_0": "15.5"}),
        (at("2024-05-23T00:00:00Z"), {"S_1_1_9": 20}),
    )

    assert (await usage_of(api))["thisMonth"] == 5.5


async def test_a_replaced_meter_is_no_negative_usage(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    start = at("2024-05-10T00:00:00Z")
    old = [(start + 900 * number, {"1_8_0": 5000 + number}) for number in range(10)]
    new = [(start + 900 * (10 + number), {"1_8_0": 3 + number}) for number in range(10)]
    await account.add_device(record, *old, *new)

    usage = await usage_of(api)

    assert usage["thisMonth"] == 18
    assert usage["fullTime"] == 18
    assert usage["previousMonth"] == 0


async def test_usage_is_numbers_as_soon_as_there_are_readings(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(record, (at("2024-02-10T00:00:00Z"), {"1_8_0": 5000}))

    usage = await usage_of(api)

    assert {name: usage[name] for name in ("thisMonth", "previousMonth", "lastHour")} == {
        "thisMonth": 0,
        "previousMonth": 0,
        "lastHour": 0,
    }


async def test_months_turn_without_a_reading(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord, clock: MovableClock
) -> None:
    await account.add_device(
        record,
        (at("2024-05-10T00:00:00Z"), {"1_8_0": 10}),
        (at("2024-05-23T00:00:00Z"), {"1_8_0": 15}),
    )
    months = []
    for _ in range(3):
        usage = await usage_of(api)
        months.append((usage["thisMonth"], usage["previousMonth"]))
        clock.move(days=30)

    assert months == [(5, 0), (0, 5), (0, 0)]


@pytest.mark.parametrize(
    ("now", "previous", "start", "end"),
    [
        ("2024-01-01T00:00:00Z", (2023, 12), (2024, 1), (2024, 2)),
        ("2024-02-29T22:59:00Z", (2024, 1), (2024, 2), (2024, 3)),
        ("2024-02-29T23:00:00Z", (2024, 2), (2024, 3), (2024, 4)),
        ("2024-12-31T23:30:00Z", (2024, 12), (2025, 1), (2025, 2)),
    ],
)
def test_a_month_has_its_borders_at_local_midnight(
    now: str, previous: tuple[int, int], start: tuple[int, int], end: tuple[int, int]
) -> None:
    month = Month.of(at(now), WARSAW)

    for border, (year, number) in (
        (month.previous_start, previous),
        (month.start, start),
        (month.end, end),
    ):
        assert border == datetime(year, number, 1, tzinfo=WARSAW).timestamp()
