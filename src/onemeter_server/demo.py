"""The demo's two meters: what they are, and their readings without end, from a seeded generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from onemeter_cloud.obis import OBIS_ENERGY_ABS, OBIS_ENERGY_PLUS

from .demo_energy import PEAK, QUARTER_SECONDS, flat_quarters, house_quarters
from .records import DeviceRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .records import JSON, Values

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

_G12W: Final[Mapping[str, JSON]] = {
    "distributionTariff": {
        "name": "G12w",
        "distributionNetworkOperator": "Sieć Przykładowa",
        "prices": [],
        "zones": [
            {
                "name": "peak",
                "variablePriceComponent": 0.4517,
                "periods": [
                    {"days": "workdays", "from": "06:00", "to": "13:00"},
                    {"days": "workdays", "from": "15:00", "to": "22:00"},
                ],
            },
            {
                "name": "off-peak",
                "variablePriceComponent": 0.1023,
                "periods": [
                    {"days": "workdays", "from": "13:00", "to": "15:00"},
                    {"days": "workdays", "from": "22:00", "to": "06:00"},
                    {"days": "weekends", "from": "00:00", "to": "24:00"},
                ],
            },
        ],
    },
    "contractedPowerLimit": 12.5,
}

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
    owner={"name": "Anna Zmyślona", "email": "anna.zmyslona@example.com"},
    extra={
        "info": {
            "location": {
                "city": "Przykładowo",
                "country": "PL",
                "postal": "00-000",
                "street": "Słoneczna 1",
            }
        }
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
    owner={"name": "Anna Zmyślona", "email": "anna.zmyslona@example.com"},
)


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
                "C_1_0": _HOUSE_METER,
                "S_1_1_2": battery_volts(time - installed),
                "S_1_1_9": round(quarter.celsius, 1),
            },
        )


def flat_readings(installed: int) -> Iterator[tuple[int, Values]]:
    """Yield the readings of the flat, one each quarter-hour from `installed` (epoch seconds) on."""
    total = _FLAT_WH
    for quarter in flat_quarters(installed - QUARTER_SECONDS):
        time = quarter.start + QUARTER_SECONDS
        if time > installed:
            total += quarter.imported
        yield (
            time,
            {
                OBIS_ENERGY_ABS: _shown(total) / 100,
                "0_2_2": "G11",
                "C_1_0": _FLAT_METER,
                "S_1_1_2": battery_volts(time - installed),
            },
        )


def _shown(watt_hours: int) -> int:
    """Return a counter in the hundredths of a kWh that it shows, rounded half up."""
    return (watt_hours + 5) // 10


def battery_volts(age_seconds: int) -> float:
    """Return the voltage of a reader's battery that has been at work for so long."""
    fallen = _BATTERY_VOLTS_A_YEAR * age_seconds / _SECONDS_A_YEAR
    return round(max(_BATTERY_END_VOLTS, _BATTERY_START_VOLTS - fallen), 2)
