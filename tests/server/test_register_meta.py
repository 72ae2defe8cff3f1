"""The `meta` of a register: the vendor's keys, units and categories, in English and in Polish."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_cloud.models import RegisterInfo, parse_device
from onemeter_cloud.obis import REGISTERS, Quantity
from onemeter_server.models.register_meta import register_meta

if TYPE_CHECKING:
    from onemeter_server.models.register_meta import Locale

DEVICE_ID = "5b2f7a04-6c1d-4e8a-b3f9-0d8e7c6b5a41"

# F_8_x is the older name of 15_8_x.
NAMED_ONCE = [code for code in REGISTERS if not code.startswith("F_8_")]

every_register = pytest.mark.parametrize("code", REGISTERS)
in_both_languages = pytest.mark.parametrize("locale", ["en", "pl"])


def meta(code: str, locale: Locale = "en") -> dict[str, Any]:
    return cast("dict[str, Any]", register_meta(code, locale))


# The vendor's own description of its API


@pytest.mark.parametrize(
    ("code", "key", "description"),
    [
        (
            "1_8_0",
            "POSITIVE_ACTIVE_ENERGY_TOTAL",
            {"short": "Energy A+ (total)", "long": "Positive active energy A+ (total)"},
        ),
        (
            "2_8_0",
            "NEGATIVE_ACTIVE_ENERGY_TOTAL",
            {"short": "Energy A- (total)", "long": "Negative active energy A- (total)"},
        ),
        (
            "F_8_0",
            "ABSOLUTE_ACTIVE_ENERGY_TOTAL",
            {"short": "Energy |A| (total)", "long": "Absolute active energy |A| (total)"},
        ),
    ],
)
def test_the_vendor_s_examples_are_met(code: str, key: str, description: dict[str, str]) -> None:
    said = meta(code)

    assert {name: said[name] for name in said if name != "shortcode"} == {
        "key": key,
        "constant": False,
        "category": "energy",
        "subcategory": "active",
        "unit": "kWh",
        "description": description,
    }


# A device that its owner published


@pytest.mark.parametrize(
    ("code", "key", "category", "unit", "shortcode"),
    [
        ("0_0_0", "METER_ID_NUMBER", "meter/identification", "", "0"),
        ("0_9_1", "TIME", "meter/identification", "", "2"),
        ("0_9_2", "DATE", "meter/identification", "", "3"),
        ("1_8_0", "POSITIVE_ACTIVE_ENERGY_TOTAL", "energy/active", "kWh", "12"),
        ("1_8_1", "POSITIVE_ACTIVE_ENERGY_T1", "energy/active", "kWh", "13"),
        ("1_8_2", "POSITIVE_ACTIVE_ENERGY_T2", "energy/active", "kWh", "14"),
        ("2_8_0", "NEGATIVE_ACTIVE_ENERGY_TOTAL", "energy/active", "kWh", "17"),
        ("C_1_0", "METER_SERIAL_NUMBER", "meter/identification", "", "62"),
        ("F_F_0", "METER_ERROR_CODE", "meter/diagnostic", "", "63"),
        ("S_1_1_2", "BATTERY_VOLTAGE", "non-obis/beacon-info", "V", "75"),
        ("S_1_1_4", "READOUT_TIME_SECONDS", "non-obis/beacon-info", "", "77"),
        ("S_1_1_6", "READOUT_SUCCEEDED_CNT", "non-obis/beacon-info", "", "79"),
        ("S_1_1_7", "READOUT_FAILED_CNT", "non-obis/beacon-info", "", "80"),
        ("S_1_1_8", "UART_PARAMETERS", "non-obis/beacon-info", "", "82"),
        ("S_1_1_9", "TEMPERATURE", "non-obis/beacon-info", "°C", "83"),
        ("S_1_1_14", "TESTS", "non-obis/beacon-info", "", "87"),
        ("S_1_1_16", "ONEMETER_DEVICE_STATUS", "non-obis/beacon-info", "", None),
    ],
)
def test_registers_are_called_as_the_vendor_s_cloud_called_them(
    code: str, key: str, category: str, unit: str, shortcode: str | None
) -> None:
    said = meta(code)

    assert said["key"] == key
    assert f"{said['category']}/{said['subcategory']}" == category
    assert said["unit"] == unit
    assert said.get("shortcode") == shortcode


def test_what_the_vendor_calls_constant_is_constant() -> None:
    assert {code for code in REGISTERS if meta(code)["constant"]} == {
        *("0_0_0", "C_1_0", "C_90_1"),
        *("S_1_1_1", "S_1_1_2"),
    }


@pytest.mark.parametrize(
    ("code", "tag"), [("1_8_0", 0x0C), ("2_8_0", 0x11), ("3_8_0", 0x16), ("4_8_0", 0x1B)]
)
def test_shortcodes_are_the_tags_of_the_readers_broadcast(code: str, tag: int) -> None:
    assert meta(code)["shortcode"] == str(tag)


# By the same scheme


@pytest.mark.parametrize(
    ("code", "key", "subcategory", "unit"),
    [
        ("1_8_4", "POSITIVE_ACTIVE_ENERGY_T4", "active", "kWh"),
        ("2_8_1", "NEGATIVE_ACTIVE_ENERGY_T1", "active", "kWh"),
        ("15_8_0", "ABSOLUTE_ACTIVE_ENERGY_TOTAL", "active", "kWh"),
        ("15_8_2", "ABSOLUTE_ACTIVE_ENERGY_T2", "active", "kWh"),
        ("3_8_0", "POSITIVE_REACTIVE_ENERGY_TOTAL", "reactive", "kvarh"),
        ("4_8_3", "NEGATIVE_REACTIVE_ENERGY_T3", "reactive", "kvarh"),
        ("5_8_0", "REACTIVE_ENERGY_R1_TOTAL", "reactive", "kvarh"),
        ("8_8_1", "REACTIVE_ENERGY_R4_T1", "reactive", "kvarh"),
    ],
)
def test_other_energies_follow_the_scheme(code: str, key: str, subcategory: str, unit: str) -> None:
    said = meta(code)

    assert (said["key"], said["category"], said["subcategory"], said["unit"]) == (
        key,
        "energy",
        subcategory,
        unit,
    )


@every_register
@in_both_languages
def test_every_register_of_the_catalogue_is_described(code: str, locale: Locale) -> None:
    said = meta(code, locale)

    assert said.keys() - {"shortcode"} == {
        *("key", "constant", "category", "subcategory", "unit", "description"),
    }
    assert re.fullmatch("[A-Z][A-Z0-9_]*", said["key"])
    assert said["key"] != code
    assert all(said[name] for name in ("category", "subcategory"))
    assert said["description"].keys() == {"short", "long"}
    for text in said["description"].values():
        assert text
        assert text != code
        assert "{" not in text


@every_register
def test_languages_differ_in_descriptions_alone(code: str) -> None:
    english, polish = meta(code), meta(code, "pl")

    assert english | {"description": None} == polish | {"description": None}
    assert english["description"]["long"] != polish["description"]["long"]


@in_both_languages
def test_descriptions_and_keys_tell_registers_apart(locale: Locale) -> None:
    said = [meta(code, locale) for code in NAMED_ONCE]

    assert len({each["key"] for each in said}) == len(said)
    assert len({each["description"]["short"] for each in said}) == len(said)
    assert len({each["description"]["long"] for each in said}) == len(said)


@every_register
def test_units_are_those_of_the_catalogue(code: str) -> None:
    register = REGISTERS[code]
    clock = register.quantity is Quantity.TIME_OF_DAY

    assert meta(code)["unit"] == ("" if clock else register.unit or "")


def test_shortcodes_tell_registers_apart() -> None:
    shortcodes = [each["shortcode"] for each in map(meta, REGISTERS) if "shortcode" in each]

    assert len(set(shortcodes)) == len(shortcodes) > 20


# Unknown registers


@pytest.mark.parametrize(
    ("code", "category", "subcategory"),
    [
        ("96_1_0", "meter", "other"),
        ("S_1_2_0", "non-obis", "beacon-info"),
        ("", "meter", "other"),
    ],
)
def test_an_unknown_register_goes_by_its_code(code: str, category: str, subcategory: str) -> None:
    assert meta(code, "pl") == meta(code)
    assert meta(code) == {
        "key": code,
        "constant": False,
        "category": category,
        "subcategory": subcategory,
        "unit": "",
        "description": {"short": code, "long": code},
    }


@given(st.text())
def test_any_text_is_a_code(code: str) -> None:
    if code not in REGISTERS:
        assert meta(code)["key"] == code
        assert meta(code)["description"] == {"short": code, "long": code}


# Those who read it


@every_register
def test_it_is_json_and_the_library_reads_it(code: str) -> None:
    (info,) = parse_device(
        {"_id": DEVICE_ID, "meta": {code: orjson.loads(orjson.dumps(meta(code)))}}, DEVICE_ID
    ).registers.values()

    assert info == RegisterInfo(
        unit=meta(code)["unit"] or None, name=meta(code)["description"]["short"]
    )


def test_asking_again_makes_nothing_anew() -> None:
    assert register_meta("1_8_0") is register_meta("1_8_0")
