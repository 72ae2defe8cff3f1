"""What the sensors of other OneMeter integrations are called here: pure, a table and its reading.

The names are facts of what other integrations store in Home Assistant's registry: words such as
`energy_plus_t1`, OBIS codes in several spellings, and bare numbers in the order of a list.
"""

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from .onemeter_cloud import (
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
from .onemeter_cloud.obis import OBIS_STATUS_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SEPARATORS: Final = re.compile(r"[^0-9a-z]+")
# What the catalogue does not know can be a register all the same; then its sensor has its code.
_CODE: Final = re.compile(r"(?:[0-9]{1,2}|[CFS])(?:_[0-9F]{1,3}){2,3}")
_PREFIXES: Final = ("", "obis_", "1_0_", "obis_1_0_")

_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "battery": (
            "2",
            "battery",
            "battery_level",
            "battery_pc",
            "battery_percent",
            "battery_percentage",
        ),
        "firmware": ("0", "current_version", "firmware", "firmware_version"),
        "last_reading": (
            "1",
            "last_reading",
            "last_readout",
            "last_update",
            "last_updated",
            "lastreading",
        ),
        "usage_this_month": (
            "4",
            "current_month",
            "current_month_consumption",
            "this_month",
            "this_month_usage",
            "thismonth",
            "usage_this_month",
        ),
        "usage_previous_month": (
            "5",
            "last_month",
            "previous_month",
            "previous_month_consumption",
            "previous_month_usage",
            "previousmonth",
            "usage_previous_month",
        ),
        OBIS_BATTERY_VOLTAGE: ("battery_voltage", "voltage"),
        OBIS_METER_SERIAL: ("meter_serial", "serial", "serial_number"),
        OBIS_TARIFF: ("tariff",),
        OBIS_POWER: ("instantaneous_power", "power"),
        OBIS_STATUS_FLAGS: ("device_status", "status"),
        "0_0_0": ("meter_id", "physical_address"),
        "0_9_1": ("time",),
        "0_9_2": ("date",),
        "1_2_1": ("active_max_demand",),
        "1_4_0": ("active_demand",),
        "C_90_1": ("optical_port_serial",),
        "F_F_0": ("meter_error",),
        "S_1_1_4": ("readout_timestamp", "timestamp"),
        "S_1_1_6": ("successful_readings",),
        "S_1_1_7": ("failed_readings_1",),
        "S_1_1_8": ("uart_params",),
        "S_1_1_9": ("temperature",),
        "S_1_1_10": ("readout_timestamp_corrected",),
        "S_1_1_12": ("energy_consumption_blink",),
        "S_1_1_19": ("failed_readings", "failed_readings_2"),
    }
)

_ENERGY_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        OBIS_ENERGY_PLUS: ("energy_import", "energy_plus"),
        OBIS_ENERGY_MINUS: ("energy_export", "energy_minus"),
        OBIS_ENERGY_ABS: (
            "3",
            "consumption",
            "energy",
            "energy_abs",
            "energy_absolute",
            "energy_total",
            "total_consumption",
            "total_energy",
            "usage_level",
        ),
        OBIS_ENERGY_R1: ("energy_r1",),
        "6_8_0": ("energy_r2",),
        "7_8_0": ("energy_r3",),
        OBIS_ENERGY_R4: ("energy_r4",),
    }
)


def counterpart(foreign_key: str) -> str | None:
    """Return the key of our sensor that means the same; `None` if there is none."""
    key = _SEPARATORS.sub("_", foreign_key.casefold()).strip("_")
    return _KEYS.get(key) or _code(key)


def _code(key: str) -> str | None:
    """Return the OBIS code that a key is a spelling of, such as `1-0:1.8.0` of `1_8_0`."""
    codes = [key.removeprefix(prefix).upper() for prefix in _PREFIXES]
    known = next((code for code in codes if code in REGISTERS), None)
    return known or next((code for code in codes if _CODE.fullmatch(code)), None)


def _keys() -> Iterator[tuple[str, str]]:
    """Yield foreign keys with ours; of two that are the same the later one counts."""
    for register in reversed(tuple(REGISTERS.values())):
        yield "_".join(filter(None, (register.key, register.variant))).casefold(), register.code
    for total, names in _ENERGY_NAMES.items():
        group = total.removesuffix("_0")
        for name in names:
            yield name, total
            for tariff in "1234":
                for between in ("_t", "_tariff_", "_phase", "_phase_"):
                    yield f"{name}{between}{tariff}", f"{group}_{tariff}"
    for key, names in _NAMES.items():
        yield from ((name, key) for name in names)


_KEYS: Final[Mapping[str, str]] = MappingProxyType(dict(_keys()))
