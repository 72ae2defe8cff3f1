"""Which long-term statistics a device has: a pure function of what it reports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeassistant.util import slugify

from .const import DOMAIN
from .onemeter_cloud import OBIS_ENERGY_MINUS, OBIS_ENERGY_PLUS

if TYPE_CHECKING:
    from .onemeter_cloud import Device

ENERGY_IMPORT: Final = "energy_import"
ENERGY_EXPORT: Final = "energy_export"
ENERGY_ABSOLUTE: Final = "energy_absolute"
ENERGY_COST: Final = "energy_cost"
ENERGY_COMPENSATION: Final = "energy_compensation"
TARIFFS: Final = ("1", "2", "3", "4")

_TOTAL_SUFFIX: Final = "_8_0"
_FEWEST_TARIFFS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergySeries:
    """A series of hourly energy and the register (OBIS code) that it comes from.

    `tariff` is the number of the tariff that the register counts, `None` for a total.
    """

    key: str
    code: str
    tariff: str | None = None


def tariff_key(tariff: str) -> str:
    """Return the key of the import series of a tariff."""
    return f"{ENERGY_IMPORT}_t{tariff}"


def statistic_id(device_id: str, key: str) -> str:
    """Return the id of a device's statistic in Home Assistant."""
    return f"{DOMAIN}:{slugify(device_id)}_{key}"


def energy_series(device: Device) -> tuple[EnergySeries, ...]:
    """Return the series of a device, those of the tariffs after the total that they add up to.

    What is imported is counted by `1_8_0`; a meter without it counts it in its main register.
    """
    reported = device.last_reading.values
    import_code = OBIS_ENERGY_PLUS if OBIS_ENERGY_PLUS in reported else device.main_register
    if import_code == OBIS_ENERGY_MINUS or import_code not in reported:
        import_code = None
    series: list[EnergySeries] = []
    if import_code is not None:
        series.append(EnergySeries(key=ENERGY_IMPORT, code=import_code))
        series.extend(_tariff_series(device, import_code))
    if OBIS_ENERGY_MINUS in reported:
        series.append(EnergySeries(key=ENERGY_EXPORT, code=OBIS_ENERGY_MINUS))
    main = device.main_register
    if main in reported and main not in {import_code, OBIS_ENERGY_MINUS, None}:
        series.append(EnergySeries(key=ENERGY_ABSOLUTE, code=main))
    return tuple(series)


def _tariff_series(device: Device, import_code: str) -> list[EnergySeries]:
    """Return the tariff registers in use: none when only one of them has ever counted."""
    if not import_code.endswith(_TOTAL_SUFFIX):
        return []
    group = import_code.removesuffix(_TOTAL_SUFFIX)
    used = [
        EnergySeries(key=tariff_key(tariff), code=f"{group}_8_{tariff}", tariff=tariff)
        for tariff in TARIFFS
        if device.last_reading.number(f"{group}_8_{tariff}")
    ]
    return used if len(used) >= _FEWEST_TARIFFS else []
