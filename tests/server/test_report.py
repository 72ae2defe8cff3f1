"""`devices/{id}/report/summary`: energy by zone and its cost, beside sums made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import DEVICE_ID, at
from .tariffs import EVERY_DAY, G11, G12W, period, tariff, zone

if TYPE_CHECKING:
    import httpx

    from onemeter_server.models.records import DeviceRecord, Values

    from .conftest import Account

MAY = {"from": "2024-05-01T00:00:00", "to": "2024-06-01T00:00:00"}
WEDNESDAY = {"from": "2024-05-22T00:00:00", "to": "2024-05-23T00:00:00"}


async def ask(api: httpx.AsyncClient, **query: str) -> Any:
    answer = await api.get(f"devices/{DEVICE_ID}/report/summary", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(api: httpx.AsyncClient, **query: str) -> tuple[int, str, str]:
    """The status, the name and the message of an error."""
    answer = await api.get(f"devices/{DEVICE_ID}/report/summary", params=query)
    error = answer.json()
    assert error["status"] == "error"
    assert error["statusCode"] == answer.status_code
    return answer.status_code, error["error"], error["message"]


def contract(distribution: Values, **others: Any) -> Values:
    return {"distributionTariff": distribution, **others}


async def add_wednesday(account: Account, record: DeviceRecord, **changes: Any) -> None:
    """A device that has used one kWh in each hour of Wednesday, May 22."""
    await account.add_device(
        replace(record, **changes),
        *(
            (at("2024-05-21T22:00:00Z") + number * 900, {"1_8_0": 100 + number / 4})
            for number in range(97)
        ),
    )


async def test_a_report_in_the_vendors_shape(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    assert await ask(api, **MAY) == {
        "range": {"from": "2024-04-30T22:00:00.000Z", "to": "2024-05-31T22:00:00.000Z"},
        "profile": {
            "activeEnergy": {
                "data": [{"usage": 24, "tariff": "Cała doba"}],
                "UUID": DEVICE_ID,
                "createdAt": "2024-05-23T10:00:00.000Z",
                "type": "tariffOverallSummary",
            }
        },
        "usage": {"activeEnergy": 24},
        "prices": {
            "distribution": {
                "constantComponent": 9,
                "interimComponent": 2,
                "standingCharge": 1,
                "usageComponents": [
                    {"zone": "Cała doba", "qualityComponent": 0.3, "variableComponent": 6}
                ],
                "total": 18.3,
            },
            "retail": {"constantComponent": 0, "usageComponents": [], "total": 0},
        },
        "contract": "G11",
        "meta": {"activeEnergyCode": "1_8_0"},
    }


async def test_zones_have_their_own_energy_and_cost(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G12W))

    report = await ask(api, **MAY)

    assert report["profile"]["activeEnergy"]["data"] == [
        {"usage": 14, "tariff": "Szczytowa"},
        {"usage": 10, "tariff": "Pozaszczytowa"},
    ]
    distribution = report["prices"]["distribution"]
    assert [part["variableComponent"] for part in distribution["usageComponents"]] == [7, 1.25]
    assert distribution["total"] == 10 + 7 + 1.25


async def test_a_public_holiday_is_cheap(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    # Corpus Christi, a Thursday: read at its begin and at its end only.
    await account.add_device(
        replace(record, contract=contract(G12W)),
        (at("2024-05-29T22:00:00Z"), {"1_8_0": 100}),
        (at("2024-05-30T22:00:00Z"), {"1_8_0": 124}),
    )

    report = await ask(api, **MAY)

    assert [part["usage"] for part in report["profile"]["activeEnergy"]["data"]] == [0, 24]


async def test_the_day_on_which_summer_time_begins_has_23_hours(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=contract(G11)),
        (at("2024-03-30T22:00:00Z"), {"1_8_0": 100}),
        (at("2024-03-31T22:00:00Z"), {"1_8_0": 124}),
    )

    report = await ask(api, **{"from": "2024-03-31 00:00", "to": "2024-03-31 23:59:59.999"})

    assert report["range"] == {
        "from": "2024-03-30T23:00:00.000Z",
        "to": "2024-03-31T22:00:00.000Z",
    }
    assert report["usage"] == {"activeEnergy": 23}


async def test_months_in_part_cost_the_part(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    prices = (await ask(api, **WEDNESDAY))["prices"]["distribution"]

    assert prices["constantComponent"] == pytest.approx(9 / 31, abs=1e-6)
    assert prices["standingCharge"] == pytest.approx(1 / 31, abs=1e-6)


async def test_energy_counts_times_the_transformer_ratio(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11), multiplier=30)

    assert (await ask(api, **MAY))["usage"] == {"activeEnergy": 720}


async def test_a_meter_that_is_replaced_has_used_no_less(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=contract(G11)),
        *((at(f"2024-05-22T0{hour}:00:00Z"), {"1_8_0": 5000 + hour}) for hour in range(6)),
        *((at(f"2024-05-22T1{hour}:00:00Z"), {"1_8_0": hour / 2}) for hour in range(6)),
    )

    assert (await ask(api, **MAY))["usage"] == {"activeEnergy": 7.5}


async def test_reactive_energy_is_told_where_it_is_counted(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=contract(G12W), main_register="15_8_0"),
        (at("2024-05-21T22:00:00Z"), {"15_8_0": 100, "5_8_0": 50}),
        (at("2024-05-22T22:00:00Z"), {"15_8_0": 148, "5_8_0": 62}),
    )

    report = await ask(api, **MAY)

    assert report["meta"] == {"activeEnergyCode": "15_8_0"}
    assert report["usage"] == {"activeEnergy": 48, "reactiveEnergy": 12}
    reactive = report["profile"]["reactiveInductiveEnergy"]
    assert reactive["type"] == "tariffOverallSummary"
    assert [part["usage"] for part in reactive["data"]] == pytest.approx([7, 5], abs=0.03)
    assert report["profile"]["tangensPhi"]["data"] == [
        {"tariff": "Szczytowa", "usage": pytest.approx(0.25, abs=0.001)},
        {"tariff": "Pozaszczytowa", "usage": pytest.approx(0.25, abs=0.001)},
    ]


async def test_a_zone_without_energy_has_no_tangent(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=contract(G12W)),
        (at("2024-05-25T08:00:00Z"), {"1_8_0": 100, "3_8_0": 50}),  # a Saturday
        (at("2024-05-25T10:00:00Z"), {"1_8_0": 104, "3_8_0": 52}),
    )

    profile = (await ask(api, **MAY))["profile"]

    assert profile["tangensPhi"]["data"] == [{"tariff": "Pozaszczytowa", "usage": 0.5}]
    assert [part["usage"] for part in profile["reactiveInductiveEnergy"]["data"]] == [0, 2]


async def test_power_above_the_contract_is_told(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=contract(G11, contractedPowerLimit=4)),
        (at("2024-05-22T10:00:00Z"), {"1_8_0": 100}),
        (at("2024-05-22T10:15:00Z"), {"1_8_0": 101}),
        (at("2024-05-22T10:30:00Z"), {"1_8_0": 102.5}),
    )

    assert (await ask(api, **MAY))["contractedPowerOverspends"] == {
        "data": [{"date": "2024-05-22T10:15:00.000Z", "value": 6, "overspendValue": 2}],
        "UUID": DEVICE_ID,
        "createdAt": "2024-05-23T10:00:00.000Z",
        "type": "powerOverspends",
    }


async def test_a_retail_tariff_has_zones_of_its_own(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    retail = tariff(
        "weekday",
        zone("day", 1, period(EVERY_DAY, (8, 20))),
        zone("night", 0.5, period(EVERY_DAY, (20, 8))),
        constantPriceComponent=5,
        standingCharge=1,
    )
    await add_wednesday(account, record, contract=contract(G11, retailTariff=retail))

    assert (await ask(api, **MAY))["prices"]["retail"] == {
        "constantComponent": 6,
        "usageComponents": [{"zone": "day", "price": 12}, {"zone": "night", "price": 6}],
        "total": 24,
    }


async def test_the_charge_for_renewable_energy_is_told_where_there_is_one(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    charged = tariff("G11", *G11["zones"], renewableEnergyCharge=0.5)
    await add_wednesday(account, record, contract=contract(charged))

    distribution = (await ask(api, **MAY))["prices"]["distribution"]

    assert distribution["usageComponents"][0]["renewableComponent"] == 12
    assert distribution["total"] == 18


async def test_a_device_that_counts_all_energy_has_a_report_too(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=contract(G11)),
        (at("2024-05-22T10:00:00Z"), {"15_8_0": 100}),
        (at("2024-05-22T11:00:00Z"), {"15_8_0": 103}),
    )

    report = await ask(api, **MAY)

    assert report["usage"] == {"activeEnergy": 3}
    assert report["meta"] == {"activeEnergyCode": "15_8_0"}


@pytest.mark.parametrize("query", [{}, {"from": "2024-05-01"}, {"to": "2024-05-01", "from": ""}])
async def test_a_report_needs_both_dates(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord, query: dict[str, str]
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    assert await refusal(api, **query) == (400, "InvalidQuery", "No date query")


async def test_a_report_ends_after_it_begins(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    told = await refusal(api, **{"from": "2024-05-02", "to": "2024-05-01"})

    assert told == (400, "InvalidQuery", "Invalid report bounds")


async def test_a_time_without_length_has_no_energy(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    told = await refusal(api, **{"from": "2024-05-22T10:00:00", "to": "2024-05-22T10:00:00"})

    assert told == (404, "NotFoundError", "No results")


async def test_a_report_of_all_time_is_one_of_all_energy(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    report = await ask(api, **{"from": "0001-01-01", "to": "9999-12-31"})

    assert report["usage"] == {"activeEnergy": 24}


async def test_dates_have_to_be_dates(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    told = await refusal(api, **{"from": "yesterday", "to": "today"})

    assert told == (400, "InvalidQuery", "Invalid query params")


async def test_a_time_without_readings_is_no_report(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await add_wednesday(account, record, contract=contract(G11))

    told = await refusal(api, **{"from": "2023-05-02", "to": "2023-06-01"})

    assert told == (404, "NotFoundError", "No readings found")


async def test_readings_that_count_nothing_are_no_report(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        replace(record, contract=contract(G11)),
        (at("2024-05-22T10:00:00Z"), {"16_7_0": 1.5, "1_8_0": 5}),
        (at("2024-05-22T11:00:00Z"), {"16_7_0": 2.5, "5_8_0": 5}),
        (at("2024-05-22T12:00:00Z"), {"16_7_0": 2.5, "5_8_0": 6}),
    )

    assert await refusal(api, **MAY) == (404, "NotFoundError", "No results")


async def test_a_device_of_nobody_has_no_report(api: httpx.AsyncClient) -> None:
    assert (await refusal(api, **MAY))[:2] == (404, "DeviceNotFound")


@pytest.mark.parametrize(
    "spoiled",
    [
        {},
        {"distributionTariff": None},
        {"distributionTariff": "G11"},
        contract({}),
        contract({**G11, "zones": []}),
        contract({**G11, "prices": {"qualityComponent": "much"}}),
        contract(G11, contractedPowerLimit=-4),
        contract(G11, contractedPowerLimit=[]),
        contract(G11, retailTariff="cheap"),
    ],
)
async def test_a_contract_that_makes_no_sense_has_no_report(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord, spoiled: Values
) -> None:
    await add_wednesday(account, record, contract=spoiled)

    assert await refusal(api, **MAY) == (400, "ReportNotAvailable", "Misconfigured beacon")
