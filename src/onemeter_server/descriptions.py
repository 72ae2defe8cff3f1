"""What a register is called: the catalogue's English, and Polish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from onemeter_cloud.obis import REGISTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

type Locale = Literal["en", "pl"]

_POLISH: Final[Mapping[str, str]] = {
    "energy_import": "Energia czynna A+ (suma)",
    "energy_import_tariff": "Energia czynna A+ (taryfa {})",
    "energy_export": "Energia czynna A- (suma)",
    "energy_export_tariff": "Energia czynna A- (taryfa {})",
    "energy_absolute": "Bezwzględna energia czynna |A| (suma)",
    "energy_absolute_tariff": "Bezwzględna energia czynna |A| (taryfa {})",
    "reactive_import": "Energia bierna Q+ (suma)",
    "reactive_import_tariff": "Energia bierna Q+ (taryfa {})",
    "reactive_export": "Energia bierna Q- (suma)",
    "reactive_export_tariff": "Energia bierna Q- (taryfa {})",
    "reactive_r1": "Energia bierna R1 (suma)",
    "reactive_r1_tariff": "Energia bierna R1 (taryfa {})",
    "reactive_r2": "Energia bierna R2 (suma)",
    "reactive_r2_tariff": "Energia bierna R2 (taryfa {})",
    "reactive_r3": "Energia bierna R3 (suma)",
    "reactive_r3_tariff": "Energia bierna R3 (taryfa {})",
    "reactive_r4": "Energia bierna R4 (suma)",
    "reactive_r4_tariff": "Energia bierna R4 (taryfa {})",
    "voltage_phase": "Napięcie fazy {}",
    "current_phase": "Prąd fazy {}",
    "power": "Chwilowa moc czynna",
    "power_import": "Chwilowa moc czynna pobierana",
    "power_export": "Chwilowa moc czynna oddawana",
    "power_absolute": "Bezwzględna chwilowa moc czynna",
    "demand_import": "Moc średnia w bieżącym okresie, pobór",
    "demand_absolute": "Moc średnia w bieżącym okresie, wartość bezwzględna",
    "maximum_demand_import": "Moc maksymalna, pobór",
    "maximum_demand_absolute": "Moc maksymalna, wartość bezwzględna",
    "cumulative_maximum_demand": "Skumulowana moc maksymalna",
    "active_tariff": "Aktywna taryfa",
    "meter_id_number": "Numer identyfikacyjny licznika",
    "meter_serial_number": "Numer seryjny licznika",
    "optical_port_address": "Adres portu optycznego",
    "meter_clock": "Zegar licznika, sekundy doby",
    "meter_date": "Zegar licznika, data",
    "meter_error_code": "Kod błędu licznika",
    "meter_family": "Rodzina liczników",
    "battery_voltage": "Napięcie baterii",
    "readout_time": "Czas odczytu",
    "corrected_time": "Skorygowany czas odczytu",
    "readouts_succeeded": "Odczyty udane",
    "readouts_failed": "Odczyty nieudane: pierwszy, drugi komunikat",
    "readouts_failed_since_restart": "Odczyty nieudane od restartu",
    "optical_settings": "Moc diody, prędkość transmisji",
    "reader_temperature": "Temperatura czytnika",
    "energy_blinks": "Energia zliczona z impulsów diody",
    "status_flags": "Flagi stanu",
    "internal_value": "Wartość wewnętrzna {}",
}


def describe(code: str, locale: Locale = "en") -> str:
    """Return the description of a register; one that nobody knows is called by its code."""
    register = REGISTERS.get(code)
    if register is None:
        return code
    if locale == "pl":
        return _POLISH[register.key].format(register.variant)
    return register.description
