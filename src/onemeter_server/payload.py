"""A device as the API describes it, made from its record and a few readings: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from onemeter_cloud.models import BATTERY_EMPTY_VOLTS, BATTERY_FULL_VOLTS
from onemeter_cloud.obis import OBIS_BATTERY_VOLTAGE, OBIS_ENERGY_MINUS, REGISTERS, Quantity

from .dates import format_epoch
from .descriptions import describe
from .numbers import as_number
from .usage import Month, usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from .records import JSON, DeviceHistory, DeviceRecord, StoredReading

_CATEGORIES: Final = {
    Quantity.ENERGY: "energy",
    Quantity.REACTIVE_ENERGY: "energy",
    Quantity.POWER: "power",
    Quantity.DEMAND: "power",
    Quantity.CUMULATIVE_DEMAND: "power",
    Quantity.VOLTAGE: "network",
    Quantity.CURRENT: "network",
}
_OTHER_CATEGORY: Final = "device"

_CONSTANT_KEYS: Final = frozenset(
    {"meter_id_number", "meter_serial_number", "optical_port_address", "meter_family"}
)


def device_payload(record: DeviceRecord, history: DeviceHistory, now: datetime) -> dict[str, JSON]:
    """Return the JSON of a device, with the record's `extra` laid over it and `omit` left out."""
    newest = history.newest[0] if history.newest else None
    first = _simple_reading(history.first)
    month = Month.of(now, record.zone)
    payload: dict[str, JSON] = {
        "_id": record.id,
        "SN": record.serial_number,
        "MAC": record.mac,
        "type": "beacon",
        "info": {
            "name": record.name,
            "manufacturer": record.manufacturer,
            "protocol": record.protocol,
            "GPSCoords": None,
            "location": {},
        },
        "meteringPoint": {"meterID": record.meter_id},
        "config": {
            "multiplier": record.multiplier,
            "usageKeys": {"activeEnergy": record.main_register},
            "contract": record.contract,
        },
        "lastReading": _last_reading(record, newest),
        "initialReading": first,
        "firstReading": first,
        "usage": usage(record.main_register, history, month),
        "production": usage(OBIS_ENERGY_MINUS, history, month),
        "firmware": {"currentVersion": record.firmware},
        "hardware": {"version": record.hardware},
        "timezone": {"name": record.timezone},
        "meta": {code: register_meta(code) for code in (newest.values if newest else ())},
        "disabled": record.disabled,
        "disabledAt": None,
        "tags": [],
        "own": True,
        "public": False,
        "negativeEnergyExists": bool(newest and as_number(newest.values.get(OBIS_ENERGY_MINUS))),
        "owner": record.owner,
        "users": [record.owner],
    }
    return _without(_merged(payload, record.extra), record.omit)


def register_meta(code: str) -> dict[str, JSON]:
    """Return the `meta` of a register; one that the catalogue lacks goes by its code."""
    description = describe(code)
    register = REGISTERS.get(code)
    return {
        "key": code if register is None else register.key,
        "unit": None if register is None else register.unit,
        "category": (
            _OTHER_CATEGORY
            if register is None
            else _CATEGORIES.get(register.quantity, _OTHER_CATEGORY)
        ),
        "subcategory": None if register is None else register.variant,
        "constant": register is not None and register.key in _CONSTANT_KEYS,
        "description": {"short": description, "long": description},
    }


def battery_percent(volts: float) -> float:
    """Return the charge of a reader's battery in percent, linear in its voltage, clamped."""
    share = (volts - BATTERY_EMPTY_VOLTS) / (BATTERY_FULL_VOLTS - BATTERY_EMPTY_VOLTS)
    return round(100.0 * min(1.0, max(0.0, share)), 1)


def _simple_reading(reading: StoredReading | None) -> JSON:
    if reading is None:
        return None
    return {"date": format_epoch(reading.time), "OBIS": reading.values}


def _last_reading(record: DeviceRecord, reading: StoredReading | None) -> JSON:
    if reading is None:
        return None
    date = format_epoch(reading.time)
    volts = as_number(reading.values.get(OBIS_BATTERY_VOLTAGE))
    return {
        "date": date,
        "OBIS": reading.values,
        "updatedAt": dict.fromkeys(reading.values, date),
        "flags": [],
        "BATTERY_VOLTAGE": volts,
        "BATTERY_PC": None if volts is None else battery_percent(volts),
        "source": "mqtt",
        "meterID": record.meter_id,
    }


def _merged(base: Mapping[str, JSON], over: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return one mapping laid over another; mappings in both are merged, all else is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = (
            _merged(below, value)
            if isinstance(below, Mapping) and isinstance(value, Mapping)
            else value
        )
    return result


def _without(payload: dict[str, JSON], paths: Sequence[str]) -> dict[str, JSON]:
    """Return a payload without the fields of these dotted paths."""
    for path in paths:
        head, _, rest = path.partition(".")
        below = payload.get(head)
        if not rest:
            payload = {key: value for key, value in payload.items() if key != head}
        elif isinstance(below, Mapping):
            payload = payload | {head: _without(dict(below), (rest,))}
    return payload
