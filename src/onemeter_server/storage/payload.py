"""A device as the API describes it, made from its record and a few readings: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from onemeter_cloud.history import HOUR_SECONDS
from onemeter_cloud.models import BATTERY_EMPTY_VOLTS, BATTERY_FULL_VOLTS
from onemeter_cloud.obis import OBIS_BATTERY_VOLTAGE, OBIS_METER_SERIAL
from onemeter_cloud.parsing import as_register
from onemeter_server.models.dates import format_epoch
from onemeter_server.models.months import Month
from onemeter_server.models.register_meta import register_meta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onemeter_server.energy.summary import Counter, Summary
    from onemeter_server.models.records import JSON, DeviceRecord

# Registers have two decimals; the third allows for meters that are finer than the API says.
_DECIMALS: Final = 3

# The registers by which a meter can be told, the vendor's choice first.
_IDENTIFYING: Final = ("0_0_0", OBIS_METER_SERIAL)

# The vendor's scale is not known; a healthy battery was seen with 4, so it is taken for quarters.
_BATTERY_STATUS_FULL: Final = 4

_USAGE_FIELDS: Final = (
    "thisMonth",
    "previousMonth",
    "lastHour",
    "fullTime",
    "projection",
    "projectionFillRatio",
)


def device_payload(record: DeviceRecord, summary: Summary | None, now: int) -> dict[str, JSON]:
    """Return the JSON of a device, with the record's `extra` laid over it and `omit` left out.

    `summary` is what its readings tell, `None` without any. What it says of months holds in the
    month of `now` (epoch seconds).
    """
    month = Month.of(now, record.zone)
    first = None if summary is None else _first_reading(record, summary)
    latest = {} if summary is None else summary.latest
    usage, production = (summary.usage, summary.production) if summary else (None, None)
    payload: dict[str, JSON] = {
        "_id": record.id,
        "SN": record.serial_number or "",
        "MAC": record.mac or "",
        "type": "home",
        "info": {
            "name": record.name or "",
            "manufacturer": record.manufacturer or "",
            "protocol": record.protocol or "",
            "GPSCoords": {},
            "location": {"city": "", "country": "", "postal": "", "street": ""},
        },
        "meteringPoint": {"meterID": record.meter_id or ""},
        "config": {
            "multiplier": _whole(record.multiplier),
            "usageKeys": {"activeEnergy": record.main_register},
            **_identification(latest),
            "contract": record.contract,
            "uiConfig": {"displayProjections": True, "usedTariff": None},
        },
        "usageKey": record.main_register,
        "lastReading": None if summary is None else _last_reading(record, summary),
        "initialReading": first,
        "firstReading": first,
        "usage": _usage(usage, month),
        "production": _usage(production, month),
        "firmware": {
            "currentVersion": record.firmware or "",
            "versions": [record.firmware] if record.firmware else [],
        },
        "hardware": {"version": record.hardware or ""},
        "timezone": {"name": record.timezone},
        "meta": {code: register_meta(code) for code in latest},
        "disabled": record.disabled,
        "tags": [],
        "own": True,
        "public": False,
        "negativeEnergyExists": bool(production and production.value > 0),
        "metadata": {"billingPeriods": []},
        "owner": record.owner,
        "users": [],
    }
    return _without(_merged(payload, record.extra), record.omit)


def battery_percent(volts: float) -> int:
    """Return the charge of a reader's battery in percent, linear in its voltage, clamped."""
    share = (volts - BATTERY_EMPTY_VOLTS) / (BATTERY_FULL_VOLTS - BATTERY_EMPTY_VOLTS)
    return round(100.0 * min(1.0, max(0.0, share)))


def _whole(number: float) -> int | float:
    """Return a whole number as one."""
    return int(number) if float(number).is_integer() else number


def _identification(latest: Mapping[str, tuple[int, JSON]]) -> dict[str, JSON]:
    """Return by which register a meter can be told, and its value; nothing without one."""
    key = next((code for code in _IDENTIFYING if code in latest), None)
    return {} if key is None else {"idNumber": latest[key][1], "idKey": key}


def _first_reading(record: DeviceRecord, summary: Summary) -> dict[str, JSON]:
    values = {code: (summary.first.time, value) for code, value in summary.first.values.items()}
    return _reading(record, summary.first.time, values, source="init", count=1)


def _last_reading(record: DeviceRecord, summary: Summary) -> dict[str, JSON]:
    """Return the newest value of each register, put together as the cloud does."""
    latest = summary.latest
    return _reading(record, summary.newest, latest, source="mqtt", count=summary.count)


def _reading(
    record: DeviceRecord,
    time: int,
    values: Mapping[str, tuple[int, JSON]],
    *,
    source: str,
    count: int,
) -> dict[str, JSON]:
    reading: dict[str, JSON] = {
        "date": format_epoch(time),
        "UUID": record.id,
        "source": source,
        "count": count,
        "encryption": "none",
        "meterID": record.meter_id or "",
        "OBIS": {code: value for code, (_, value) in values.items()},
        "updatedAt": {code: format_epoch(read_at) for code, (read_at, _) in values.items()},
        "flags": [],
    }
    volts = as_register(values[OBIS_BATTERY_VOLTAGE][1]) if OBIS_BATTERY_VOLTAGE in values else None
    if volts is not None:
        reading["BATTERY_VOLTAGE"] = volts
        percent = battery_percent(volts)
        reading["BATTERY_PC"] = percent
        reading["BATTERY_STATUS"] = round(percent * _BATTERY_STATUS_FULL / 100)
    return reading


def _usage(counter: Counter | None, month: Month) -> dict[str, JSON]:
    """Return the API's `usage` (or `production`) in the unit of the register.

    Everything but the projection is a number as soon as the register has been read.
    """
    if counter is None:
        return dict.fromkeys(_USAGE_FIELDS)
    this_month = round(counter.this_month(month), _DECIMALS)
    projection = _projection(counter, this_month, month)
    return {
        "thisMonth": this_month,
        "previousMonth": round(counter.previous_month(month), _DECIMALS),
        "lastHour": round(counter.last_hour, _DECIMALS),
        "fullTime": round(counter.total, _DECIMALS),
        "projection": projection,
        "projectionFillRatio": (
            round(this_month / projection, _DECIMALS) if this_month and projection else None
        ),
    }


def _projection(counter: Counter, this_month: float, month: Month) -> float | None:
    """Return this month's energy if it goes on at the same rate until the month's end."""
    elapsed = counter.time - max(month.start, counter.since)
    if elapsed < HOUR_SECONDS or counter.time >= month.end:
        return None
    return round(this_month * (elapsed + month.end - counter.time) / elapsed, _DECIMALS)


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
