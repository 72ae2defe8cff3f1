"""`devices/{id}/readings`: its rows, its parameters, its meta."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from onemeter_server.models.register_meta import register_meta

from .conftest import DEVICE_ID, at

if TYPE_CHECKING:
    import httpx

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account

START = at("2024-05-23T00:00:00Z")
QUARTER = 900


@pytest.fixture
async def device(account: Account, record: DeviceRecord) -> DeviceRecord:
    """Give a device ten readings, a quarter-hour apart; the odd ones lack 2_8_0."""
    await account.add_device(
        replace(record, multiplier=30),
        *(
            (START + QUARTER * i, {"1_8_0": 100 + i / 4} | ({} if i % 2 else {"2_8_0": i}))
            for i in range(10)
        ),
    )
    return record


async def ask(api: httpx.AsyncClient, **query: object) -> Any:
    answer = await api.get(f"devices/{DEVICE_ID}/readings", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def quarters(answer: Any) -> list[int]:
    """Return which of the ten readings an answer holds."""
    return [(at(row["date"]) - START) // QUARTER for row in answer["readings"]]


@pytest.mark.usefixtures("device")
async def test_all_rows_come_in_the_order_of_time(api: httpx.AsyncClient) -> None:
    answer = await ask(api)

    assert quarters(answer) == list(range(10))
    assert answer["readings"][:2] == [
        {"date": "2024-05-23T00:00:00.000Z", "1_8_0": 100, "2_8_0": 0},
        {"date": "2024-05-23T00:15:00.000Z", "1_8_0": 100.25},
    ]


@pytest.mark.usefixtures("device")
async def test_meta_says_what_the_rows_hold(api: httpx.AsyncClient) -> None:
    assert (await ask(api))["meta"] == {
        "keys": ["1_8_0", "2_8_0"],
        "range": {"from": "2024-05-23T00:00:00.000Z", "to": "2024-05-23T02:15:00.000Z"},
        "count": 10,
        "OBIS": {code: register_meta(code) for code in ("1_8_0", "2_8_0")},
    }


@pytest.mark.usefixtures("device")
async def test_the_range_runs_forward_when_the_rows_run_backward(api: httpx.AsyncClient) -> None:
    assert (await ask(api, sort="descending"))["meta"]["range"] == {
        "from": "2024-05-23T00:00:00.000Z",
        "to": "2024-05-23T02:15:00.000Z",
    }


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": 3}, [0, 1, 2]),
        ({"limit": 357120}, list(range(10))),
        ({"skip": 8}, [8, 9]),
        ({"skip": 2, "limit": 3}, [2, 3, 4]),
        ({"sort": "ascending"}, list(range(10))),
        ({"sort": "descending", "limit": 3}, [9, 8, 7]),
        ({"sort": "descending", "skip": 8}, [1, 0]),
        ({"from": "2024-05-23T02:00:00Z"}, [8, 9]),
        ({"from": "2024-05-23T02:00:00.001Z"}, [9]),
        ({"to": "2024-05-23T00:15:00.000Z"}, [0, 1]),
        ({"to": "2024-05-23T00:14:59.999Z"}, [0]),
        ({"from": "2024-05-23T00:30:00Z", "to": "2024-05-23T01:00:00Z"}, [2, 3, 4]),
        ({"from": "2024-05-23T02:30:00+02:00", "limit": 1}, [2]),
        ({"from": "2024-05-23T04:00:00"}, [8, 9]),
        ({"to": "2024-05-23 02:00"}, [0]),
        ({"from": "2024-05-23", "to": "2024-05-23"}, list(range(10))),
        ({"codes": "2_8_0"}, [0, 2, 4, 6, 8]),
        ({"codes": "2_8_0", "skip": 1, "limit": 2}, [2, 4]),
        ({"codes": "2_8_0", "sort": "descending", "limit": 2}, [8, 6]),
        ({"codes": ""}, list(range(10))),
    ],
)
async def test_a_query_picks_rows(
    api: httpx.AsyncClient, query: dict[str, object], expected: list[int]
) -> None:
    assert quarters(await ask(api, **query)) == expected


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    "query", [{"skip": 10}, {"from": "2024-05-24"}, {"to": "2024-05-22"}, {"codes": "8_8_0"}]
)
async def test_a_query_that_no_row_answers_finds_none(
    api: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await api.get(f"devices/{DEVICE_ID}/readings", params=query)

    assert answer.status_code == 404
    assert answer.json()["message"] == "No readings found"


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("name", ["codes", "columns"])
async def test_rows_are_cut_down_to_the_codes_asked_for(api: httpx.AsyncClient, name: str) -> None:
    answer = await ask(api, **{name: " 2_8_0 ,16_7_0", "limit": 2})

    assert answer["readings"] == [
        {"date": "2024-05-23T00:00:00.000Z", "2_8_0": 0},
        {"date": "2024-05-23T00:30:00.000Z", "2_8_0": 2},
    ]
    assert answer["meta"]["keys"] == ["2_8_0"]


@pytest.mark.usefixtures("device")
async def test_descriptions_come_in_polish_too(api: httpx.AsyncClient) -> None:
    described = (await ask(api, locale="pl", limit=1))["meta"]["OBIS"]

    assert described == {code: register_meta(code, "pl") for code in ("1_8_0", "2_8_0")}
    assert described["1_8_0"]["description"] == {
        "short": "Energia A+ (suma)",
        "long": "Energia czynna pobrana A+ (suma)",
    }


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(("apply", "expected"), [("true", 3007.5), ("false", 100.25)])
async def test_registers_are_multiplied_only_when_asked(
    api: httpx.AsyncClient, apply: str, expected: float
) -> None:
    answer = await ask(api, applyMultiplier=apply, skip=1, limit=1)

    assert answer["readings"][0]["1_8_0"] == expected


async def test_what_the_transformer_does_not_change_is_not_multiplied(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    values: dict[str, Any] = {
        "16_7_0": "0.1",
        "S_1_1_9": 20,
        "0_2_2": "G11",
        "X_1": 1,
        "1_8_0": None,
    }
    await account.add_device(replace(record, multiplier=3), (START, values))

    answer = await ask(api, applyMultiplier="true")

    assert answer["readings"] == [{"date": "2024-05-23T00:00:00.000Z", **values, "16_7_0": 0.3}]


async def test_long_answers_are_whole(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(record, *((START + i, {"1_8_0": i}) for i in range(4500)))

    forward = await ask(api)
    backward = await ask(api, sort="descending", skip=100, limit=4200)

    assert [row["1_8_0"] for row in forward["readings"]] == list(range(4500))
    assert [row["1_8_0"] for row in backward["readings"]] == list(range(4399, 199, -1))


async def test_values_of_every_kind_come_back_as_they_were(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    values: dict[str, Any] = {
        "1_8_0": 0.1,
        "S_1_1_7": [1, "two"],
        "0_2_2": "ż",
        "C_1_0": None,
        "X_1": 2**53,
    }
    await account.add_device(record, (START, values))

    assert (await ask(api))["readings"] == [{"date": "2024-05-23T00:00:00.000Z", **values}]
