"""The shape of a report."""

from typing import NotRequired, TypedDict

from pydantic import with_config

from .fields import SHAPE, Instant
from .profiles import ProfileName
from .readings import Range


@with_config(SHAPE)
class ZoneUsage(TypedDict):
    """What a zone of the tariff has."""

    tariff: str
    """The zone."""
    usage: float
    """Its energy in kWh or kvarh, or reactive energy for active energy."""


@with_config(SHAPE)
class ZoneUsages(TypedDict):
    """The energy of each zone."""

    data: list[ZoneUsage]
    """One row for each zone."""
    UUID: str
    """The device."""
    createdAt: Instant
    """When it was computed, in UTC."""
    type: ProfileName
    """The load profile that has the same rows."""


@with_config(SHAPE)
class ZoneTangents(TypedDict):
    """Reactive energy for active energy of each zone."""

    data: list[ZoneUsage]
    """One row for each zone that active energy was used in."""


@with_config(SHAPE)
class Overspend(TypedDict):
    """A quarter-hour in which more power was drawn than the contract allows."""

    date: Instant
    """When it begins, in UTC."""
    value: float
    """Its mean power, in kW."""
    overspendValue: float
    """How far that is above the contracted power, in kW."""


@with_config(SHAPE)
class Overspends(TypedDict):
    """The quarter-hours in which more power was drawn than the contract allows."""

    data: list[Overspend]
    """One row for each of them."""
    UUID: str
    """The device."""
    createdAt: Instant
    """When it was computed, in UTC."""
    type: ProfileName
    """The load profile that has the same rows."""


@with_config(SHAPE)
class SummaryProfile(TypedDict):
    """Energy by the zones of the tariff."""

    activeEnergy: ZoneUsages
    tangensPhi: NotRequired[ZoneTangents]
    reactiveInductiveEnergy: NotRequired[ZoneUsages]


@with_config(SHAPE)
class SummaryUsage(TypedDict):
    """Energy of all zones together."""

    activeEnergy: float
    """Active energy, in kWh."""
    reactiveEnergy: NotRequired[float]
    """Inductive reactive energy, in kvarh; absent where no register counts it."""


@with_config(SHAPE)
class ZoneCost(TypedDict):
    """What distribution in a zone costs."""

    zone: str
    """The zone."""
    qualityComponent: float
    """For the quality of supply, in PLN."""
    variableComponent: float
    """For the energy, in PLN."""
    renewableComponent: NotRequired[float]
    """For renewable energy, in PLN; absent where that costs nothing."""


@with_config(SHAPE)
class DistributionCost(TypedDict):
    """What the grid operator asks for, net."""

    constantComponent: float
    """The fixed part, in PLN."""
    interimComponent: float
    """The transitional charge, in PLN."""
    standingCharge: float
    """The standing charge, in PLN."""
    usageComponents: list[ZoneCost]
    """What the energy of each zone costs."""
    total: float
    """All together, in PLN."""


@with_config(SHAPE)
class ZonePrice(TypedDict):
    """What the energy of a zone costs."""

    zone: str
    """The zone."""
    price: float
    """Its cost, in PLN."""


@with_config(SHAPE)
class RetailCost(TypedDict):
    """What the seller asks for, net; nothing without a retail tariff."""

    constantComponent: float
    """The fixed part, in PLN."""
    usageComponents: list[ZonePrice]
    """What the energy of each zone costs."""
    total: float
    """All together, in PLN."""


@with_config(SHAPE)
class SummaryPrices(TypedDict):
    """What the energy costs."""

    distribution: DistributionCost
    retail: RetailCost


@with_config(SHAPE)
class SummaryMeta(TypedDict):
    """What was counted."""

    activeEnergyCode: str
    """The OBIS code of the register that told the active energy."""


@with_config(SHAPE)
class Summary(TypedDict):
    """The energy of a time by zone, and what it costs."""

    range: Range
    profile: SummaryProfile
    usage: SummaryUsage
    prices: SummaryPrices
    contract: str
    """The name of the grid operator's tariff."""
    meta: SummaryMeta
    contractedPowerOverspends: NotRequired[Overspends]
