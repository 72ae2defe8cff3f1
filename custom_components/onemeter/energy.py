"""A device's readings to the rows of all its statistics: pure functions."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from .onemeter_cloud.costs import CostOffset, add_rows, cost_rows
from .onemeter_cloud.history import DEFAULT_LIMIT_KW, HOUR_SECONDS, HourRow, Offset, hourly_energy
from .prices import PriceLists, price_lists
from .series import ENERGY_COMPENSATION, ENERGY_COST, EnergySeries, energy_series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from .onemeter_cloud import Device, Readings

_PLAN_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be made of a device's readings.

    `multiplier` is the transformer ratio that applies, `limit_kw` the power above which a jump of
    a register is suspicious, after the ratio.
    """

    series: tuple[EnergySeries, ...]
    multiplier: float
    limit_kw: float
    prices: PriceLists

    @property
    def codes(self) -> tuple[str, ...]:
        """The registers (OBIS codes) that it takes."""
        return tuple(series.code for series in self.series)

    @property
    def fingerprint(self) -> str:
        """A short text that changes when the rows of the same readings would."""
        text = json.dumps([_PLAN_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What a part of the history has to know of the whole: two numbers for each change.

    By register the offsets of its meters, by series the offsets of its prices.
    """

    meters: Mapping[str, tuple[Offset, ...]] = field(default_factory=dict)
    costs: Mapping[str, tuple[CostOffset, ...]] = field(default_factory=dict)

    def up_to(self, time: int) -> Constants:
        """Return those that hold up to an instant (epoch seconds)."""
        return Constants(
            meters={
                code: tuple(offset for offset in offsets if offset.time <= time)
                for code, offsets in self.meters.items()
            },
            costs={
                key: tuple(offset for offset in offsets if offset.time < time)
                for key, offsets in self.costs.items()
            },
        )

    def as_json(self) -> dict[str, Any]:
        """Return what can be stored."""
        return {
            "meters": {code: list(map(list, offsets)) for code, offsets in self.meters.items()},
            "costs": {key: list(map(list, offsets)) for key, offsets in self.costs.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Constants:
        """Return what was stored."""
        return cls(
            meters={
                code: tuple(Offset(*offset) for offset in offsets)
                for code, offsets in stored["meters"].items()
            },
            costs={
                key: tuple(CostOffset(*offset) for offset in offsets)
                for key, offsets in stored["costs"].items()
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The rows of each statistic by its key, and the constants at their end."""

    rows: Mapping[str, Sequence[HourRow]]
    constants: Constants

    def complete_hours(self, last: int) -> Result:
        """Return the rows of the hours that were over at an instant (epoch seconds)."""
        return replace(
            self,
            rows={
                key: [row for row in rows if row.start + HOUR_SECONDS <= last]
                for key, rows in self.rows.items()
            },
        )


def plan_for(
    device: Device,
    stored_prices: Iterable[Mapping[str, Any]],
    now: datetime,
    *,
    multiply: bool,
) -> Plan:
    """Return the plan for a device; `now` is in the time zone of the home.

    A price takes part once there is a reading of its time: then the plan changes.

    Jumps above the contracted power, or above 200 kW if that is unknown, are suspicious.
    """
    return Plan(
        series=energy_series(device),
        multiplier=device.multiplier if multiply else 1.0,
        limit_kw=device.contracted_power_kw or DEFAULT_LIMIT_KW,
        prices=price_lists(
            stored_prices, now.tzinfo or UTC, min(now, device.last_reading.date or now)
        ),
    )


def compute(readings: Readings, plan: Plan, constants: Constants | None = None) -> Result:
    """Return the rows of the whole history, or with its `constants` those of a part of it.

    Raises `ValueError` when a part needs a price that the constants do not know.
    """
    known = constants or Constants()
    rows: dict[str, Sequence[HourRow]] = {}
    meters: dict[str, tuple[Offset, ...]] = {}
    costs: dict[str, tuple[CostOffset, ...]] = {}
    money: dict[str, list[Sequence[HourRow]]] = {ENERGY_COST: [], ENERGY_COMPENSATION: []}
    for series in plan.series:
        points = readings.series(series.code)
        if plan.multiplier != 1.0:
            points = [(time, value * plan.multiplier) for time, value in points]
        hourly = hourly_energy(
            points, offsets=known.meters.get(series.code, ()), limit_kw=plan.limit_kw
        )
        rows[series.key] = hourly.rows
        meters[series.code] = hourly.offsets
        for key, lists in (
            (ENERGY_COST, plan.prices.cost),
            (ENERGY_COMPENSATION, plan.prices.compensation),
        ):
            if (prices := lists.get(series.key)) is not None:
                paid = cost_rows(hourly.rows, prices, known.costs.get(series.key, ()))
                costs[series.key] = paid.offsets
                money[key].append(paid.rows)
    rows |= {
        key: add_rows(parts) if constants is None else _add_known(parts)
        for key, parts in money.items()
        if parts
    }
    return Result(rows=rows, constants=Constants(meters=meters, costs=costs))


def compute_part(
    readings: Readings, plan: Plan, known: Constants, *, to_the_end: bool
) -> Result | None:
    """Return the rows of a part of a history whose constants are `known`.

    `to_the_end` tells whether the newest reading is in it; if not, the rows are those of the hours
    that were over at its last reading. `None` where the part does not fit to the whole: a meter was
    replaced, or was not after all, or a price is new. Then the whole has to be computed.
    """
    try:
        result = compute(readings, plan, known)
    except ValueError:
        return None
    if to_the_end:
        return result if result.constants == known else None
    last = readings.times[-1]
    return result.complete_hours(last) if result.constants == known.up_to(last) else None


def _add_known(parts: Sequence[Sequence[HourRow]]) -> list[HourRow]:
    """Return the sum of series of rows that are parts, from the hour on in which all are known."""
    if not all(parts):
        return []
    begin = max(rows[0].start for rows in parts)
    return [row for row in add_rows(parts) if row.start >= begin]
