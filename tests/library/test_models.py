"""Devices as the API gives them, complete or not, and the values that are read off them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given, settings

from onemeter_cloud import (
    REGISTERS,
    Device,
    InvalidResponseError,
    Reading,
    RegisterInfo,
    Usage,
)
from onemeter_cloud.models import parse_device, parse_devices
from onemeter_cloud.parsing import as_strict_json

from .payloads import (
    ABSURD_DATES,
    DEVICE_ID,
    NO_NUMBERS,
    OTHER_ID,
    PERSONAL,
    SHORT_DEVICE,
    full_device,
)
from .strategies import devices_with_oddities, json_values

if TYPE_CHECKING:
    from onemeter_cloud.parsing import JSON

SEVEN = datetime(2024, 5, 23, 7, tzinfo=UTC)
BEFORE = datetime(2024, 5, 23, 6, 45, tzinfo=UTC)
FLAG = "LAST_READOUT_INCORRECT"
USAGE_FIELDS = ("thisMonth", "previousMonth", "lastHour", "fullTime", "projection")


@pytest.fixture
def device() -> Device:
    return parsed(full_device())


def parsed(data: object, device_id: str = DEVICE_ID) -> Device:
    return parse_device(data, device_id)  # type: ignore[arg-type]


def with_registers(**values: object) -> Device:
    return parsed({"lastReading": {"OBIS": values}})


def with_last_reading(**fields: object) -> Device:
    return parsed({"lastReading": fields})


def test_a_device_is_read_with_all_it_tells(device: Device) -> None:
    assert replace(device, last_reading=Reading(), initial_reading=None, registers={}) == Device(
        id=DEVICE_ID,
        name="Cellar",
        serial_number="0123456789abcdef0123456789abcdef",
        meter_id="PAF00000001",
        meter_manufacturer="ZPA",
        multiplier=10.0,
        named_register="15_8_0",
        contracted_power_kw=12.5,
        usage=Usage(
            this_month=10.5, previous_month=20.5, last_hour=0.25, full_time=1197.5, projection=31.5
        ),
        production=Usage(this_month=1.5, last_hour=0.0, full_time=202.5),
        firmware_version="2.1.0",
        hardware_version="1.3",
        timezone="Europe/Warsaw",
        archived=False,
    )


def test_the_last_reading_is_read_with_all_it_tells(device: Device) -> None:
    reading = device.last_reading
    assert reading == Reading(
        date=SEVEN,
        values=reading.values,
        updated_at={"1_8_0": SEVEN, FLAG: datetime(2024, 5, 22, 23, 15, tzinfo=UTC)},
        flags=frozenset({FLAG}),
        battery_volts=2.87,
        battery_percent=88.0,
        battery_status="OK",
        source="mqtt",
    )
    assert reading.values["15_8_0"] == 120.75


def test_the_initial_reading_is_where_the_history_begins(device: Device) -> None:
    assert device.initial_reading is not None
    assert device.initial_reading.date == datetime(2023, 1, 1, tzinfo=UTC)
    assert device.initial_reading.number("15_8_0") == 1.0


def test_the_registers_of_a_device_are_described_by_itself(device: Device) -> None:
    assert device.registers == {"15_8_0": RegisterInfo(unit="kWh", name="|A|")}


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ({"short": "Short", "long": "Long"}, "Short"),
        ({"short": " ", "long": "Long"}, "Long"),
        ("Plain", "Plain"),
        ({}, None),
        (None, None),
    ],
)
def test_a_register_is_named_by_the_shortest_description_there_is(
    description: object, name: str | None
) -> None:
    device = parsed({"_id": DEVICE_ID, "meta": {"9_9_9": {"description": description}}})
    assert device.registers == {"9_9_9": RegisterInfo(name=name)}


@pytest.mark.parametrize("unit", ["", " ", None])
def test_an_empty_unit_is_none(unit: str | None) -> None:
    device = parsed({"_id": DEVICE_ID, "meta": {"9_9_9": {"unit": unit}}})
    assert device.registers == {"9_9_9": RegisterInfo(unit=None)}


def test_as_little_as_the_vendor_s_example_is_a_device() -> None:
    device = parsed(SHORT_DEVICE)
    assert device.id == DEVICE_ID
    assert device.number("15_8_0") == 1234.56
    assert device.main_register == "15_8_0"
    assert device.usage == Usage(this_month=101.5, previous_month=250.25)
    assert device.battery_percent == pytest.approx(100 * (2.86 - 1.93) / (2.99 - 1.93))


def test_a_device_that_tells_only_its_id_is_a_device() -> None:
    assert parsed({"_id": DEVICE_ID}) == Device(id=DEVICE_ID)


@pytest.mark.parametrize("field", full_device())
def test_any_field_may_be_missing(field: str) -> None:
    data = full_device()
    del data[field]
    assert parsed(data).id == DEVICE_ID


@pytest.mark.parametrize("field", full_device())
@pytest.mark.parametrize("value", [None, "", 7, "text", [], [None], {}, True], ids=repr)
def test_any_field_but_the_id_may_be_of_another_type(field: str, value: object) -> None:
    data = full_device() | {field: value}
    if field != "_id":
        assert parsed(data).id == DEVICE_ID


def test_the_id_is_compared_without_regard_to_case() -> None:
    assert parsed({"_id": DEVICE_ID.upper()}).id == DEVICE_ID
    assert parsed({"_id": DEVICE_ID}, DEVICE_ID.upper()).id == DEVICE_ID.upper()


def test_another_device_is_not_the_device() -> None:
    with pytest.raises(InvalidResponseError, match="another device"):
        parsed(full_device(OTHER_ID))


def test_a_list_gives_the_devices_in_its_order() -> None:
    devices = parse_devices({"devices": [full_device(OTHER_ID), full_device()]})  # type: ignore[list-item]
    assert [device.id for device in devices] == [OTHER_ID, DEVICE_ID]


def test_what_cannot_be_addressed_is_left_out_of_a_list() -> None:
    elements: list[JSON] = [None, 7, "text", [], {}, {"_id": " "}, {"_id": None}, {"_id": "one"}]
    assert parse_devices({"devices": elements}) == (Device(id="one"),)


def test_a_meter_s_id_is_taken_from_the_reading_if_the_metering_point_has_none() -> None:
    assert with_last_reading(meterID="PAF00000002").meter_id == "PAF00000002"


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ((), "Cellar"),
        (("info",), "PAF00000001"),
        (("info", "meteringPoint", "lastReading"), "0123456789abcdef0123456789abcdef"),
        (("info", "meteringPoint", "lastReading", "SN"), DEVICE_ID),
    ],
)
def test_a_device_is_called_by_the_best_name_there_is(missing: tuple[str, ...], name: str) -> None:
    data = {field: value for field, value in full_device().items() if field not in missing}
    assert parsed(data).display_name == name


@pytest.mark.parametrize(
    ("disabled", "archived"), [(True, True), (False, False), (None, False), ("true", False)]
)
def test_a_disabled_device_is_archived(disabled: object, *, archived: bool) -> None:
    assert parsed({"_id": DEVICE_ID, "disabled": disabled}).archived is archived


def test_names_addresses_and_positions_are_not_read(device: Device) -> None:
    assert not [personal for personal in PERSONAL if personal in repr(device)]


@settings(deadline=None)
@given(devices_with_oddities())
def test_devices_of_equal_json_are_equal(data: dict[str, object]) -> None:
    one, other = (
        orjson.loads(orjson.dumps(as_strict_json(data)))  # type: ignore[arg-type]
        for _ in range(2)
    )
    try:
        device = parsed(one)
    except InvalidResponseError:
        return
    assert device == parsed(other)


@pytest.mark.parametrize(
    "field",
    [
        {"OBIS": {"1_8_0": 100.75}},
        {"OBIS": {}},
        {"updatedAt": {"1_8_0": SEVEN.isoformat()}},
        {"flags": [FLAG]},
        {"date": SEVEN.isoformat()},
    ],
)
def test_a_device_with_another_reading_is_another_value(field: dict[str, object]) -> None:
    before: dict[str, object] = {"date": BEFORE.isoformat(), "OBIS": {"1_8_0": 100.5}}
    assert with_last_reading(**before) == with_last_reading(**before)
    assert with_last_reading(**before | field) != with_last_reading(**before)


def test_a_device_whose_register_is_described_anew_is_another_value() -> None:
    before, after = (
        parsed({"_id": DEVICE_ID, "meta": {"9_9_9": {"unit": unit}}}) for unit in ("kWh", "kvarh")
    )
    assert before != after


def test_a_device_cannot_be_changed(device: Device) -> None:
    with pytest.raises(FrozenInstanceError):
        device.name = "Attic"  # type: ignore[misc]
    with pytest.raises(TypeError):
        device.last_reading.values["15_8_0"] = 0  # type: ignore[index]


# The main register


@pytest.mark.parametrize(
    ("data", "main_register"),
    [
        ({"config": {"usageKeys": {"activeEnergy": "1_8_0"}}, "usageKey": "F_8_0"}, "1_8_0"),
        ({"usageKey": "F_8_0"}, "F_8_0"),
        ({"lastReading": {"OBIS": {"15_8_0": 1, "1_8_0": 1, "F_8_0": 1}}}, "1_8_0"),
        ({"lastReading": {"OBIS": {"F_8_0": 1, "15_8_0": 1}}}, "15_8_0"),
        ({"lastReading": {"OBIS": {"F_8_0": 1}}}, "F_8_0"),
        ({"config": {"usageKeys": {"activeEnergy": None}}, "usageKey": " "}, None),
        ({"lastReading": {"OBIS": {"2_8_0": 1}}}, None),
    ],
)
def test_the_main_register_is_the_named_one_else_the_first_that_is_read(
    data: dict[str, object], main_register: str | None
) -> None:
    assert parsed({"_id": DEVICE_ID} | data).main_register == main_register


def test_what_the_device_names_is_told_apart_from_what_it_reports() -> None:
    reports = with_registers(**{"15_8_0": 1, "1_8_0": 1})
    assert (reports.named_register, reports.main_register) == (None, "1_8_0")
    names = parsed({"_id": DEVICE_ID, "usageKey": "F_8_0"})
    assert (names.named_register, names.main_register) == ("F_8_0", "F_8_0")


# Registers


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("15_8_0", 1207.5),
        ("5_8_0", 75.0),
        ("16_7_0", 4.0),
        ("1_6_0", 32.0),
        ("1_2_1", 400.0),
        ("32_7_0", 231.5),
        ("S_1_1_2", 2.86),
        ("S_1_1_9", 18.5),
    ],
)
def test_the_transformer_ratio_multiplies_energy_power_and_demand_alone(
    device: Device, code: str, value: float
) -> None:
    assert device.number(code) == pytest.approx(value)


def test_a_register_that_nobody_knows_is_not_multiplied() -> None:
    device = parsed({"config": {"multiplier": 10}, "lastReading": {"OBIS": {"9_9_9": 7}}})
    assert device.number("9_9_9") == 7


def test_multiplying_can_be_turned_off(device: Device) -> None:
    assert device.number("15_8_0", multiply=False) == 120.75


@pytest.mark.parametrize("multiplier", [None, 0, -10, "", "many", [], "inf"])
def test_a_ratio_that_cannot_be_one_multiplies_nothing(multiplier: object) -> None:
    data = {"_id": DEVICE_ID, "config": {"multiplier": multiplier}}
    assert parsed(data).multiplier == 1.0


def test_a_ratio_may_be_a_numeric_string() -> None:
    assert parsed({"_id": DEVICE_ID, "config": {"multiplier": "20"}}).multiplier == 20.0


@pytest.mark.parametrize("value", [None, "", "NaN", "G11", "1_8_0", [1.0], {"value": 1.0}, True])
def test_a_register_that_is_no_number_has_no_number(value: object) -> None:
    assert with_registers(x=value).number("x") is None


@pytest.mark.parametrize("value", [42949672.95, 4294967295, "429496729.5", "4294967.295"])
def test_a_meter_s_no_value_is_no_number_of_a_register(value: object) -> None:
    device = with_registers(**{"15_8_0": value})
    assert (device.number("15_8_0"), device.last_reading.number("15_8_0")) == (None, None)


def test_a_register_was_read_when_the_cloud_says_so_else_at_the_reading_s_date() -> None:
    reading = with_last_reading(
        date=SEVEN.isoformat(),
        OBIS={"1_8_0": 1, "2_8_0": 2, "15_8_0": 3},
        updatedAt={"2_8_0": BEFORE.isoformat(), "15_8_0": "1970-01-01T00:00:00.000Z"},
    ).last_reading
    assert [reading.time_of(code) for code in ("1_8_0", "2_8_0", "15_8_0")] == [
        SEVEN,
        BEFORE,
        SEVEN,
    ]
    assert Reading().time_of("1_8_0") is None


def test_a_register_that_is_missing_has_no_value(device: Device) -> None:
    reading = device.last_reading
    assert (reading.number("x"), reading.text("x"), reading.instant("x")) == (None, None, None)
    assert reading.items("x") == ()


def test_registers_can_be_texts_instants_and_lists(device: Device) -> None:
    reading = device.last_reading
    assert reading.text("0_2_2") == "G11"
    assert reading.text("C_1_0") == "12345678"
    assert reading.instant("S_1_1_4") == datetime(2024, 5, 23, 7, 0, 2, tzinfo=UTC)
    assert reading.items("S_1_1_7") == (3, 1)


@pytest.mark.parametrize("date", ABSURD_DATES)
def test_a_reader_that_lost_its_clock_has_no_date(date: object) -> None:
    device = parsed(
        {
            "lastReading": {"date": date, "OBIS": {"S_1_1_4": date}, "updatedAt": {"1_8_0": date}},
            "initialReading": {"date": date, "OBIS": {"1_8_0": 1}},
        }
    )
    reading = device.last_reading
    assert (reading.date, reading.instant("S_1_1_4"), reading.updated_at) == (None, None, {})
    assert device.initial_reading is not None
    assert (device.initial_reading.date, device.initial_reading.number("1_8_0")) == (None, 1)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_number_is_unknown_wherever_a_number_belongs(value: object) -> None:
    device = parsed(
        {
            "config": {"multiplier": value, "contract": {"contractedPowerLimit": value}},
            "lastReading": {
                "OBIS": {"1_8_0": value, "S_1_1_2": value},
                "BATTERY_VOLTAGE": value,
                "BATTERY_PC": value,
            },
            "initialReading": {"date": SEVEN.isoformat(), "OBIS": {"1_8_0": value}},
            "usage": dict.fromkeys(USAGE_FIELDS, value),
            "production": dict.fromkeys(USAGE_FIELDS, value),
        }
    )
    assert device.initial_reading is not None
    assert (device.multiplier, device.contracted_power_kw) == (1.0, None)
    assert (device.number("1_8_0"), device.initial_reading.number("1_8_0")) == (None, None)
    assert (device.battery_volts, device.battery_percent) == (None, None)
    assert (device.usage, device.production) == (Usage(), Usage())


# The battery


@pytest.mark.parametrize(
    ("volts", "percent"),
    [(1.93, 0), (2.99, 100), (2.46, 50), (1.5, 0), (3.6, 100), (0, 0), (-1, 0)],
)
def test_the_battery_s_charge_follows_from_its_voltage(volts: float, percent: float) -> None:
    assert with_last_reading(BATTERY_VOLTAGE=volts).battery_percent == pytest.approx(percent)


@pytest.mark.parametrize(("told", "percent"), [(88, 88), ("42", 42), (-5, 0), (130, 100)])
def test_the_cloud_s_word_on_the_charge_counts_more(told: object, percent: float) -> None:
    assert with_last_reading(BATTERY_PC=told, BATTERY_VOLTAGE=1.93).battery_percent == percent


def test_the_battery_s_voltage_is_the_cloud_s_else_the_register_s(device: Device) -> None:
    assert device.battery_volts == 2.87
    assert with_registers(S_1_1_2="2.86").battery_volts == 2.86


def test_without_a_voltage_nothing_is_known_of_the_battery() -> None:
    device = with_registers()
    assert (device.battery_volts, device.battery_percent, device.battery_low) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "low"),
    [
        ({"BATTERY_PC": 11}, False),
        ({"BATTERY_PC": 10}, True),
        ({"BATTERY_PC": 90, "BATTERY_STATUS": "LOW"}, True),
        ({"BATTERY_PC": 90, "BATTERY_STATUS": "OK"}, False),
        ({"BATTERY_PC": 90, "OBIS": {"S_1_1_16": ["LOW_BATTERY_VOLTAGE", 7]}}, True),
        ({"BATTERY_PC": 90, "OBIS": {"S_1_1_16": ["low battery voltage"]}}, True),
        ({"BATTERY_PC": 90, "flags": ["LOW_BATTERY_VOLTAGE"]}, False),
        ({"OBIS": {"S_1_1_16": ["LOW_BATTERY_VOLTAGE"]}}, True),
    ],
)
def test_a_battery_is_low_by_charge_status_or_flag(fields: dict[str, object], *, low: bool) -> None:
    assert with_last_reading(**fields).battery_low is low


# Flags


@pytest.mark.parametrize(
    ("raised", "holds"),
    [("2024-05-23T07:00:00.000Z", True), ("2024-05-23T07:05:00.000Z", True), (BEFORE, False)],
)
def test_a_flag_holds_if_it_was_raised_since_the_reading(raised: object, *, holds: bool) -> None:
    date = raised.isoformat() if isinstance(raised, datetime) else raised
    device = with_last_reading(date=SEVEN.isoformat(), flags=[FLAG], updatedAt={FLAG: date})
    assert device.readout_failed is holds


def test_a_flag_with_a_date_holds_when_the_reading_has_none() -> None:
    device = with_last_reading(flags=[FLAG], updatedAt={FLAG: SEVEN.isoformat()})
    assert device.readout_failed


@pytest.mark.parametrize("flags", [[FLAG], []])
def test_a_flag_without_a_date_holds_if_the_reader_s_own_list_has_it(flags: list[str]) -> None:
    assert with_last_reading(flags=flags, OBIS={"S_1_1_16": [FLAG]}).readout_failed
    assert not with_last_reading(flags=flags, OBIS={"S_1_1_16": []}).readout_failed


def test_a_flag_that_ever_occurred_is_listed_without_holding(device: Device) -> None:
    assert FLAG in device.last_reading.flags
    assert not device.readout_failed


@pytest.mark.parametrize(
    "flag", ["SYNCHRONIZATION_NEEDED", "synchronization needed", "TIME_SYNC_REQUIRED", "NeedsSync"]
)
def test_a_flag_that_speaks_of_synchronizing_asks_for_it(flag: str) -> None:
    device = with_registers(S_1_1_16=[flag])
    assert (device.synchronization_needed, device.on_wrong_meter) == (True, False)


@pytest.mark.parametrize(
    "flag", ["DEVICE_ON_WRONG_METER", "device on the wrong meter", "WrongMeter", "METER_WRONG"]
)
def test_a_flag_that_speaks_of_a_wrong_meter_says_so(flag: str) -> None:
    device = with_registers(S_1_1_16=[flag])
    assert (device.synchronization_needed, device.on_wrong_meter) == (False, True)


@pytest.mark.parametrize("flag", [FLAG, "LOW_BATTERY_VOLTAGE", "WRONG_TARIFF", "METER_ERROR", ""])
def test_other_flags_say_neither(flag: str) -> None:
    device = with_registers(S_1_1_16=[flag, None, 7, ["SYNC"]])
    assert (device.synchronization_needed, device.on_wrong_meter) == (False, False)


@pytest.mark.parametrize(("raised", "holds"), [(SEVEN, True), (BEFORE, False), (None, False)])
def test_a_state_whose_flag_once_occurred_holds_only_if_it_does_now(
    raised: datetime | None, *, holds: bool
) -> None:
    flags = ["SYNCHRONIZATION_NEEDED", "WRONG_METER", "BATTERY_LOW"]
    device = with_last_reading(
        date=SEVEN.isoformat(),
        flags=flags,
        updatedAt={} if raised is None else dict.fromkeys(flags, raised.isoformat()),
        BATTERY_PC=90,
    )
    assert device.synchronization_needed is holds
    assert device.on_wrong_meter is holds
    assert device.battery_low is holds


# Whatever the server gives


def read_everything(device: Device) -> None:
    repr(device)
    for code in (*REGISTERS, *device.last_reading.values):
        device.number(code)
        device.last_reading.text(code)
        device.last_reading.instant(code)
        device.last_reading.items(code)
    for flag in device.last_reading.flags:
        device.last_reading.has_flag(flag)
    assert device.display_name
    assert device.battery_percent is None or 0 <= device.battery_percent <= 100
    assert device.battery_low in {None, True, False}
    assert device.readout_failed in {True, False}
    assert device.synchronization_needed in {True, False}
    assert device.on_wrong_meter in {True, False}


@settings(deadline=None)
@given(devices_with_oddities())
def test_any_json_in_any_place_is_a_device_or_an_invalid_response(data: dict[str, object]) -> None:
    try:
        devices = (parsed(data), *parse_devices({"devices": [data]}))  # type: ignore[list-item]
    except InvalidResponseError:
        return
    for device in devices:
        read_everything(device)


@given(json_values())
def test_any_json_is_devices_or_an_invalid_response(value: JSON) -> None:
    attempts: list[JSON] = [value, {"devices": value}, {"devices": [value, {"_id": value}]}]
    for attempt in attempts:
        try:
            devices = parse_devices(attempt)
        except InvalidResponseError:
            continue
        for device in devices:
            read_everything(device)


def test_a_product_that_is_no_number_any_more_is_unknown() -> None:
    data = {"config": {"multiplier": 1e10}, "lastReading": {"OBIS": {"1_8_0": 1e300}}}
    assert parsed(data).number("1_8_0") is None
