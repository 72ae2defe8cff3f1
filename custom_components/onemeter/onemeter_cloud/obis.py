"""The register catalogue: what each OBIS code of a OneMeter device means.

Codes are written as the API writes them, with underscores (`1_8_0` for the meter's `1.8.0`).
Source of the meanings: OBIS (IEC 62056-61) for the meter's registers, the vendor's API description
for the reader's own `S_1_1_*`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OBIS_ENERGY_PLUS: Final = "1_8_0"
OBIS_ENERGY_MINUS: Final = "2_8_0"
OBIS_ENERGY_R1: Final = "5_8_0"
OBIS_ENERGY_R4: Final = "8_8_0"
OBIS_ENERGY_ABS: Final = "15_8_0"
OBIS_POWER: Final = "16_7_0"
OBIS_BATTERY_VOLTAGE: Final = "S_1_1_2"
OBIS_METER_SERIAL: Final = "C_1_0"
OBIS_TARIFF: Final = "0_2_2"
OBIS_STATUS_FLAGS: Final = "S_1_1_16"


class Quantity(StrEnum):
    """What a register measures: decides its unit and whether the transformer ratio applies."""

    ENERGY = "energy"
    REACTIVE_ENERGY = "reactive_energy"
    POWER = "power"
    DEMAND = "demand"
    CUMULATIVE_DEMAND = "cumulative_demand"
    VOLTAGE = "voltage"
    CURRENT = "current"
    TEMPERATURE = "temperature"
    BATTERY_VOLTAGE = "battery_voltage"
    COUNT = "count"
    TIME_OF_DAY = "time_of_day"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    LIST = "list"


UNITS: Final[Mapping[Quantity, str]] = MappingProxyType(
    {
        Quantity.ENERGY: "kWh",
        Quantity.REACTIVE_ENERGY: "kvarh",
        Quantity.POWER: "kW",
        Quantity.DEMAND: "kW",
        Quantity.CUMULATIVE_DEMAND: "kW",
        Quantity.VOLTAGE: "V",
        Quantity.CURRENT: "A",
        Quantity.TEMPERATURE: "°C",
        Quantity.BATTERY_VOLTAGE: "V",
        Quantity.TIME_OF_DAY: "s",
    }
)

_MULTIPLIED: Final = frozenset(
    {
        Quantity.ENERGY,
        Quantity.REACTIVE_ENERGY,
        Quantity.POWER,
        Quantity.DEMAND,
        Quantity.CUMULATIVE_DEMAND,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register of a meter or of its reader.

    `key` names what is measured without the variant (`energy_import_tariff`), `variant` the tariff,
    phase or internal code that tells registers of one key apart. `description` is plain English, as
    the API's `meta` would have it.
    """

    code: str
    key: str
    quantity: Quantity
    description: str
    variant: str | None = None

    @property
    def unit(self) -> str | None:
        """The unit that the API delivers the register in, `None` for texts, counts and lists."""
        return UNITS.get(self.quantity)

    @property
    def multiplied(self) -> bool:
        """Whether the register is to be multiplied by the device's transformer ratio."""
        return self.quantity in _MULTIPLIED


def _with_tariffs(group: str, key: str, quantity: Quantity, description: str) -> Iterator[Register]:
    """Yield the total register of an energy group and those of its four tariffs."""
    yield Register(
        code=f"{group}_8_0", key=key, quantity=quantity, description=f"{description} (total)"
    )
    for tariff in "1234":
        yield Register(
            code=f"{group}_8_{tariff}",
            key=f"{key}_tariff",
            quantity=quantity,
            description=f"{description} (tariff {tariff})",
            variant=tariff,
        )


def _of_phases(kind: str, key: str, quantity: Quantity, description: str) -> Iterator[Register]:
    """Yield the registers of an instantaneous quantity of the three phases."""
    for phase, group in (("1", "3"), ("2", "5"), ("3", "7")):
        yield Register(
            code=f"{group}{kind}_7_0",
            key=key,
            quantity=quantity,
            description=f"{description} of phase {phase}",
            variant=phase,
        )


def _catalogue() -> Iterator[Register]:
    energy, reactive = Quantity.ENERGY, Quantity.REACTIVE_ENERGY
    yield from _with_tariffs("1", "energy_import", energy, "Active energy A+")
    yield from _with_tariffs("2", "energy_export", energy, "Active energy A-")
    yield from _with_tariffs("15", "energy_absolute", energy, "Absolute active energy |A|")
    yield from _with_tariffs("F", "energy_absolute", energy, "Absolute active energy |A|")
    yield from _with_tariffs("3", "reactive_import", reactive, "Reactive energy Q+")
    yield from _with_tariffs("4", "reactive_export", reactive, "Reactive energy Q-")
    yield from _with_tariffs("5", "reactive_r1", reactive, "Reactive energy R1")
    yield from _with_tariffs("6", "reactive_r2", reactive, "Reactive energy R2")
    yield from _with_tariffs("7", "reactive_r3", reactive, "Reactive energy R3")
    yield from _with_tariffs("8", "reactive_r4", reactive, "Reactive energy R4")
    yield from _of_phases("2", "voltage_phase", Quantity.VOLTAGE, "Voltage")
    yield from _of_phases("1", "current_phase", Quantity.CURRENT, "Current")

    for code, key, quantity, description in (
        ("16_7_0", "power", Quantity.POWER, "Instantaneous active power"),
        ("1_7_0", "power_import", Quantity.POWER, "Instantaneous active power, import"),
        ("2_7_0", "power_export", Quantity.POWER, "Instantaneous active power, export"),
        ("15_7_0", "power_absolute", Quantity.POWER, "Instantaneous active power, absolute"),
        ("1_4_0", "demand_import", Quantity.DEMAND, "Demand in the current period, import"),
        ("15_4_0", "demand_absolute", Quantity.DEMAND, "Demand in the current period, absolute"),
        ("1_6_0", "maximum_demand_import", Quantity.DEMAND, "Maximum demand, import"),
        ("15_6_0", "maximum_demand_absolute", Quantity.DEMAND, "Maximum demand, absolute"),
        (
            "1_2_1",
            "cumulative_maximum_demand",
            Quantity.CUMULATIVE_DEMAND,
            "Cumulative maximum demand",
        ),
        (OBIS_TARIFF, "active_tariff", Quantity.TEXT, "Active tariff"),
        ("0_0_0", "meter_id_number", Quantity.TEXT, "Meter id number"),
        (OBIS_METER_SERIAL, "meter_serial_number", Quantity.TEXT, "Meter serial number"),
        ("C_90_1", "optical_port_address", Quantity.TEXT, "Address of the optical port"),
        ("0_9_1", "meter_clock", Quantity.TIME_OF_DAY, "Meter's clock, seconds of the day"),
        ("0_9_2", "meter_date", Quantity.TEXT, "Meter's clock, date"),
        ("F_F_0", "meter_error_code", Quantity.TEXT, "Meter error code"),
        ("S_1_1_1", "meter_family", Quantity.TEXT, "Meter family"),
        (OBIS_BATTERY_VOLTAGE, "battery_voltage", Quantity.BATTERY_VOLTAGE, "Battery voltage"),
        ("S_1_1_4", "readout_time", Quantity.TIMESTAMP, "Time of the readout"),
        ("S_1_1_10", "corrected_time", Quantity.TIMESTAMP, "Corrected time of the readout"),
        ("S_1_1_6", "readouts_succeeded", Quantity.COUNT, "Readouts that succeeded"),
        (
            "S_1_1_7",
            "readouts_failed",
            Quantity.LIST,
            "Failed readouts: first, second message",
        ),
        (
            "S_1_1_19",
            "readouts_failed_since_restart",
            Quantity.COUNT,
            "Failed readouts since restart",
        ),
        ("S_1_1_8", "optical_settings", Quantity.LIST, "LED power, baud rate"),
        ("S_1_1_9", "reader_temperature", Quantity.TEMPERATURE, "Temperature of the reader"),
        ("S_1_1_12", "energy_blinks", Quantity.ENERGY, "Energy counted by blinks"),
        (OBIS_STATUS_FLAGS, "status_flags", Quantity.LIST, "Status flags"),
    ):
        yield Register(code=code, key=key, quantity=quantity, description=description)

    for code in ("S_1_1_5", "S_1_1_14"):
        yield Register(
            code=code,
            key="internal_value",
            quantity=Quantity.TEXT,
            description=f"Internal value {code}",
            variant=code,
        )


REGISTERS: Final[Mapping[str, Register]] = MappingProxyType(
    {register.code: register for register in _catalogue()}
)
"""Every known register by its code."""
