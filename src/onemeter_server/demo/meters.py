"""The demo's two meters: what they are, and their readings without end, from a seeded generator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from onemeter_cloud.obis import OBIS_ENERGY_ABS, OBIS_ENERGY_PLUS
from onemeter_server.models.dates import format_epoch
from onemeter_server.models.records import DeviceRecord

from .energy import PEAK, QUARTER_SECONDS, WARSAW, flat_quarters, house_quarters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onemeter_server.models.records import JSON, Values

HOUSE_ID: Final = "6f1c0a52-8d3b-4c57-9e21-3a7d5b90c4e1"
FLAT_ID: Final = "b94e7d10-25fa-4a86-8c3e-71d2f60a9b38"

DEMO_ACCOUNT: Final = "demo"
DEMO_KEY: Final = "demo"

_HOUSE_METER: Final = "56183920"
_FLAT_METER: Final = "90347715"

# What the counters showed when the reader was put on, in Wh and varh.
_HOUSE_ZONE_1_WH: Final = 6_218_430
_HOUSE_ZONE_2_WH: Final = 9_874_160
_HOUSE_EXPORT_WH: Final = 8_540_270
_HOUSE_R1_VARH: Final = 1_490_810
_HOUSE_R4_VARH: Final = 2_903_550
_FLAT_WH: Final = 11_362_740

_BATTERY_START_VOLTS: Final = 3.10
_BATTERY_END_VOLTS: Final = 1.93
_BATTERY_VOLTS_A_YEAR: Final = 0.12
_SECONDS_A_YEAR: Final = 365 * 86_400
_BAUD: Final = 9_600
_STAIRCASE_CELSIUS: Final = 18.0
_STAIRCASE_SHARE: Final = 0.25

_EVERY_MONTH: Final = range(1, 13)
_WORKDAYS: Final = (1, 2, 3, 4, 5)
_WEEKEND: Final = (6, 7)


def _period(weekdays: Sequence[int], *hours: tuple[int, int]) -> JSON:
    """Return when a zone holds: the hours (from, to) of these weekdays, Monday being 1."""
    return {
        "inEffect": {"months": [*_EVERY_MONTH], "weekdays": [*weekdays]},
        "bounds": [
            {"from": {"hour": start, "minute": 0}, "to": {"hour": end, "minute": 0}}
            for start, end in hours
        ],
    }


def _contract(
    tariff: str, limit_kilowatts: int, standing_charge: float, zones: Sequence[JSON]
) -> Values:
    return {
        "distributionTariff": {
            "_id": "000000000000000000000000",
            "distributionNetworkOperator": "Sieć Przykładowa",
            "name": tariff,
            "prices": {
                "constantPriceComponent": 8.5,
                "qualityComponent": 0.0314,
                "interimComponent": 0.33,
                "renewableEnergyCharge": 0,
                "standingCharge": standing_charge,
            },
            "reactiveEnergyFeeMultiplier": 3,
            "zones": zones,
        },
        "contractedPowerLimit": limit_kilowatts,
    }


_G12W: Final = _contract(
    "G12w",
    12,
    14.95,
    [
        {
            "name": "Szczytowa",
            "variablePriceComponent": 0.4517,
            "periods": [_period(_WORKDAYS, (6, 13), (15, 22))],
        },
        {
            "name": "Pozaszczytowa",
            "variablePriceComponent": 0.1023,
            "periods": [
                _period(_WORKDAYS, (0, 6), (13, 15), (22, 24)),
                _period(_WEEKEND, (0, 24)),
            ],
        },
    ],
)
_G11: Final = _contract(
    "G11",
    4,
    7.48,
    [
        {
            "name": "Cała doba",
            "variablePriceComponent": 0.3284,
            "periods": [_period((*_WORKDAYS, *_WEEKEND), (0, 24))],
        }
    ],
)

_OWNER: Final[Values] = {"name": "Anna Zmyślona", "email": "anna.zmyslona@example.com"}
_USERS: Final[JSON] = [
    {
        "displayName": _OWNER["name"],
        "email": _OWNER["email"],
        "grantedAt": "2020-01-15T09:30:00.000Z",
    }
]

HOUSE: Final = DeviceRecord(
    id=HOUSE_ID,
    name="House",
    serial_number="0A1B2C3D4E5F60718293A4B5C6D7E8F9",
    mac="02:00:5E:10:20:30",
    meter_id=f"PAF{_HOUSE_METER}",
    manufacturer="ZPA",
    firmware="2.24.0",
    hardware="2.0",
    contract=_G12W,
    owner=_OWNER,
    extra={
        "users": _USERS,
        "info": {
            "location": {
                "city": "Przykładowo",
                "country": "PL",
                "postal": "00-000",
                "street": "Słoneczna 1",
            }
        },
    },
)
FLAT: Final = DeviceRecord(
    id=FLAT_ID,
    name="Flat",
    serial_number="F9E8D7C6B5A493827160F5E4D3C2B1A0",
    mac="02:00:5E:10:20:31",
    meter_id=f"PAF{_FLAT_METER}",
    manufacturer="APATOR",
    main_register=OBIS_ENERGY_ABS,
    firmware="2.24.0",
    hardware="2.0",
    contract=_G11,
    owner=_OWNER,
    extra={"users": _USERS},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """A reader on a meter, and what both tell beside energy and temperature.

    The meter's clock is `slow_seconds` behind. Of `failing` readouts one fails, at the meter's
    first message and at the second one, and is done again.
    """

    meter: str
    slow_seconds: int
    failing: tuple[int, int]
    led_power: int

    def registers(self, time: int, installed: int) -> dict[str, JSON]:
        """Return the registers of a readout (times in epoch seconds)."""
        readouts = (time - installed) // QUARTER_SECONDS + 1
        date = format_epoch(time)
        clock = datetime.fromtimestamp(time - self.slow_seconds, WARSAW)
        return {
            "0_0_0": int(self.meter),
            "0_9_1": clock.hour * 3600 + clock.minute * 60 + clock.second,
            "0_9_2": f"{clock.date()}T00:00:00.000Z",
            "C_1_0": self.meter,
            "F_F_0": 0,
            "S_1_1_2": battery_volts(time - installed),
            "S_1_1_4": date,
            "S_1_1_6": readouts,
            "S_1_1_7": [readouts // each for each in self.failing],
            "S_1_1_8": [self.led_power, _BAUD],
            "S_1_1_10": date,
            "S_1_1_16": [],
        }


_HOUSE_READER: Final = _Reader(
    meter=_HOUSE_METER, slow_seconds=37, failing=(211, 1_733), led_power=3
)
_FLAT_READER: Final = _Reader(meter=_FLAT_METER, slow_seconds=144, failing=(97, 631), led_power=15)


def house_readings(installed: int) -> Iterator[tuple[int, Values]]:
    """Yield the readings of the house, one each quarter-hour from `installed` (epoch seconds) on.

    `installed` is a whole quarter-hour. Registers are rounded from exact sums of watt-hours; the
    totals are sums of what their parts show.
    """
    zone_1, zone_2, exported = _HOUSE_ZONE_1_WH, _HOUSE_ZONE_2_WH, _HOUSE_EXPORT_WH
    reactive_r1, reactive_r4 = _HOUSE_R1_VARH, _HOUSE_R4_VARH
    for quarter in house_quarters(installed - QUARTER_SECONDS):
        time = quarter.start + QUARTER_SECONDS
        if time > installed:
            if quarter.zone == PEAK:
                zone_1 += quarter.imported
            else:
                zone_2 += quarter.imported
            exported += quarter.exported
            reactive_r1 += quarter.reactive_r1
            reactive_r4 += quarter.reactive_r4
        shown_1, shown_2, shown_export = _shown(zone_1), _shown(zone_2), _shown(exported)
        yield (
            time,
            {
                OBIS_ENERGY_PLUS: (shown_1 + shown_2) / 100,
                "1_8_1": shown_1 / 100,
                "1_8_2": shown_2 / 100,
                "2_8_0": shown_export / 100,
                "5_8_0": _shown(reactive_r1) / 100,
                "8_8_0": _shown(reactive_r4) / 100,
                OBIS_ENERGY_ABS: (shown_1 + shown_2 + shown_export) / 100,
                "16_7_0": (quarter.imported - quarter.exported) * 4 / 1000,
                "0_2_2": "G12w",
                **_HOUSE_READER.registers(time, installed),
                "S_1_1_9": round(quarter.celsius, 1),
            },
        )


def flat_readings(installed: int) -> Iterator[tuple[int, Values]]:
    """Yield the readings of the flat, one each quarter-hour from `installed` (epoch seconds) on.

    It has one tariff: the second one's register stands at 0.
    """
    total = _FLAT_WH
    for quarter in flat_quarters(installed - QUARTER_SECONDS):
        time = quarter.start + QUARTER_SECONDS
        if time > installed:
            total += quarter.imported
        yield (
            time,
            {
                OBIS_ENERGY_ABS: _shown(total) / 100,
                "15_8_1": _shown(total) / 100,
                "15_8_2": 0.0,
                "0_2_2": "G11",
                **_FLAT_READER.registers(time, installed),
                "S_1_1_9": _indoors(quarter.celsius),
            },
        )


def _shown(watt_hours: int) -> int:
    """Return a counter in the hundredths of a kWh that it shows, rounded half up."""
    return (watt_hours + 5) // 10


def _indoors(celsius: float) -> float:
    """Return how warm a staircase is when it is so warm outside."""
    return round(_STAIRCASE_CELSIUS + _STAIRCASE_SHARE * (celsius - _STAIRCASE_CELSIUS), 1)


def battery_volts(age_seconds: int) -> float:
    """Return the voltage of a reader's battery that has been at work for so long."""
    fallen = _BATTERY_VOLTS_A_YEAR * age_seconds / _SECONDS_A_YEAR
    return round(max(_BATTERY_END_VOLTS, _BATTERY_START_VOLTS - fallen), 2)
