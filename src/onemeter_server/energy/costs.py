"""What energy costs: a tariff's prices over the energy of its zones and over months.

- Each zone: energy (kWh) times the zone's variable price, times the quality price, and times the
  renewable energy charge.
- Each month: the constant, the interim and the standing price; of a month that is not there as a
  whole the part of its time (`Calendar.months`).

The total is the sum of these. There is no fee for reactive energy in it: such a fee is the tariff's
multiplier times a market's price of energy, which no contract tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .calendars import Calendar
    from .quarters import Usages
    from .tariffs import Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCost:
    """What the energy of one zone costs, in the currency of the contract."""

    zone: str
    variable: float
    quality: float
    renewable: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a period costs by a tariff, in the currency of the contract."""

    constant: float
    interim: float
    standing: float
    zones: tuple[ZoneCost, ...]

    @property
    def total(self) -> float:
        """All of it together."""
        parts = (
            part for zone in self.zones for part in (zone.variable, zone.quality, zone.renewable)
        )
        return fsum((self.constant, self.interim, self.standing, *parts))


def energy_by_zone(usages: Usages, tariff: Tariff, calendar: Calendar) -> list[float]:
    """Return the energy of each zone of a tariff, in the order of its zones.

    A quarter-hour lies in the zone that it begins in; one whose energy is not known counts in none.
    """
    parts: list[list[float]] = [[] for _ in tariff.zones]
    for start, energy in usages:
        if energy is not None:
            parts[tariff.zone_at(start, calendar)].append(energy)
    return [fsum(of_zone) for of_zone in parts]


def cost_of(tariff: Tariff, energies: Sequence[float], months: float) -> Cost:
    """Return what the energies (kWh) of a tariff's zones cost in so many months."""
    prices = tariff.prices
    return Cost(
        constant=prices.constant * months,
        interim=prices.interim * months,
        standing=prices.standing * months,
        zones=tuple(
            ZoneCost(
                zone=zone.name,
                variable=zone.price * energy,
                quality=prices.quality * energy,
                renewable=prices.renewable * energy,
            )
            for zone, energy in zip(tariff.zones, energies, strict=True)
        ),
    )
