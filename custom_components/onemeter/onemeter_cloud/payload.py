"""Devices as JSON again, in the shape of the API: to be stored, and read back by `parse_device`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .readings import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .models import Device, Reading, RegisterInfo, Usage
    from .parsing import JSON


def device_payload(device: Device) -> dict[str, JSON]:
    """Return a device as the API would give it: `parse_device` makes an equal device of it.

    It holds what `Device` keeps and nothing else, so no owner, users, position or address. Register
    values are those of the device itself, not copies.
    """
    return {
        "_id": device.id,
        **_known({"SN": device.serial_number}),
        "info": _known({"name": device.name, "manufacturer": device.meter_manufacturer}),
        "meteringPoint": _known({"meterID": device.meter_id}),
        "config": {
            "multiplier": device.multiplier,
            "usageKeys": _known({"activeEnergy": device.named_register}),
            "contract": _known({"contractedPowerLimit": device.contracted_power_kw}),
        },
        "lastReading": _reading_payload(device.last_reading),
        **_known(
            {
                "initialReading": None
                if device.initial_reading is None
                else _reading_payload(device.initial_reading)
            }
        ),
        "usage": _usage_payload(device.usage),
        "production": _usage_payload(device.production),
        "firmware": _known({"currentVersion": device.firmware_version}),
        "hardware": _known({"version": device.hardware_version}),
        "timezone": _known({"name": device.timezone}),
        "meta": {code: _register_payload(info) for code, info in device.registers.items()},
        "disabled": device.archived,
    }


def _reading_payload(reading: Reading) -> dict[str, JSON]:
    return {
        **_known({"date": None if reading.date is None else _instant_payload(reading.date)}),
        "OBIS": dict(reading.values),
        "updatedAt": {
            code: _instant_payload(instant) for code, instant in reading.updated_at.items()
        },
        "flags": [*sorted(reading.flags)],
        **_known(
            {
                "BATTERY_VOLTAGE": reading.battery_volts,
                "BATTERY_PC": reading.battery_percent,
                "BATTERY_STATUS": reading.battery_status,
                "source": reading.source,
            }
        ),
    }


def _usage_payload(usage: Usage) -> dict[str, JSON]:
    return _known(
        {
            "thisMonth": usage.this_month,
            "previousMonth": usage.previous_month,
            "lastHour": usage.last_hour,
            "fullTime": usage.full_time,
            "projection": usage.projection,
        }
    )


def _register_payload(info: RegisterInfo) -> dict[str, JSON]:
    return {**_known({"unit": info.unit}), "description": _known({"short": info.name})}


def _instant_payload(instant: datetime) -> str:
    """Return an instant as the API writes it, or more exactly if it is finer than milliseconds."""
    return instant.isoformat() if instant.microsecond % 1000 else format_instant(instant)


def _known(fields: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
