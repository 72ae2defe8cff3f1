"""`devices/{id}/export/{data}/{aggregation}/data`: its periods, its parameters, its meta."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from onemeter_server.models.dates import format_epoch
from onemeter_server.models.register_meta import register_meta

from .conftest import DEVICE_ID, KEY, asking, at

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account

QUARTER = 900
HOUR = 3600

# Midnight in Warsaw, in summer.
START = at("2024-05-22T22:00:00Z")


@pytest.fixture
async def device(account: Account, record: DeviceRecord) -> DeviceRecord:
    """Give a device three days of quarter-hours: 0.25 kWh each, with a hole in the second day."""
    quarters = [number for number in range(3 * 96 + 3) if not 110 < number < 130]
    await account.add_device(
        replace(record, multiplier=30),
        *(
            (
                START + QUARTER * i,
                {"1_8_0": 100 + i / 4, "S_1_1_2": 2.9} | ({} if i % 2 else {"2_8_0": i}),
            )
            for i in quarters
        ),
    )
    return record


async def ask(api: httpx.AsyncClient, path: str, **query: object) -> Any:
    answer = await api.get(f"devices/{DEVICE_ID}/export/{path}/data", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def hours(answer: Any) -> list[float]:
    """Return when the periods of an answer start, in hours after the first one."""
    return [(at(row["date"]) - START) / HOUR for row in answer["readings"]]


def values(answer: Any, code: str = "1_8_0") -> list[Any]:
    return [row.get(code) for row in answer["readings"]]


@pytest.mark.usefixtures("device")
async def test_readings_are_the_registers_at_the_start_of_each_period(
    api: httpx.AsyncClient,
) -> None:
    assert (await ask(api, "readings/day"))["readings"] == [
        {"date": "2024-05-22T22:00:00.000Z", "1_8_0": 100.0, "2_8_0": 0, "S_1_1_2": 2.9},
        {"date": "2024-05-23T22:00:00.000Z", "1_8_0": 124.0, "2_8_0": 96, "S_1_1_2": 2.9},
        {"date": "2024-05-24T22:00:00.000Z", "1_8_0": 148.0, "2_8_0": 192, "S_1_1_2": 2.9},
        {"date": "2024-05-25T22:00:00.000Z", "1_8_0": 172.0, "2_8_0": 288, "S_1_1_2": 2.9},
    ]


@pytest.mark.usefixtures("device")
async def test_usages_are_what_is_counted_in_each_period(api: httpx.AsyncClient) -> None:
    assert (await ask(api, "usages/day"))["readings"] == [
        {"date": "2024-05-22T22:00:00.000Z", "1_8_0": 24.0, "2_8_0": 96.0},
        {"date": "2024-05-23T22:00:00.000Z", "1_8_0": 24.0, "2_8_0": 96.0},
        {"date": "2024-05-24T22:00:00.000Z", "1_8_0": 24.0, "2_8_0": 96.0},
    ]


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(("aggregation", "hourly"), [("quarter", 4), ("hour", 1)])
async def test_periods_are_as_long_as_asked_for(
    api: httpx.AsyncClient, aggregation: str, hourly: int
) -> None:
    answer = await ask(api, f"usages/{aggregation}", limit=3)

    assert hours(answer) == [0, 1 / hourly, 2 / hourly]
    assert values(answer) == [1 / hourly] * 3


@pytest.mark.usefixtures("device")
async def test_meta_says_what_the_rows_hold(api: httpx.AsyncClient) -> None:
    answer = await ask(api, "usages/hour", skip=1, limit=2, codes="1_8_0", locale="pl")

    assert answer["meta"] == {
        "keys": ["1_8_0"],
        "range": {"from": "2024-05-22T23:00:00.000Z", "to": "2024-05-23T00:00:00.000Z"},
        "count": 72,
        "OBIS": {"1_8_0": register_meta("1_8_0", "pl")},
    }


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": 2}, [0, 1]),
        ({"skip": 69}, [69, 70, 71]),
        ({"sort": "descending", "limit": 2}, [71, 70]),
        ({"sort": "descending", "skip": 70}, [1, 0]),
        ({"from": "2024-05-25T19:00:00Z"}, [69, 70, 71]),
        ({"from": "2024-05-25T18:59:59Z"}, [69, 70, 71]),
        ({"from": "2024-05-25T19:00:01Z"}, [70, 71]),
        ({"from": "2024-05-25T21:00:00"}, [69, 70, 71]),
        ({"to": "2024-05-23T00:00:00.000Z"}, [0, 1]),
        ({"to": "2024-05-22T23:59:59.999Z"}, [0, 1]),
        ({"from": "2024-05-23T03:00", "to": "2024-05-23T05:00"}, [3, 4]),
        ({"from": "2024-05-23T03:00", "to": "2024-05-23T05:00", "sort": "descending"}, [4, 3]),
        ({"columns": "2_8_0", "limit": 1}, [0]),
    ],
)
async def test_a_query_picks_periods(
    api: httpx.AsyncClient, query: dict[str, object], expected: list[int]
) -> None:
    assert hours(await ask(api, "usages/hour", **query)) == expected


@pytest.mark.usefixtures("device")
async def test_registers_are_asked_for_at_the_end_itself_as_well(api: httpx.AsyncClient) -> None:
    query = {"from": "2024-05-23T03:00", "to": "2024-05-23T05:00"}

    assert hours(await ask(api, "readings/hour", **query)) == [3, 4, 5]


@pytest.mark.usefixtures("device")
async def test_the_first_period_asked_for_is_whole(api: httpx.AsyncClient) -> None:
    answer = await ask(api, "usages/day", **{"from": "2024-05-24"}, limit=1)

    assert (hours(answer), values(answer)) == ([24], [24.0])


# From an hour before the hole to an hour after it.
AROUND_THE_HOLE = {"codes": "1_8_0", "from": "2024-05-24T02:00", "to": "2024-05-24T10:00"}


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("sort", ["ascending", "descending"])
async def test_periods_in_a_hole_have_no_registers(api: httpx.AsyncClient, sort: str) -> None:
    answer = await ask(api, "usages/hour", sort=sort, **AROUND_THE_HOLE)

    assert sorted(hours(answer)) == list(range(26, 34))
    assert values(answer) == [1.0, *[None] * 6, 1.0]
    assert answer["readings"][1].keys() == {"date"}


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("sort", ["ascending", "descending"])
async def test_periods_in_a_hole_are_left_out_if_asked_for(
    api: httpx.AsyncClient, sort: str
) -> None:
    answer = await ask(api, "usages/hour", queryMissing=False, sort=sort, **AROUND_THE_HOLE)

    assert sorted(hours(answer)) == [26, 33]
    assert answer["meta"]["count"] == 2


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("data", ["readings", "usages"])
@pytest.mark.parametrize("sort", ["ascending", "descending"])
async def test_a_hole_can_be_filled(api: httpx.AsyncClient, data: str, sort: str) -> None:
    answer = await ask(api, f"{data}/hour", patch=True, sort=sort, **AROUND_THE_HOLE)

    assert values(answer) == [1.0 if data == "usages" else 100 + hour for hour in hours(answer)]


@pytest.mark.usefixtures("device")
async def test_no_period_stands_before_and_after_those_that_are_known(
    api: httpx.AsyncClient,
) -> None:
    window = {"from": "2024-05-24T05:00", "to": "2024-05-24T12:00"}

    assert hours(await ask(api, "usages/hour", **window)) == [33, 34, 35]


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(("aggregation", "usage"), [("hour", 0.5), ("day", 0.5), ("quarter", None)])
async def test_the_last_usage_is_added_if_asked_for(
    api: httpx.AsyncClient, aggregation: str, usage: float | None
) -> None:
    query = {"from": "2024-05-25T22:00:00Z", "addLastUsage": True}
    answer = await ask(api, f"usages/{aggregation}", **query)

    assert values(answer) == ([0.25, 0.25] if usage is None else [usage])


@pytest.mark.usefixtures("device")
async def test_the_transformer_ratio_is_applied_if_asked_for(api: httpx.AsyncClient) -> None:
    assert values(await ask(api, "usages/day", applyMultiplier=True)) == [720.0] * 3
    assert values(await ask(api, "readings/day", applyMultiplier=True))[:2] == [3000.0, 3720.0]
    multiplied = await ask(api, "readings/day", applyMultiplier=True)
    assert values(multiplied, "S_1_1_2") == [2.9] * 4


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    "query",
    [{"skip": 72}, {"from": "2025-01-01"}, {"to": "2024-05-22"}, {"codes": "8_8_0,S_1_1_2"}],
)
async def test_no_period_is_not_found(api: httpx.AsyncClient, query: dict[str, object]) -> None:
    answer = await api.get(f"devices/{DEVICE_ID}/export/usages/hour/data", params=query)  # type: ignore[arg-type]

    assert answer.status_code == 404
    assert (answer.json()["error"], answer.json()["message"]) == ("NotFoundError", "No results")


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{DEVICE_ID}/export/usages/week/data", "Invalid aggregation"),
        (f"{DEVICE_ID}/export/costs/day/data", "Invalid query params"),
        (f"{DEVICE_ID}/export/usages/day/data?limit=0", "Invalid query params"),
        (f"{DEVICE_ID}/export/usages/day/data?from=yesterday", "Invalid query params"),
        (f"{DEVICE_ID}/export/usages/day/data?patch=perhaps", "Invalid query params"),
        ("house/export/usages/week/data", "Invalid UUID"),
    ],
)
async def test_what_cannot_be_asked_for_is_a_bad_request(
    api: httpx.AsyncClient, path: str, message: str
) -> None:
    answer = await api.get(f"devices/{path}")

    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["message"]) == ("InvalidQuery", message)


async def test_a_device_of_nobody_is_not_found(api: httpx.AsyncClient) -> None:
    answer = await api.get(f"devices/{DEVICE_ID}/export/usages/day/data")

    assert (answer.status_code, answer.json()["error"]) == (404, "DeviceNotFound")


@pytest.mark.usefixtures("device")
async def test_a_key_is_needed(app: FastAPI) -> None:
    async with asking(app, f"not {KEY}") as client:
        answer = await client.get(f"devices/{DEVICE_ID}/export/usages/day/data")

    assert answer.status_code == 401


async def test_days_are_whole_when_summer_time_begins_and_ends(
    api: httpx.AsyncClient, account: Account, record: DeviceRecord
) -> None:
    start = at("2024-03-30T23:00:00Z")
    await account.add_device(
        record, *((start + HOUR * number, {"1_8_0": number}) for number in range(24 * 220))
    )

    for day, length in [("2024-03-31", 23), ("2024-04-01", 24), ("2024-10-27", 25)]:
        answer = await ask(api, "usages/day", **{"from": day}, limit=1)

        assert (answer["readings"][0]["1_8_0"], answer["readings"][0]["date"]) == (
            length,
            format_epoch(at(f"{day}T00:00:00+0{1 if day == '2024-03-31' else 2}:00")),
        )


async def test_a_replaced_meter_is_no_negative_usage(
    api: httpx.AsyncClient, account: Account, record: DeviceRecord
) -> None:
    """Between the last reading of the old one and the first of the new one nothing is counted."""
    await account.add_device(
        record,
        *(
            (START + QUARTER * number, {"1_8_0": 9000 + number, "C_1_0": "old"})
            for number in range(97)
        ),
        *(
            (START + QUARTER * number, {"1_8_0": number - 96, "C_1_0": "new"})
            for number in range(97, 193)
        ),
    )

    assert values(await ask(api, "usages/day")) == [96.0, 95.0]
    assert values(await ask(api, "readings/day")) == [9000, 9096, 96]


@pytest.mark.parametrize("aggregation", ["hour", "day"])
async def test_a_long_history_comes_in_any_order_and_from_anywhere(
    api: httpx.AsyncClient, account: Account, record: DeviceRecord, aggregation: str
) -> None:
    step = 2 * HOUR
    await account.add_device(
        record, *((START + step * number + 7, {"1_8_0": number * 3}) for number in range(12 * 150))
    )
    everything = (await ask(api, f"usages/{aggregation}", patch=True))["readings"]
    backward = (await ask(api, f"usages/{aggregation}", patch=True, sort="descending"))["readings"]

    assert backward == everything[::-1]
    # The first period has the energy since the first reading.
    assert {row["1_8_0"] for row in everything[1:]} == {1.5 if aggregation == "hour" else 36.0}
    for first, last in [(0, 3), (40, 90), (100, 148)]:
        window = {
            "from": everything[first]["date"],
            "to": format_epoch(at(everything[last]["date"]) + 1),
        }
        part = await ask(api, f"usages/{aggregation}", patch=True, **window)
        assert part["readings"] == everything[first : last + 1]
        part = await ask(api, f"usages/{aggregation}", patch=True, sort="descending", **window)
        assert part["readings"] == everything[first : last + 1][::-1]
