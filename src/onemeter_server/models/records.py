"""What the server keeps of devices and readings, as frozen values free of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from onemeter_cloud.obis import OBIS_ENERGY_PLUS

type JSON = Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None
"""Anything that JSON can say."""

type Values = Mapping[str, JSON]
"""The registers of one reading: OBIS code to value, in the API's units, not multiplied."""

# The server knows no persons, but the API's shape has them.
INVENTED_OWNER: Final[Values] = MappingProxyType(
    {"name": "Jan Przykładowy", "email": "jan.przykladowy@example.com"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRecord:
    """One device of an account, with everything that does not come from its readings.

    `id` is a UUID, `main_register` the OBIS code of what the owner uses, `timezone` the name of the
    zone that months are counted in. `extra` is laid over the generated payload last, mapping by
    mapping; `omit` names fields (`"meta"`, `"lastReading.date"`) that the payload leaves out.
    """

    id: str
    name: str | None = None
    serial_number: str | None = None
    mac: str | None = None
    meter_id: str | None = None
    manufacturer: str | None = None
    protocol: str | None = "IEC"
    multiplier: float = 1
    main_register: str = OBIS_ENERGY_PLUS
    timezone: str = "Europe/Warsaw"
    firmware: str | None = None
    hardware: str | None = None
    disabled: bool = False
    owner: Values = field(default_factory=lambda: INVENTED_OWNER)
    contract: Values = field(default_factory=dict)
    extra: Values = field(default_factory=dict)
    omit: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone; raises `ZoneInfoNotFoundError` (a `KeyError`) for an unknown name."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReading:
    """A meter's registers at one instant (`time` in epoch seconds)."""

    time: int
    values: Values
