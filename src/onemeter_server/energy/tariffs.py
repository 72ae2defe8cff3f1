"""Tariffs: which zone of a tariff an instant lies in, and what its prices are.

A device's contract is `{"distributionTariff": TARIFF, "contractedPowerLimit": KW}`, and TARIFF is
`{"name", "prices": {...}, "zones": [{"name", "variablePriceComponent", "periods": [PERIOD]}]}`
where PERIOD is `{"inEffect": {"months": [1..12], "weekdays": [1..7]}, "bounds": [{"from": {"hour",
"minute"}, "to": {...}}]}`. Weekdays are counted from Monday; since 7 is the day on which nobody
works, it stands for public holidays, too. An owner who wants to see the price of the energy itself
can add a `retailTariff` of the same shape.

The hours of a bound are those that clocks show, so when the clock is put back in autumn the hour
that comes twice lies in one zone both times. A bound that does not end after it begins goes on
through midnight, within the same weekday (`22:00` to `6:00` is the end of the day and its start).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onemeter_server.models.records import JSON

    from .calendars import Calendar

_MINUTES_AN_HOUR: Final = 60
_MINUTES_A_DAY: Final = 24 * _MINUTES_AN_HOUR
_MONTHS: Final = range(1, 13)
_WEEKDAYS: Final = range(1, 8)

# A minute's zone is one byte, and one value is left for what no zone covers.
_MOST_ZONES: Final = 255
_NO_ZONE: Final = 255


class TariffError(ValueError):
    """A contract that makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a tariff costs besides its zones.

    `constant`, `interim` and `standing` are for a month, `quality` and `renewable` for a kWh, in
    the currency of the contract.
    """

    constant: float = 0.0
    interim: float = 0.0
    standing: float = 0.0
    quality: float = 0.0
    renewable: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone of a tariff, and its price for a kWh. Several can have one name."""

    name: str
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A tariff whose zones cover all time.

    `days` has the zones (their numbers, a byte each) of the minutes of each month and weekday.
    """

    name: str
    prices: Prices
    reactive_fee_multiplier: float | None
    zones: tuple[Zone, ...]
    days: Mapping[tuple[int, int], bytes]

    @classmethod
    def of(cls, shape: _TariffShape) -> Self:
        """Return the tariff of a shape that was read; raise `TariffError` as `parse` does."""
        prices = shape.prices
        return cls(
            name=shape.name,
            prices=Prices(
                constant=prices.constant_price_component,
                interim=prices.interim_component,
                standing=prices.standing_charge,
                quality=prices.quality_component,
                renewable=prices.renewable_energy_charge,
            ),
            reactive_fee_multiplier=shape.reactive_energy_fee_multiplier,
            zones=tuple(
                Zone(name=zone.name, price=zone.variable_price_component) for zone in shape.zones
            ),
            days=_days(shape.zones),
        )

    @classmethod
    def parse(cls, data: JSON) -> Self:
        """Return the tariff of a contract's JSON.

        Where zones overlap, the one that stands first holds. Raises `TariffError` when it is not
        of the shape above, or when some time lies in none of its zones.
        """
        return cls.of(_read(_TariffShape, data))

    def zone_at(self, time: int, calendar: Calendar) -> int:
        """Return the number of the zone that an instant (epoch seconds) lies in."""
        local = calendar.local(time)
        weekday = calendar.tariff_weekday(local.date())
        return self.days[local.month, weekday][local.hour * _MINUTES_AN_HOUR + local.minute]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an owner has agreed on: tariffs, and the power (kW) that may be drawn."""

    distribution: Tariff
    retail: Tariff | None
    power_limit: float | None

    @classmethod
    def parse(cls, data: JSON) -> Self:
        """Return the contract of a device's JSON; raise `TariffError` if it makes no sense."""
        shape = _read(_ContractShape, data)
        return cls(
            distribution=Tariff.of(shape.distribution_tariff),
            retail=None if shape.retail_tariff is None else Tariff.of(shape.retail_tariff),
            power_limit=shape.contracted_power_limit,
        )


def power_limit(data: JSON) -> float:
    """Return the power (kW) that a contract allows; raise `TariffError` if it tells none."""
    limit = _read(_LimitShape, data).contracted_power_limit
    if limit is None:
        raise TariffError("The contract has no limit of power")
    return limit


def _read[Shape: BaseModel](shape: type[Shape], data: JSON) -> Shape:
    """Return JSON as what it should be; raise `TariffError` if it is something else."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise TariffError(str(error)) from error


def _one_or_more(data: JSON) -> JSON:
    """Return one period as a list of it: the vendor's description has both."""
    return [data] if isinstance(data, dict) else data


class _Shape(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, allow_inf_nan=False, populate_by_name=False
    )


class _LimitShape(_Shape):
    contracted_power_limit: Annotated[float, Field(gt=0)] | None = None


class _TimeShape(_Shape):
    hour: Annotated[int, Field(ge=0, le=24)]
    minute: Annotated[int, Field(ge=0, lt=_MINUTES_AN_HOUR)] = 0

    @property
    def of_day(self) -> int:
        """The minute of the day; nothing is later than its end."""
        return min(self.hour * _MINUTES_AN_HOUR + self.minute, _MINUTES_A_DAY)


class _BoundShape(_Shape):
    begin: _TimeShape = Field(alias="from")
    end: _TimeShape = Field(alias="to")

    @property
    def stretches(self) -> Sequence[tuple[int, int]]:
        """The minutes of the day from which and to which it holds."""
        begin, end = self.begin.of_day, self.end.of_day
        return [(begin, end)] if begin < end else [(begin, _MINUTES_A_DAY), (0, end)]


class _EffectShape(_Shape):
    months: frozenset[Annotated[int, Field(ge=1, le=12)]]
    weekdays: frozenset[Annotated[int, Field(ge=1, le=7)]]


class _PeriodShape(_Shape):
    in_effect: _EffectShape
    bounds: tuple[_BoundShape, ...]


class _ZoneShape(_Shape):
    name: str
    variable_price_component: float = 0.0
    periods: Annotated[tuple[_PeriodShape, ...], BeforeValidator(_one_or_more)]


class _PricesShape(_Shape):
    constant_price_component: float = 0.0
    interim_component: float = 0.0
    standing_charge: float = 0.0
    quality_component: float = 0.0
    renewable_energy_charge: float = 0.0


class _TariffShape(_Shape):
    name: str
    prices: _PricesShape = _PricesShape()
    reactive_energy_fee_multiplier: float | None = None
    zones: Annotated[tuple[_ZoneShape, ...], Field(min_length=1, max_length=_MOST_ZONES)]


class _ContractShape(_LimitShape):
    distribution_tariff: _TariffShape
    retail_tariff: _TariffShape | None = None


def _days(zones: Sequence[_ZoneShape]) -> Mapping[tuple[int, int], bytes]:
    """Return the zones of all minutes; raise `TariffError` if one has none."""
    days = {day: bytearray([_NO_ZONE]) * _MINUTES_A_DAY for day in product(_MONTHS, _WEEKDAYS)}
    for number, zone in reversed([*enumerate(zones)]):
        for period in zone.periods:
            for day in product(period.in_effect.months, period.in_effect.weekdays):
                for begin, end in (part for bound in period.bounds for part in bound.stretches):
                    days[day][begin:end] = bytes([number]) * (end - begin)
    for (month, weekday), minutes in days.items():
        if _NO_ZONE in minutes:
            raise TariffError(f"No zone covers all of weekday {weekday} in month {month}")
    return MappingProxyType({day: bytes(minutes) for day, minutes in days.items()})
