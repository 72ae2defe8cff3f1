"""`devices` and `devices/{id}`: a device as the API describes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from onemeter_server.models.records import DeviceRecord
from onemeter_server.models.register_meta import register_meta
from onemeter_server.storage.payload import battery_percent

from .conftest import DEVICE_ID, at

if TYPE_CHECKING:
    import httpx

    from onemeter_server.models.records import Values

    from .conftest import Account

OLD = at("2024-05-01T08:00:00Z")
NEW = at("2024-05-23T09:45:00Z")


async def get_device(api: httpx.AsyncClient) -> dict[str, object]:
    answer = await api.get(f"devices/{DEVICE_ID}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    device = answer.json()
    assert isinstance(device, dict)
    return device


@pytest.mark.parametrize("path", ["devices", "devices/"])
async def test_the_account_is_listed_with_and_without_a_slash(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord, path: str
) -> None:
    await account.add_device(record, (NEW, {"1_8_0": 10.5}))

    answer = await api.get(path)

    assert answer.status_code == 200
    assert answer.json() == {"devices": [await get_device(api)]}


async def test_an_account_without_devices_has_an_empty_list(api: httpx.AsyncClient) -> None:
    assert (await api.get("devices")).json() == {"devices": []}


async def test_a_device_tells_who_it_is(account: Account, api: httpx.AsyncClient) -> None:
    await account.store.add_device(
        account.number,
        DeviceRecord(
            id=DEVICE_ID.upper(),
            name="House",
            serial_number="0A1B",
            mac="02:00:5E:00:00:01",
            meter_id="PAF123",
            manufacturer="ZPA",
            protocol="IEC",
            multiplier=40,
            main_register="15_8_0",
            timezone="Europe/Lisbon",
            firmware="2.1",
            hardware="2.0",
            contract={"contractedPowerLimit": 11},
        ),
    )

    device = await get_device(api)

    assert device["_id"] == DEVICE_ID
    assert device["SN"] == "0A1B"
    assert device["MAC"] == "02:00:5E:00:00:01"
    assert device["info"] == {
        "name": "House",
        "manufacturer": "ZPA",
        "protocol": "IEC",
        "GPSCoords": {},
        "location": {"city": "", "country": "", "postal": "", "street": ""},
    }
    assert device["meteringPoint"] == {"meterID": "PAF123"}
    assert device["config"] == {
        "multiplier": 40,
        "usageKeys": {"activeEnergy": "15_8_0"},
        "contract": {"contractedPowerLimit": 11},
        "uiConfig": {"displayProjections": True, "usedTariff": None},
    }
    assert device["timezone"] == {"name": "Europe/Lisbon"}
    assert device["firmware"] == {"currentVersion": "2.1", "versions": ["2.1"]}
    assert device["hardware"] == {"version": "2.0"}
    assert device["disabled"] is False


async def test_the_last_reading_is_the_newest_whenever_it_came(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    newest: dict[str, Any] = {"1_8_0": 20.25, "0_2_2": "G11", "S_1_1_2": 2.46}
    await account.add_device(record, (NEW, newest), (OLD, {"1_8_0": 10}))

    device = await get_device(api)

    date = "2024-05-23T09:45:00.000Z"
    assert device["lastReading"] == {
        "date": date,
        "UUID": DEVICE_ID,
        "count": 2,
        "encryption": "none",
        "OBIS": newest,
        "updatedAt": {"1_8_0": date, "0_2_2": date, "S_1_1_2": date},
        "flags": [],
        "BATTERY_VOLTAGE": 2.46,
        "BATTERY_PC": 50,
        "BATTERY_STATUS": 2,
        "source": "mqtt",
        "meterID": "PAF123",
    }


async def test_the_first_reading_is_told_too(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(record, (NEW, {"1_8_0": 20}), (OLD, {"1_8_0": 10}))

    device = await get_device(api)

    date = "2024-05-01T08:00:00.000Z"
    for first in (device["initialReading"], device["firstReading"]):
        assert first["date"] == date
        assert first["OBIS"] == {"1_8_0": 10}
        assert first["updatedAt"] == {"1_8_0": date}
        assert first["source"] == "init"


async def test_each_register_of_the_last_reading_stands_at_its_own_time(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(record, (OLD, {"1_8_0": 10, "S_1_1_2": 2.9}), (NEW, {"1_8_0": 20}))

    last = (await get_device(api))["lastReading"]

    assert last["date"] == "2024-05-23T09:45:00.000Z"
    assert last["OBIS"] == {"1_8_0": 20, "S_1_1_2": 2.9}
    assert last["updatedAt"] == {
        "1_8_0": "2024-05-23T09:45:00.000Z",
        "S_1_1_2": "2024-05-01T08:00:00.000Z",
    }


async def test_a_device_that_was_never_read_says_so(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.store.add_device(account.number, record)

    device = await get_device(api)

    assert device["lastReading"] is None
    assert device["initialReading"] is None
    assert device["usage"] == dict.fromkeys(
        ("thisMonth", "previousMonth", "lastHour", "fullTime", "projection", "projectionFillRatio")
    )
    assert device["meta"] == {}


@pytest.mark.parametrize(
    ("volts", "percent"), [(1.5, 0), (1.93, 0), (2.46, 50), (2.99, 100), (3.1, 100)]
)
def test_battery_percent_is_linear_and_clamped(volts: float, percent: float) -> None:
    assert battery_percent(volts) == percent


async def test_meta_describes_the_registers_that_are_reported(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(record, (NEW, {"1_8_2": 1, "C_1_0": "56", "X_9_9": 7}))

    device = await get_device(api)

    assert device["meta"] == {code: register_meta(code) for code in ("1_8_2", "C_1_0", "X_9_9")}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"0_0_0": 56183920, "C_1_0": "56183920"}, {"idKey": "0_0_0", "idNumber": 56183920}),
        ({"C_1_0": "56183920"}, {"idKey": "C_1_0", "idNumber": "56183920"}),
        ({"1_8_0": 7}, {}),
    ],
)
async def test_a_device_says_by_which_register_its_meter_is_known(
    account: Account,
    api: httpx.AsyncClient,
    record: DeviceRecord,
    values: Values,
    told: dict[str, object],
) -> None:
    await account.add_device(record, (NEW, values))

    config: Any = (await get_device(api))["config"]

    assert {name: config[name] for name in ("idKey", "idNumber") if name in config} == told


@pytest.mark.parametrize(
    ("values", "returns_energy"),
    [({"2_8_0": 3.5}, True), ({"2_8_0": 0}, False), ({"1_8_0": 3.5}, False)],
)
async def test_energy_given_back_is_noticed(
    account: Account,
    api: httpx.AsyncClient,
    record: DeviceRecord,
    values: Values,
    *,
    returns_energy: bool,
) -> None:
    await account.add_device(record, (NEW, values))

    assert (await get_device(api))["negativeEnergyExists"] is returns_energy


async def test_extra_lies_over_the_generated_payload(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    extra: dict[str, Any] = {
        "lastReading": {"BATTERY_PC": 7, "flags": ["LAST_READOUT_INCORRECT"], "OBIS": {"1_8_0": 3}},
        "config": {"multiplier": None},
        "branding": {"name": "white label"},
    }
    await account.add_device(replace(record, extra=extra), (NEW, {"1_8_0": 1, "2_8_0": 2}))

    device = await get_device(api)

    reading = device["lastReading"]
    assert isinstance(reading, dict)
    assert reading["BATTERY_PC"] == 7
    assert reading["flags"] == ["LAST_READOUT_INCORRECT"]
    assert reading["OBIS"] == {"1_8_0": 3, "2_8_0": 2}
    assert reading["date"] == "2024-05-23T09:45:00.000Z"
    assert device["config"] == {
        "multiplier": None,
        "usageKeys": {"activeEnergy": "1_8_0"},
        "contract": {},
        "uiConfig": {"displayProjections": True, "usedTariff": None},
    }
    assert device["branding"] == {"name": "white label"}


async def test_fields_can_be_left_out(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    omit = ("meta", "lastReading.date", "nothing.there", "SN.below")
    await account.add_device(replace(record, omit=omit), (NEW, {"1_8_0": 1}))

    device = await get_device(api)

    assert "meta" not in device
    reading = device["lastReading"]
    assert isinstance(reading, dict)
    assert "date" not in reading
    assert reading["OBIS"] == {"1_8_0": 1}


async def test_an_archived_device_says_so(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.store.add_device(account.number, replace(record, disabled=True))

    assert (await get_device(api))["disabled"] is True
