"""The register catalogue knows every documented code, once, with its unit."""

from dataclasses import FrozenInstanceError

import pytest

from onemeter_cloud import (
    OBIS_BATTERY_VOLTAGE,
    OBIS_ENERGY_ABS,
    OBIS_ENERGY_MINUS,
    OBIS_ENERGY_PLUS,
    OBIS_ENERGY_R1,
    OBIS_ENERGY_R4,
    OBIS_METER_SERIAL,
    OBIS_POWER,
    OBIS_TARIFF,
    REGISTERS,
)

ENERGY_GROUPS = ("1", "2", "15", "F")
REACTIVE_GROUPS = ("3", "4", "5", "6", "7", "8")

UNITS_OF_CODES = {
    **{f"{group}_8_{tariff}": "kWh" for group in ENERGY_GROUPS for tariff in range(5)},
    **{f"{group}_8_{tariff}": "kvarh" for group in REACTIVE_GROUPS for tariff in range(5)},
    **dict.fromkeys(("16_7_0", "1_7_0", "2_7_0", "15_7_0"), "kW"),
    **dict.fromkeys(("1_4_0", "15_4_0", "1_6_0", "15_6_0", "1_2_1"), "kW"),
    **dict.fromkeys(("32_7_0", "52_7_0", "72_7_0"), "V"),
    **dict.fromkeys(("31_7_0", "51_7_0", "71_7_0"), "A"),
    **dict.fromkeys(("0_2_2", "0_0_0", "C_1_0", "C_90_1", "0_9_2", "F_F_0", "S_1_1_1"), None),
    "0_9_1": "s",
    "S_1_1_2": "V",
    **dict.fromkeys(("S_1_1_4", "S_1_1_10", "S_1_1_5", "S_1_1_14"), None),
    **dict.fromkeys(("S_1_1_6", "S_1_1_7", "S_1_1_19", "S_1_1_8", "S_1_1_16"), None),
    "S_1_1_9": "°C",
    "S_1_1_12": "kWh",
}


def test_every_documented_code_is_known_and_no_other() -> None:
    assert set(REGISTERS) == set(UNITS_OF_CODES)


@pytest.mark.parametrize(("code", "unit"), UNITS_OF_CODES.items())
def test_each_register_has_its_unit(code: str, unit: str | None) -> None:
    assert REGISTERS[code].unit == unit


@pytest.mark.parametrize(("code", "unit"), UNITS_OF_CODES.items())
def test_what_the_meter_measures_through_a_transformer_is_multiplied(
    code: str, unit: str | None
) -> None:
    assert REGISTERS[code].multiplied == (unit in {"kWh", "kvarh", "kW"})


def test_each_register_is_filed_under_its_own_code() -> None:
    assert all(register.code == code for code, register in REGISTERS.items())


def test_key_and_variant_name_a_register() -> None:
    # The older `F_8_x` are the `15_8_x` of other devices, and meant to be named like them.
    names = [(r.key, r.variant) for code, r in REGISTERS.items() if not code.startswith("F_8_")]
    assert len(set(names)) == len(names)


def test_older_codes_of_the_absolute_energy_are_named_like_the_newer() -> None:
    for tariff in range(5):
        older, newer = REGISTERS[f"F_8_{tariff}"], REGISTERS[f"15_8_{tariff}"]
        assert (older.key, older.variant) == (newer.key, newer.variant)


def test_every_register_is_described() -> None:
    assert all(register.description for register in REGISTERS.values())


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        REGISTERS["1_8_0"] = REGISTERS["2_8_0"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        REGISTERS["1_8_0"].key = "other"  # type: ignore[misc]


def test_the_documented_constants_are_those_of_the_vendor() -> None:
    assert {
        "OBIS_ENERGY_PLUS": OBIS_ENERGY_PLUS,
        "OBIS_ENERGY_MINUS": OBIS_ENERGY_MINUS,
        "OBIS_ENERGY_R1": OBIS_ENERGY_R1,
        "OBIS_ENERGY_R4": OBIS_ENERGY_R4,
        "OBIS_ENERGY_ABS": OBIS_ENERGY_ABS,
        "OBIS_POWER": OBIS_POWER,
        "OBIS_BATTERY_VOLTAGE": OBIS_BATTERY_VOLTAGE,
        "OBIS_METER_SERIAL": OBIS_METER_SERIAL,
        "OBIS_TARIFF": OBIS_TARIFF,
    } == {
        "OBIS_ENERGY_PLUS": "1_8_0",
        "OBIS_ENERGY_MINUS": "2_8_0",
        "OBIS_ENERGY_R1": "5_8_0",
        "OBIS_ENERGY_R4": "8_8_0",
        "OBIS_ENERGY_ABS": "15_8_0",
        "OBIS_POWER": "16_7_0",
        "OBIS_BATTERY_VOLTAGE": "S_1_1_2",
        "OBIS_METER_SERIAL": "C_1_0",
        "OBIS_TARIFF": "0_2_2",
    }
