"""What the vendor's description of its API says, as facts: operations, parameters, fields, types.

A type is `string`, `number`, `integer`, `boolean`, `date-time`, `any`, words that are allowed
(`en|pl`), a list of one type, or a mapping of fields. `CODE` stands for any OBIS code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

type Shape = str | list[Shape] | dict[str, Shape]

CODE: Final = "<code>"

_AGGREGATION: Final = "quarter|hour|day"
_PROFILE: Final = (
    "allDayTraces|dailyUsageInTariffs|dayFine|dayWeekend|dayWorking|loadDuration|powerOverspends"
    "|tariffOverallSummary|weekCoarse|weekFine"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter in the query: its type, its bounds, what holds if it is left out."""

    type: str
    is_required: bool = False
    least: int | None = None
    most: int | None = None
    default: str | int | bool | None = None


_TEXT: Final = Parameter(type="string")
_SWITCH: Final = Parameter(type="boolean", default=False)
_DATE: Final = Parameter(type="date-time", is_required=True)
_LIMIT: Final = Parameter(type="number", least=1, most=357120, default=357120)
_SKIP: Final = Parameter(type="number", least=0, default=0)
_SORT: Final = Parameter(type="ascending|descending", default="ascending")
_LOCALE: Final = Parameter(type="en|pl", default="en")

_COMMON: Final = {
    "from": _TEXT,
    "to": _TEXT,
    "columns": _TEXT,
    "codes": _TEXT,
    "locale": _LOCALE,
    "applyMultiplier": _SWITCH,
}
_ROWS: Final = {"limit": _LIMIT, "skip": _SKIP, "sort": _SORT, **_COMMON}
_FILE: Final = {
    **_ROWS,
    "patch": _SWITCH,
    "timezone": Parameter(type="number", default=0),
    "columnSeparator": Parameter(type="string", default=";"),
    "decimalSeparator": _TEXT,
    "beaconName": _TEXT,
}

# By paths in which the words that a part may be stand in its place. The last part of an exported
# file's path is one of two names there; here each is an operation.
OPERATIONS: Final[dict[str, dict[str, Parameter]]] = {
    "devices": {},
    "devices/{id}/readings": {
        **_COMMON,
        "limit": Parameter(type="number", is_required=True, least=1, most=357120, default=357120),
        "skip": Parameter(type="number", is_required=True, least=0, default=0),
        "sort": Parameter(type="ascending|descending", is_required=True, default="ascending"),
    },
    f"devices/{{id}}/export/{{readings|usages}}/{{{_AGGREGATION}}}/data": {
        **_ROWS,
        "patch": _SWITCH,
        "queryMissing": Parameter(type="boolean", default=True),
        "addLastUsage": _SWITCH,
    },
    f"devices/{{id}}/export/{{{_AGGREGATION}}}/data.csv": _FILE,
    f"devices/{{id}}/export/{{{_AGGREGATION}}}/data.xlsx": _FILE,
    f"devices/{{id}}/usageProfile/{{{_PROFILE}}}": {
        "codes": _TEXT,
        "locale": Parameter(type="en|pl"),
        "forceRecalculate": Parameter(type="boolean"),
    },
    "devices/{id}/report/summary": {"from": _DATE, "to": _DATE},
}


def _all(kind: Shape, names: str) -> dict[str, Shape]:
    """Return fields of one type."""
    return dict.fromkeys(names.split(), kind)


_RANGE: Final[Shape] = _all("date-time", "from to")
_TIME_OF_DAY: Final[Shape] = _all("number", "hour minute")
_REGISTER_META: Final[Shape] = {
    **_all("string", "key category subcategory unit"),
    "constant": "boolean",
    "description": _all("string", "short long"),
}
_ZONE: Final[Shape] = {
    "name": "string",
    "variablePriceComponent": "number",
    "periods": {
        "inEffect": _all(["number"], "months weekdays"),
        "bounds": [_all(_TIME_OF_DAY, "from to")],
    },
}
_FIRST_REGISTERS: Final[dict[str, Shape]] = {
    **_all("integer", "0_0_0 0_9_1 F_8_2 F_8_3 F_8_4 F_F_0"),
    **_all("number", "F_8_0 F_8_1"),
    "0_2_2": "string",
    "0_9_2": "date-time",
}
_REGISTERS: Final[dict[str, Shape]] = {
    **_FIRST_REGISTERS,
    **_all("number", "15_8_0 15_8_1 15_6_0 15_7_0 S_1_1_2 S_1_1_5 S_1_1_9"),
    **_all("integer", "15_8_2 15_8_3 15_8_4 S_1_1_6"),
    **_all(["any"], "S_1_1_7 S_1_1_8"),
    "S_1_1_1": "string",
    "S_1_1_4": "date-time",
}
_DEVICE: Final[Shape] = {
    **_all("string", "_id SN MAC usageKey"),
    "info": {
        "name": "string",
        "GPSCoords": _all("number", "latitude longitude"),
        "location": _all("string", "city country postal street"),
    },
    "meteringPoint": {"meterID": "string"},
    "config": {
        "multiplier": "integer",
        "usageKeys": {"activeEnergy": "string"},
        "idNumber": "integer",
        "idKey": "string",
        "contract": {
            "distributionTariff": {
                **_all("string", "_id distributionNetworkOperator name"),
                "prices": {
                    **_all(
                        "number",
                        "constantPriceComponent qualityComponent interimComponent standingCharge",
                    ),
                    "renewableEnergyCharge": "integer",
                },
                "reactiveEnergyFeeMultiplier": "integer",
                "zones": [_ZONE],
            },
            "contractedPowerLimit": "integer",
        },
    },
    "lastReading": {
        "date": "date-time",
        "OBIS": _REGISTERS,
        # The description forgets when three of the registers were read.
        "updatedAt": {
            code: "date-time"
            for code in (*_REGISTERS, "LAST_READOUT_INCORRECT")
            if code not in {"15_8_2", "15_8_3", "15_8_4"}
        },
        "flags": ["string"],
        **_all("string", "UUID meterID"),
        "BATTERY_VOLTAGE": "number",
        **_all("integer", "BATTERY_STATUS BATTERY_PC"),
    },
    "initialReading": {"date": "date-time", "OBIS": _FIRST_REGISTERS},
    "timezone": {"name": "string"},
    "owner": _all("string", "name email"),
    "communicationConfig": {
        **_all("number", "timeREQToID timeACKToDATA timeTotal"),
        **_all("integer", "timeMinReadoutInterval baud lengthID lengthDATA ledTxPower"),
    },
    "hardware": {"version": "string"},
    "stats": _all(
        "integer",
        "succeededTotal failedTotal daysCompleted failedID failedDATA txPowerOnFail "
        "succeededSubcnt failedIDSubcnt failedDATASubcnt succeedOnDemand failedOnDemand "
        "hardwareReadouts softwareReadouts",
    ),
    **_all("boolean", "disabled showSettingsReminder"),
    "disabledAt": "date-time",
    "tags": ["string"],
    "usage": {"thisMonth": "number", "previousMonth": "object"},
    "meta": _all(
        _all("string", "unit category"),
        "0_0_0 0_2_2 0_9_1 0_9_2 F_8_0 F_8_1 F_8_2 F_8_3 F_8_4 F_F_0 "
        "S_1_1_1 S_1_1_2 S_1_1_4 S_1_1_5 S_1_1_6 S_1_1_7 S_1_1_8 S_1_1_9",
    ),
}

DEVICES: Final[Shape] = {"devices": [_DEVICE]}
READINGS: Final[Shape] = {
    "readings": [{"date": "date-time", CODE: "number"}],
    "meta": {
        "keys": ["string"],
        "range": _RANGE,
        "OBIS": {CODE: _REGISTER_META},
        "count": "number",
    },
}
USAGE_PROFILE: Final[Shape] = {
    **_all("string", "_id UUID"),
    "data": [{"time": {"hour": "integer"}, CODE: "number"}],
    "createdAt": "date-time",
    "meta": {"keys": ["string"], "OBIS": {CODE: _REGISTER_META}},
    "type": _PROFILE,
}

_ZONE_USAGES: Final[Shape] = [{"usage": "number", "tariff": "string"}]
_ENTITY: Final[dict[str, Shape]] = {
    "data": _ZONE_USAGES,
    **_all("string", "UUID type"),
    "createdAt": "date-time",
}
SUMMARY: Final[Shape] = {
    "range": _RANGE,
    "profile": {
        "activeEnergy": _ENTITY,
        "tangensPhi": {"data": _ZONE_USAGES},
        "reactiveInductiveEnergy": _ENTITY,
    },
    "usage": _all("number", "activeEnergy reactiveEnergy"),
    "prices": {
        "distribution": {
            **_all("number", "constantComponent interimComponent standingCharge total"),
            "usageComponents": [
                {"zone": "string", **_all("number", "qualityComponent variableComponent")}
            ],
        },
        "retail": {
            **_all("number", "constantComponent total"),
            "usageComponents": [{"zone": "string", "price": "number"}],
        },
    },
    "contract": "string",
    "meta": {"activeEnergyCode": "string"},
    "contractedPowerOverspends": {
        **_ENTITY,
        "data": [{"date": "date-time", **_all("number", "value overspendValue")}],
    },
}
ERROR: Final[Shape] = {
    "status": "error|ok",
    **_all("string", "error message"),
    "statusCode": "integer",
}
