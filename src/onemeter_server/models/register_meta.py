"""What the API's `meta` says of a register: the vendor's key, and our words in two languages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from onemeter_cloud.obis import REGISTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .records import JSON

type Locale = Literal["en", "pl"]

type _Text = tuple[str, str]
"""A short and a long description; `{}` stands for the register's variant (tariff, phase)."""

# Codes that nobody knows come from meters and are few; a flood of them shall not fill the memory.
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What `meta` says of the registers of one key of the catalogue; `{}` is their variant."""

    key: str
    category: str
    subcategory: str
    english: _Text
    polish: _Text
    constant: bool = False


@lru_cache(maxsize=_REMEMBERED)
def register_meta(code: str, locale: Locale = "en") -> Mapping[str, JSON]:
    """Return the `meta` of a register, one that nobody knows by its code.

    It is `{"key", "constant", "category", "subcategory", "unit", "description": {"short", "long"}}`
    and `"shortcode"` where the vendor's is known; `unit` is empty for what has none. All who ask
    get the same mapping and leave it as it is.
    """
    register = REGISTERS.get(code)
    if register is None:
        entry, variant, unit = _unknown(code), "", ""
    else:
        entry = _ENTRIES.get(code, _ENTRIES[register.key])
        variant = register.variant or ""
        unit = "" if code in _UNITLESS else register.unit or ""
    short, long = entry.polish if locale == "pl" else entry.english
    meta: dict[str, JSON] = {
        "key": entry.key.format(variant),
        "constant": entry.constant,
        "category": entry.category,
        "subcategory": entry.subcategory,
        "unit": unit,
        "description": {"short": short.format(variant), "long": long.format(variant)},
    }
    shortcode = _SHORTCODES.get(code)
    return meta if shortcode is None else {**meta, "shortcode": shortcode}


def _energy(name: str, key: str, *, symbol: str, english: str, polish: str) -> dict[str, _Entry]:
    """Return the entries of an energy's total and of its tariffs."""

    def entry(ending: str, in_english: str, in_polish: str) -> _Entry:
        return _Entry(
            key=f"{key}_{ending}",
            category="energy",
            subcategory="reactive" if "REACTIVE" in key else "active",
            english=(f"Energy {symbol} ({in_english})", f"{english} {symbol} ({in_english})"),
            polish=(f"Energia {symbol} ({in_polish})", f"{polish} {symbol} ({in_polish})"),
        )

    return {
        name: entry("TOTAL", "total", "suma"),
        f"{name}_tariff": entry("T{}", "tariff {}", "taryfa {}"),
    }


def _quadrant(number: int) -> dict[str, _Entry]:
    """Return the entries of the reactive energy of one of the four quadrants."""
    return _energy(
        f"reactive_r{number}",
        f"REACTIVE_ENERGY_R{number}",
        symbol=f"R{number}",
        english="Reactive energy",
        polish="Energia bierna",
    )


def _power(key: str, english: _Text, polish: _Text) -> _Entry:
    return _Entry(key=key, category="power", subcategory="active", english=english, polish=polish)


def _network(key: str, subcategory: str, english: _Text, polish: _Text) -> _Entry:
    return _Entry(
        key=key, category="network", subcategory=subcategory, english=english, polish=polish
    )


def _meter(
    key: str,
    english: _Text,
    polish: _Text,
    *,
    subcategory: str = "identification",
    constant: bool = False,
) -> _Entry:
    return _Entry(
        key=key,
        category="meter",
        subcategory=subcategory,
        english=english,
        polish=polish,
        constant=constant,
    )


def _reader(key: str, english: _Text, polish: _Text, *, constant: bool = False) -> _Entry:
    return _Entry(
        key=key,
        category="non-obis",
        subcategory="beacon-info",
        english=english,
        polish=polish,
        constant=constant,
    )


def _unknown(code: str) -> _Entry:
    # What is in a code is no place for a variant.
    text = code.replace("{", "{{").replace("}", "}}")
    if code.startswith("S_"):
        return _reader(text, (text, text), (text, text))
    return _meter(text, (text, text), (text, text), subcategory="other")


# Keys, categories, constants and shortcodes are the vendor's where a payload of its cloud shows
# them: of the energies 1_8_x, 2_8_x and 15_8_x, of the meter's identification and of the reader.
# The others follow the same scheme.
_ENTRIES: Final[Mapping[str, _Entry]] = {
    **_energy(
        *("energy_import", "POSITIVE_ACTIVE_ENERGY"),
        symbol="A+",
        english="Positive active energy",
        polish="Energia czynna pobrana",
    ),
    **_energy(
        *("energy_export", "NEGATIVE_ACTIVE_ENERGY"),
        symbol="A-",
        english="Negative active energy",
        polish="Energia czynna oddana",
    ),
    **_energy(
        *("energy_absolute", "ABSOLUTE_ACTIVE_ENERGY"),
        symbol="|A|",
        english="Absolute active energy",
        polish="Bezwzględna energia czynna",
    ),
    **_energy(
        *("reactive_import", "POSITIVE_REACTIVE_ENERGY"),
        symbol="Q+",
        english="Positive reactive energy",
        polish="Energia bierna pobrana",
    ),
    **_energy(
        *("reactive_export", "NEGATIVE_REACTIVE_ENERGY"),
        symbol="Q-",
        english="Negative reactive energy",
        polish="Energia bierna oddana",
    ),
    **_quadrant(1),
    **_quadrant(2),
    **_quadrant(3),
    **_quadrant(4),
    "voltage_phase": _network(
        *("INSTANTANEOUS_VOLTAGE_L{}", "voltage"),
        ("Voltage L{}", "Voltage of phase {}"),
        ("Napięcie L{}", "Napięcie fazy {}"),
    ),
    "current_phase": _network(
        *("INSTANTANEOUS_CURRENT_L{}", "current"),
        ("Current L{}", "Current of phase {}"),
        ("Prąd L{}", "Prąd fazy {}"),
    ),
    "power": _power(
        "INSTANTANEOUS_ACTIVE_POWER",
        ("Power", "Instantaneous active power: import less export"),
        ("Moc", "Chwilowa moc czynna: pobór minus oddawanie"),
    ),
    "power_import": _power(
        "POSITIVE_INSTANTANEOUS_ACTIVE_POWER",
        ("Power P+", "Instantaneous active power, import"),
        ("Moc P+", "Chwilowa moc czynna pobierana"),
    ),
    "power_export": _power(
        "NEGATIVE_INSTANTANEOUS_ACTIVE_POWER",
        ("Power P-", "Instantaneous active power, export"),
        ("Moc P-", "Chwilowa moc czynna oddawana"),
    ),
    "power_absolute": _power(
        "ABSOLUTE_INSTANTANEOUS_ACTIVE_POWER",
        ("Power |P|", "Instantaneous active power in either direction"),
        ("Moc |P|", "Chwilowa moc czynna w obu kierunkach"),
    ),
    "demand_import": _power(
        "POSITIVE_ACTIVE_DEMAND",
        ("Demand P+", "Average power of the demand period so far, import"),
        ("Moc średnia P+", "Moc średnia w bieżącym okresie uśredniania, pobór"),
    ),
    "demand_absolute": _power(
        "ABSOLUTE_ACTIVE_DEMAND",
        ("Demand |P|", "Average power of the demand period so far, either direction"),
        ("Moc średnia |P|", "Moc średnia w bieżącym okresie uśredniania, oba kierunki"),
    ),
    "maximum_demand_import": _power(
        "POSITIVE_ACTIVE_MAXIMUM_DEMAND",
        ("Maximum demand P+", "Highest average power of a demand period, import"),
        ("Moc maksymalna P+", "Największa moc średnia okresu uśredniania, pobór"),
    ),
    "maximum_demand_absolute": _power(
        "ABSOLUTE_ACTIVE_MAXIMUM_DEMAND",
        ("Maximum demand |P|", "Highest average power of a demand period, either direction"),
        ("Moc maksymalna |P|", "Największa moc średnia okresu uśredniania, oba kierunki"),
    ),
    "cumulative_maximum_demand": _power(
        "POSITIVE_ACTIVE_CUMULATIVE_MAXIMUM_DEMAND",
        ("Cumulative demand P+", "Sum of the maximum demands of past periods, import"),
        ("Moc skumulowana P+", "Suma mocy maksymalnych minionych okresów, pobór"),
    ),
    "meter_id_number": _meter(
        "METER_ID_NUMBER",
        ("Meter ID", "Identification number of the meter"),
        ("ID licznika", "Numer identyfikacyjny licznika"),
        constant=True,
    ),
    "meter_serial_number": _meter(
        "METER_SERIAL_NUMBER",
        ("Meter SN", "Serial number of the meter"),
        ("Nr seryjny", "Numer seryjny licznika"),
        constant=True,
    ),
    "optical_port_address": _meter(
        "OPTICAL_PORT_SERIAL_NUMBER",
        ("Optical port", "Address of the meter on its optical port"),
        ("Port optyczny", "Adres licznika na porcie optycznym"),
        constant=True,
    ),
    "active_tariff": _meter(
        "ACTIVE_TARIFF",
        ("Tariff", "Tariff that the meter counts by"),
        ("Taryfa", "Taryfa, według której liczy licznik"),
    ),
    "meter_clock": _meter(
        "TIME",
        ("Time", "Time of the meter's clock, in seconds of the day"),
        ("Czas", "Czas zegara licznika, w sekundach doby"),
    ),
    "meter_date": _meter(
        "DATE",
        ("Date", "Date of the meter's clock"),
        ("Data", "Data zegara licznika"),
    ),
    "meter_error_code": _meter(
        "METER_ERROR_CODE",
        ("Meter error", "Error code of the meter, 0 for none"),
        ("Błąd licznika", "Kod błędu licznika, 0 gdy go nie ma"),
        subcategory="diagnostic",
    ),
    "meter_family": _reader(
        "METER_FAMILY",
        ("Meter family", "Family of the meter, by which it is read"),
        ("Rodzina licznika", "Rodzina licznika, według której jest odczytywany"),
        constant=True,
    ),
    "battery_voltage": _reader(
        "BATTERY_VOLTAGE",
        ("Battery voltage", "Voltage of the reader's battery"),
        ("Napięcie baterii", "Napięcie baterii czytnika"),
        constant=True,
    ),
    "readout_time": _reader(
        "READOUT_TIME_SECONDS",
        ("Readout time", "When the meter was read"),
        ("Czas odczytu", "Kiedy odczytano licznik"),
    ),
    "corrected_time": _reader(
        "READOUT_TIME_CORRECTED",
        ("Corrected readout time", "When the meter was read, by the corrected clock"),
        ("Skorygowany czas odczytu", "Kiedy odczytano licznik, według poprawionego zegara"),
    ),
    "readouts_succeeded": _reader(
        "READOUT_SUCCEEDED_CNT",
        ("Succeeded readouts", "How many readouts succeeded"),
        ("Odczyty udane", "Liczba odczytów udanych"),
    ),
    "readouts_failed": _reader(
        "READOUT_FAILED_CNT",
        ("Failed readouts", "How many readouts failed at the meter's first, second message"),
        ("Odczyty nieudane", "Liczba odczytów nieudanych: pierwszy, drugi komunikat licznika"),
    ),
    "readouts_failed_since_restart": _reader(
        "READOUT_FAILED_SINCE_RESTART_CNT",
        ("Failed since restart", "How many readouts failed since the reader's restart"),
        ("Nieudane od restartu", "Liczba odczytów nieudanych od restartu czytnika"),
    ),
    "optical_settings": _reader(
        "UART_PARAMETERS",
        ("Optical settings", "Power of the reader's LED, baud rate"),
        ("Ustawienia optyczne", "Moc diody czytnika, prędkość transmisji"),
    ),
    "reader_temperature": _reader(
        "TEMPERATURE",
        ("Temperature", "Temperature of the reader"),
        ("Temperatura", "Temperatura czytnika"),
    ),
    "energy_blinks": _reader(
        "BLINK_ENERGY",
        ("Energy of blinks", "Energy counted by the blinks of the meter's LED"),
        ("Energia z impulsów", "Energia zliczona z impulsów diody licznika"),
    ),
    "status_flags": _reader(
        "ONEMETER_DEVICE_STATUS",
        ("Flags", "Flags of the reader's state"),
        ("Flagi", "Flagi stanu czytnika"),
    ),
    "internal_value": _reader(
        "INTERNAL_{}",
        ("Internal {}", "Internal value {} of the reader"),
        ("Wewnętrzna {}", "Wartość wewnętrzna {} czytnika"),
    ),
    "S_1_1_14": _reader(
        "TESTS",
        ("Tests", "The reader's own tests"),
        ("Testy", "Wewnętrzne testy czytnika"),
    ),
}

# The vendor gives the meter's clock no unit although it counts seconds.
_UNITLESS: Final = frozenset({"0_9_1"})

# The vendor's numbers of registers, which readers broadcast as well, as tags (22 and 27 are known
# from there). The vendor's own meta has none for some registers, so a gap does no harm.
_SHORTCODES: Final[Mapping[str, str]] = {
    "0_0_0": "0",
    "0_9_1": "2",
    "0_9_2": "3",
    **{
        f"{group}_8_{tariff}": str(total + tariff)
        for group, total in ((1, 12), (2, 17), (3, 22), (4, 27))
        for tariff in range(5)
    },
    "C_1_0": "62",
    "F_F_0": "63",
    "S_1_1_2": "75",
    "S_1_1_4": "77",
    "S_1_1_6": "79",
    "S_1_1_7": "80",
    "S_1_1_8": "82",
    "S_1_1_9": "83",
    "S_1_1_14": "87",
}
