"""What the API's answers say, as typed and frozen values.

Every field of the API is optional (see the API's description), so nearly every field here can be
`None`. Owners' names, addresses and positions are not read at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from .errors import ErrorKind, InvalidResponseError
from .obis import (
    OBIS_BATTERY_VOLTAGE,
    OBIS_ENERGY_ABS,
    OBIS_ENERGY_PLUS,
    OBIS_STATUS_FLAGS,
    REGISTERS,
)
from .parsing import (
    JSON,
    as_boolean,
    as_instant,
    as_mapping,
    as_number,
    as_register,
    as_sequence,
    as_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

BATTERY_EMPTY_VOLTS: Final = 1.93
BATTERY_FULL_VOLTS: Final = 2.99
BATTERY_LOW_PERCENT: Final = 10.0

FLAG_READOUT_FAILED: Final = "LAST_READOUT_INCORRECT"
# The API's description tells these states and not what their flags are called.
_BATTERY_WORDS: Final = ("battery",)
_SYNCHRONIZATION_WORDS: Final = ("sync",)
_WRONG_METER_WORDS: Final = ("wrong", "meter")

_MAIN_REGISTERS: Final = (OBIS_ENERGY_PLUS, OBIS_ENERGY_ABS, "F_8_0")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterInfo:
    """What a device's `meta` says of one of its registers."""

    unit: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The registers of a meter at one instant, as the API delivers them (not multiplied).

    `values` maps OBIS codes to raw JSON: numbers, numeric strings, texts, lists or null.
    """

    date: datetime | None = None
    values: Mapping[str, JSON] = field(default_factory=dict)
    updated_at: Mapping[str, datetime] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    battery_volts: float | None = None
    battery_percent: float | None = None
    battery_status: str | None = None
    source: str | None = None

    def number(self, code: str) -> float | None:
        """Return a register as a number in the API's unit, `None` if it is missing or no number."""
        return as_register(self.values.get(code))

    def time_of(self, code: str) -> datetime | None:
        """Return when a register was read: the cloud can have it from before the reading's date."""
        return self.updated_at.get(code, self.date)

    def text(self, code: str) -> str | None:
        """Return a register as a text, `None` if it is missing, empty, a list or null."""
        return as_text(self.values.get(code))

    def instant(self, code: str) -> datetime | None:
        """Return a register as an instant in UTC, `None` if it is missing or no date."""
        return as_instant(self.values.get(code))

    def items(self, code: str) -> tuple[JSON, ...]:
        """Return the elements of a register that is a list; empty if it is missing or no list."""
        return tuple(as_sequence(self.values.get(code)))

    def has_flag(self, flag: str) -> bool:
        """Tell whether a flag holds now.

        `flags` lists what *ever* occurred. One that has a date holds if it was raised since the
        reading, one without a date if the reader's own status list carries it.
        """
        if flag not in self.flags:
            return flag in self.items(OBIS_STATUS_FLAGS)
        raised = self.updated_at.get(flag)
        if raised is None:
            return flag in self.items(OBIS_STATUS_FLAGS)
        return self.date is None or raised >= self.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Energy of the periods that the cloud adds up itself, in kWh."""

    this_month: float | None = None
    previous_month: float | None = None
    last_hour: float | None = None
    full_time: float | None = None
    projection: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A OneMeter reader and the meter it reads.

    `multiplier` is the transformer ratio, which the API does not apply to registers by itself.
    `named_register` is the OBIS code that the device names as its main one.
    """

    id: str
    name: str | None = None
    serial_number: str | None = None
    meter_id: str | None = None
    meter_manufacturer: str | None = None
    multiplier: float = 1.0
    named_register: str | None = None
    contracted_power_kw: float | None = None
    last_reading: Reading = field(default_factory=Reading)
    initial_reading: Reading | None = None
    usage: Usage = field(default_factory=Usage)
    production: Usage = field(default_factory=Usage)
    firmware_version: str | None = None
    hardware_version: str | None = None
    timezone: str | None = None
    registers: Mapping[str, RegisterInfo] = field(default_factory=dict)
    archived: bool = False

    @property
    def main_register(self) -> str | None:
        """The OBIS code that counts what the owner uses: as named, else the first reported."""
        reported = self.last_reading.values
        return self.named_register or next(
            (code for code in _MAIN_REGISTERS if code in reported), None
        )

    def number(self, code: str, *, multiply: bool = True) -> float | None:
        """Return a register of the last reading, multiplied by the transformer ratio if it applies.

        Units are those of the register catalogue: kWh, kvarh, kW, V, A, degrees Celsius.
        """
        value = self.last_reading.number(code)
        register = REGISTERS.get(code)
        if value is None or not multiply or register is None or not register.multiplied:
            return value
        product = value * self.multiplier
        return product if math.isfinite(product) else None

    @property
    def display_name(self) -> str:
        """What the device is called: as its owner named it, else after its meter or itself."""
        return self.name or self.meter_id or self.serial_number or self.id

    @property
    def battery_volts(self) -> float | None:
        """The voltage of the reader's battery in V."""
        volts = self.last_reading.battery_volts
        return volts if volts is not None else self.last_reading.number(OBIS_BATTERY_VOLTAGE)

    @property
    def battery_percent(self) -> float | None:
        """The charge of the reader's battery in percent: the cloud's, else from the voltage."""
        if self.last_reading.battery_percent is not None:
            return min(100.0, max(0.0, self.last_reading.battery_percent))
        if self.battery_volts is None:
            return None
        share = (self.battery_volts - BATTERY_EMPTY_VOLTS) / (
            BATTERY_FULL_VOLTS - BATTERY_EMPTY_VOLTS
        )
        return 100.0 * min(1.0, max(0.0, share))

    @property
    def battery_low(self) -> bool | None:
        """Whether the reader's battery should be changed; `None` without any word on it."""
        status = self.last_reading.battery_status
        if status is not None and "low" in status.casefold():
            return True
        if self._has_flag_with(_BATTERY_WORDS):
            return True
        if self.battery_percent is None:
            return None
        return self.battery_percent <= BATTERY_LOW_PERCENT

    @property
    def readout_failed(self) -> bool:
        """Whether the reader's newest attempt to read the meter failed."""
        return self.last_reading.has_flag(FLAG_READOUT_FAILED)

    @property
    def synchronization_needed(self) -> bool:
        """Whether the reader asks to be synchronized.

        The flag's name is assumed: any that has "sync" in it.
        """
        return self._has_flag_with(_SYNCHRONIZATION_WORDS)

    @property
    def on_wrong_meter(self) -> bool:
        """Whether the reader says that it sits on another meter than it should.

        The flag's name is assumed: any that has both "wrong" and "meter" in it.
        """
        return self._has_flag_with(_WRONG_METER_WORDS)

    def _has_flag_with(self, words: tuple[str, ...]) -> bool:
        """Tell whether a flag holds now whose name has all these words in it, in any case."""
        return any(
            all(word in flag.casefold() for word in words) and self.last_reading.has_flag(flag)
            for flag in self._all_flags
        )

    @property
    def _all_flags(self) -> frozenset[str]:
        status = self.last_reading.items(OBIS_STATUS_FLAGS)
        return self.last_reading.flags | {flag for flag in status if isinstance(flag, str)}


def parse_devices(data: JSON) -> tuple[Device, ...]:
    """Return the devices of the answer of `devices/`.

    Elements without an id cannot be addressed and are left out. Raises `InvalidResponseError` when
    the answer is not a list of devices.
    """
    if not isinstance(data, dict) or not isinstance(elements := data.get("devices"), list):
        raise InvalidResponseError(ErrorKind.NO_DEVICES)
    return tuple(
        _device(device_id, element)
        for element in elements
        if isinstance(element, dict) and (device_id := as_text(element.get("_id"))) is not None
    )


def parse_device(data: JSON, device_id: str) -> Device:
    """Return the device of the answer of `devices/{id}`.

    Raises `InvalidResponseError` when the answer is not a device, or another one.
    """
    if not isinstance(data, dict) or not data.keys() & {"_id", "lastReading", "usage"}:
        raise InvalidResponseError(ErrorKind.NOT_A_DEVICE)
    answered_id = as_text(data.get("_id"))
    if answered_id is not None and answered_id.casefold() != device_id.casefold():
        raise InvalidResponseError(ErrorKind.ANOTHER_DEVICE)
    return _device(device_id, data)


def _device(device_id: str, data: Mapping[str, JSON]) -> Device:
    info = as_mapping(data.get("info"))
    config = as_mapping(data.get("config"))
    contract = as_mapping(config.get("contract"))
    multiplier = as_number(config.get("multiplier"))
    last_reading = _reading(data.get("lastReading"))
    return Device(
        id=device_id,
        name=as_text(info.get("name")),
        serial_number=as_text(data.get("SN")),
        meter_id=as_text(as_mapping(data.get("meteringPoint")).get("meterID"))
        or as_text(as_mapping(data.get("lastReading")).get("meterID")),
        meter_manufacturer=as_text(info.get("manufacturer")),
        multiplier=multiplier if multiplier is not None and multiplier > 0 else 1.0,
        named_register=_named_register(data),
        contracted_power_kw=as_number(contract.get("contractedPowerLimit")),
        last_reading=last_reading,
        initial_reading=_reading(data["initialReading"]) if data.get("initialReading") else None,
        usage=_usage(data.get("usage")),
        production=_usage(data.get("production")),
        firmware_version=as_text(as_mapping(data.get("firmware")).get("currentVersion")),
        hardware_version=as_text(as_mapping(data.get("hardware")).get("version")),
        timezone=as_text(as_mapping(data.get("timezone")).get("name")),
        registers=MappingProxyType(
            {code: _register_info(meta) for code, meta in as_mapping(data.get("meta")).items()}
        ),
        archived=as_boolean(data.get("disabled")) is True,
    )


def _named_register(data: Mapping[str, JSON]) -> str | None:
    """Return the register that the device names as its main one."""
    usage_keys = as_mapping(as_mapping(data.get("config")).get("usageKeys"))
    return as_text(usage_keys.get("activeEnergy")) or as_text(data.get("usageKey"))


def _reading(value: JSON) -> Reading:
    data = as_mapping(value)
    return Reading(
        date=as_instant(data.get("date")),
        values=MappingProxyType(dict(as_mapping(data.get("OBIS")))),
        updated_at=MappingProxyType(
            {
                code: instant
                for code, date in as_mapping(data.get("updatedAt")).items()
                if (instant := as_instant(date)) is not None
            }
        ),
        flags=frozenset(flag for flag in as_sequence(data.get("flags")) if isinstance(flag, str)),
        battery_volts=as_number(data.get("BATTERY_VOLTAGE")),
        battery_percent=as_number(data.get("BATTERY_PC")),
        battery_status=as_text(data.get("BATTERY_STATUS")),
        source=as_text(data.get("source")),
    )


def _usage(value: JSON) -> Usage:
    data = as_mapping(value)
    return Usage(
        this_month=as_number(data.get("thisMonth")),
        previous_month=as_number(data.get("previousMonth")),
        last_hour=as_number(data.get("lastHour")),
        full_time=as_number(data.get("fullTime")),
        projection=as_number(data.get("projection")),
    )


def _register_info(value: JSON) -> RegisterInfo:
    data = as_mapping(value)
    description = as_mapping(data.get("description"))
    return RegisterInfo(
        unit=as_text(data.get("unit")),
        name=as_text(description.get("short"))
        or as_text(description.get("long"))
        or as_text(data.get("description")),
    )
