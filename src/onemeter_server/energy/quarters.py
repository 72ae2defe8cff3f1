"""Usages quarter by quarter: what profiles and costs are made of."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from onemeter_cloud.series import register_courses

from .intervals import Aggregation, boundaries, usages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from onemeter_cloud.readings import Readings

type Usages = Sequence[tuple[int, float | None]]
"""Quarter-hours in the order of time: start (epoch seconds) and energy, `None` if unknown."""

type Registers = Mapping[str, Usages]
"""The usages of registers by their codes."""

QUARTERS_AN_HOUR: Final = 3600 // Aggregation.QUARTER.seconds

# Only readings that are close to each other tell when energy was used.
_LONGEST_GAP_SECONDS: Final = 3600


def quarter_bounds(readings: Readings, since: int, until: int, zone: ZoneInfo) -> Sequence[int]:
    """Return the bounds of quarter-hours: those that begin from `since` on and before `until`.

    All are epoch seconds. Quarter-hours before the first reading and after the last one are left
    out.
    """
    if not readings.times:
        return []
    begin, end = max(since, readings.times[0]), min(until, readings.times[-1])
    bounds = [*boundaries(begin, end, Aggregation.QUARTER, zone)] if begin < end else []
    return bounds[bisect_left(bounds, since) :]


def quarter_usages(
    readings: Readings,
    code: str,
    bounds: Sequence[int],
    *,
    multiplier: float = 1.0,
    only_sure: bool = False,
) -> Usages:
    """Return what a register has counted between bounds: kWh or kvarh, times the multiplier.

    Where readings are far apart their energy is shared out in proportion to time; with `only_sure`
    it is unknown where they are more than an hour apart.
    """
    energies = usages(
        register_courses(readings, code),
        bounds,
        longest_gap=_LONGEST_GAP_SECONDS if only_sure else None,
    )
    # The last bound begins nothing.
    return [
        (start, None if energy is None else energy * multiplier)
        for start, energy in zip(bounds, energies, strict=False)
    ]
