"""`devices/{id}/usageProfile/{type}`: all ten types, their parameters and errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from onemeter_server.api.profiles import ProfileType
from onemeter_server.models.register_meta import register_meta

from .conftest import DEVICE_ID, at
from .tariffs import G12W

if TYPE_CHECKING:
    import httpx

    from onemeter_server.models.records import DeviceRecord, Values

    from .conftest import Account

MIDNIGHT = "2024-05-21T22:00:00Z"  # of Wednesday, May 22, in Warsaw
CONTRACT: Values = {"distributionTariff": G12W, "contractedPowerLimit": 1.5}


async def ask(api: httpx.AsyncClient, kind: str, **query: str) -> Any:
    answer = await api.get(f"devices/{DEVICE_ID}/usageProfile/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(api: httpx.AsyncClient, kind: str, **query: str) -> tuple[int, str, str]:
    """The status, the name and the message of an error."""
    answer = await api.get(f"devices/{DEVICE_ID}/usageProfile/{kind}", params=query)
    error = answer.json()
    assert error["statusCode"] == answer.status_code
    return answer.status_code, error["error"], error["message"]


def readings(begin: str, *hourly: float, code: str = "1_8_0") -> list[tuple[int, Values]]:
    """Readings of each quarter-hour in which hour by hour so much energy was used."""
    total, told = 100.0, [(at(begin), {code: 100.0})]
    for energy in hourly:
        for _ in range(4):
            total += energy / 4
            told.append((told[-1][0] + 900, {code: total}))
    return [*told]


@pytest.fixture
async def device(account: Account, record: DeviceRecord) -> DeviceRecord:
    """Two kWh in the first hour of a Wednesday, one in each of its others, and in Saturday's."""
    await account.add_device(
        replace(record, contract=CONTRACT),
        *readings("2024-05-17T22:00:00Z", *[1] * 24),
        *(
            (time, {"1_8_0": values["1_8_0"] + 24})
            for time, values in readings(MIDNIGHT, 2, *[1] * 23)
        ),
    )
    return record


@pytest.mark.usefixtures("device")
async def test_a_profile_in_the_vendors_shape(api: httpx.AsyncClient) -> None:
    profile = await ask(api, "dayWorking")

    assert profile == {
        "_id": profile["_id"],
        "data": [{"1_8_0": 1 if hour else 2, "time": {"hour": hour}} for hour in range(24)],
        "UUID": DEVICE_ID,
        "createdAt": "2024-05-23T10:00:00.000Z",
        "type": "dayWorking",
        "meta": {"keys": ["1_8_0"], "OBIS": {"1_8_0": register_meta("1_8_0")}},
    }
    assert len(profile["_id"]) == 24
    assert int(profile["_id"], 16)


@pytest.mark.parametrize(
    ("kind", "rows", "first"),
    [
        (
            "allDayTraces",
            48,
            {"1_8_0": 1, "time": {"hour": 0}, "date": "2024-05-17T22:00:00.000Z"},
        ),
        (
            "dailyUsageInTariffs",
            8,  # of a Saturday, a Sunday and three working days
            {
                "1_8_0": 24,
                "usage": 24,
                "tariff": "Pozaszczytowa",
                "date": "2024-05-17T22:00:00.000Z",
            },
        ),
        ("dayFine", 96, {"1_8_0": 0.375, "time": {"hour": 0, "minute": 0}}),
        ("dayWeekend", 24, {"1_8_0": 1, "time": {"hour": 0}}),
        ("dayWorking", 24, {"1_8_0": 2, "time": {"hour": 0}}),
        ("loadDuration", 192, {"1_8_0": 0.5, "time": {"hour": 0, "minute": 0}}),
        (
            "powerOverspends",
            4,
            {"date": "2024-05-21T22:00:00.000Z", "value": 2, "overspendValue": 0.5},
        ),
        ("tariffOverallSummary", 2, {"1_8_0": 14, "usage": 14, "tariff": "Szczytowa"}),
        ("weekCoarse", 48, {"1_8_0": 2, "time": {"hour": 48}}),
        ("weekFine", 192, {"1_8_0": 0.5, "time": {"hour": 48, "minute": 0}}),
    ],
)
@pytest.mark.usefixtures("device")
async def test_each_type_has_rows_of_its_own(
    api: httpx.AsyncClient, kind: str, rows: int, first: dict[str, Any]
) -> None:
    profile = await ask(api, kind)

    assert profile["type"] == kind
    assert len(profile["data"]) == rows
    assert profile["data"][0] == first


def test_there_are_ten_types() -> None:
    assert len(ProfileType) == 10


@pytest.mark.usefixtures("device")
async def test_a_type_can_be_written_in_any_case(api: httpx.AsyncClient) -> None:
    assert (await ask(api, "DAYFINE"))["type"] == "dayFine"


@pytest.mark.usefixtures("device")
async def test_each_type_has_an_id_of_its_own(api: httpx.AsyncClient) -> None:
    ids = {(await ask(api, kind))["_id"] for kind in ("dayFine", "weekFine", "weekFine")}

    assert len(ids) == 2


@pytest.mark.usefixtures("device")
async def test_dates_choose_what_counts(api: httpx.AsyncClient) -> None:
    of_wednesday = await ask(api, "weekCoarse", **{"from": "2024-05-22"})
    of_saturday = await ask(api, "weekCoarse", to="2024-05-22T00:00")
    of_an_hour = await ask(
        api, "loadDuration", **{"from": "2024-05-22T00:00", "to": "2024-05-22T01:00"}
    )

    assert [row["time"]["hour"] for row in of_wednesday["data"]] == [*range(48, 72)]
    assert [row["time"]["hour"] for row in of_saturday["data"]] == [*range(120, 144)]
    assert len(of_an_hour["data"]) == 4


async def test_without_dates_the_last_365_days_count(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        *readings("2023-05-23T21:00:00Z", 8, 4),  # one hour before that day begins, one in it
    )

    assert await ask(api, "allDayTraces") | {"_id": None} == {
        "_id": None,
        "data": [{"1_8_0": 4, "time": {"hour": 0}, "date": "2023-05-23T22:00:00.000Z"}],
        "UUID": DEVICE_ID,
        "createdAt": "2024-05-23T10:00:00.000Z",
        "type": "allDayTraces",
        "meta": {"keys": ["1_8_0"], "OBIS": {"1_8_0": register_meta("1_8_0")}},
    }


async def test_codes_choose_registers(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    both = zip(
        readings(MIDNIGHT, 1, 2),
        readings(MIDNIGHT, 3, 4, code="2_8_0"),
        readings(MIDNIGHT, 5, 6, code="5_8_0"),
        strict=True,
    )
    await account.add_device(
        record, *((one[0][0], one[0][1] | one[1][1] | one[2][1]) for one in both)
    )

    profile = await ask(api, "dayWorking", codes="2_8_0,16_7_0,1_8_0,15_8_0", locale="pl")

    assert profile["data"] == [
        {"2_8_0": 3, "1_8_0": 1, "time": {"hour": 0}},
        {"2_8_0": 4, "1_8_0": 2, "time": {"hour": 1}},
    ]
    assert profile["meta"]["keys"] == ["2_8_0", "1_8_0"]
    assert profile["meta"]["OBIS"]["2_8_0"] == register_meta("2_8_0", "pl")


async def test_without_codes_the_register_that_tells_usage_counts(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, main_register="F_8_0"), *readings(MIDNIGHT, 1, code="15_8_0")
    )

    assert (await ask(api, "dayWorking"))["meta"]["keys"] == ["15_8_0"]


async def test_energy_counts_times_the_transformer_ratio(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(replace(record, multiplier=30), *readings(MIDNIGHT, 1))

    assert (await ask(api, "dayWorking"))["data"] == [{"1_8_0": 30, "time": {"hour": 0}}]


async def test_no_power_above_the_contract_is_a_result(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(replace(record, contract=CONTRACT), *readings(MIDNIGHT, 1))

    assert (await ask(api, "powerOverspends"))["data"] == []


async def test_energy_over_a_day_without_readings_counts_in_sums_only(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=CONTRACT),
        (at("2024-05-21T22:00:00Z"), {"1_8_0": 100}),
        (at("2024-05-22T22:00:00Z"), {"1_8_0": 124}),
    )

    assert [row["usage"] for row in (await ask(api, "tariffOverallSummary"))["data"]] == [14, 10]
    assert await refusal(api, "dayFine") == (404, "NotFoundError", "No results")


@pytest.mark.usefixtures("device")
async def test_another_type_is_an_error(api: httpx.AsyncClient) -> None:
    told = await refusal(api, "dayCoarse")

    assert told == (400, "InvalidQuery", "Invalid profile type: dayCoarse")


@pytest.mark.usefixtures("device")
async def test_codes_that_count_no_energy_have_no_profile(api: httpx.AsyncClient) -> None:
    assert await refusal(api, "dayFine", codes="16_7_0") == (404, "NotFoundError", "No results")


@pytest.mark.usefixtures("device")
async def test_a_time_without_readings_has_no_profile(api: httpx.AsyncClient) -> None:
    told = await refusal(api, "dayFine", **{"from": "2022-01-01", "to": "2022-02-01"})

    assert told == (404, "NotFoundError", "No readings found")


@pytest.mark.usefixtures("device")
async def test_working_days_have_no_weekend(api: httpx.AsyncClient) -> None:
    told = await refusal(api, "dayWeekend", **{"from": "2024-05-22T00:00"})

    assert told == (404, "NotFoundError", "No results")


@pytest.mark.usefixtures("device")
async def test_a_time_ends_after_it_begins(api: httpx.AsyncClient) -> None:
    told = await refusal(api, "dayFine", **{"from": "2024-05-22", "to": "2024-05-21"})

    assert told == (400, "InvalidQuery", "Invalid report bounds")


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2024-06-22"},  # in a month
        {"to": "0001-01-01"},
        {"from": "9999-12-31T23:59"},
        {"from": "0001-01-01", "to": "1980-01-01"},
    ],
)
@pytest.mark.usefixtures("device")
async def test_a_time_in_which_no_meter_can_have_been_read_has_no_profile(
    api: httpx.AsyncClient, query: dict[str, str]
) -> None:
    assert await refusal(api, "dayFine", **query) == (404, "NotFoundError", "No readings found")


@pytest.mark.usefixtures("device")
async def test_all_time_can_be_asked_for(api: httpx.AsyncClient) -> None:
    profile = await ask(api, "loadDuration", **{"from": "0001-01-01", "to": "9999-12-31"})

    assert len(profile["data"]) == 192


@pytest.mark.parametrize("kind", ["tariffOverallSummary", "dailyUsageInTariffs", "powerOverspends"])
async def test_a_contract_is_needed_where_it_is_asked_about(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord, kind: str
) -> None:
    await account.add_device(record, *readings(MIDNIGHT, 1))

    assert await refusal(api, kind) == (400, "ReportNotAvailable", "Misconfigured beacon")
    assert (await ask(api, "dayFine"))["data"]


async def test_a_device_of_nobody_has_no_profile(api: httpx.AsyncClient) -> None:
    assert (await refusal(api, "dayFine"))[:2] == (404, "DeviceNotFound")
