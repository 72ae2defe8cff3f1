"""Load profiles: when a device uses energy, as rows that a chart draws.

All are functions of the quarter-hours of one or more registers. Rows have the energy (kWh, kvarh)
of each register by its code, and say what it is of:

| profile | rows | where |
|---|---|---|
| `dayFine` | the mean quarter-hours of a day | `time` {`hour`, `minute`} |
| `dayWorking`, `dayWeekend` | the mean hours of working days, of all others | `time` {`hour`} |
| `weekFine` | quarter-hours of a mean week (from Monday) | `time` {`hour` up to 167, `minute`} |
| `weekCoarse` | hours of a mean week (from Monday) | `time` {`hour` up to 167} |
| `allDayTraces` | the hours of each day | `date` (the day's start), `time` {`hour`} |
| `loadDuration` | quarter-hours, the highest first | `time` {`hour`, `minute`} that are above |
| `tariffOverallSummary` | the zones of the tariff | `tariff`, `usage` |
| `dailyUsageInTariffs` | the zones of each day | `date` (the day's start), `tariff`, `usage` |
| `powerOverspends` | the quarter-hours above the power that was agreed on | `date`, `value`, \
`overspendValue` (kW) |

Hours are those that clocks show. The hour that comes twice in autumn counts as two in a mean; the
one that is missing in spring is missing in that day only. A quarter-hour whose energy is not known
is in no mean and no sum; an hour is there when all of its quarter-hours are.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import batched, groupby, zip_longest
from math import fsum
from typing import TYPE_CHECKING, Final

from onemeter_server.models.dates import format_epoch

from .costs import energy_by_zone
from .quarters import QUARTERS_AN_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from onemeter_server.models.records import JSON

    from .calendars import Calendar
    from .quarters import Registers, Usages
    from .tariffs import Tariff

    type Row = dict[str, JSON]

DECIMALS: Final = 6
"""Of the energies, powers and costs that are told: more than meters have, less than noise."""

_MINUTES_A_QUARTER: Final = 60 // QUARTERS_AN_HOUR
_QUARTERS_A_DAY: Final = 24 * QUARTERS_AN_HOUR


def day_fine(registers: Registers, calendar: Calendar) -> list[Row]:
    """Return the mean quarter-hours of a day."""
    return _fine(_mean_quarters(registers, calendar))


def day_working(registers: Registers, calendar: Calendar) -> list[Row]:
    """Return the mean hours of a working day."""
    return _coarse(_mean_quarters(registers, calendar, on=calendar.is_working))


def day_weekend(registers: Registers, calendar: Calendar) -> list[Row]:
    """Return the mean hours of a Saturday, a Sunday or a public holiday."""
    return _coarse(_mean_quarters(registers, calendar, on=lambda day: not calendar.is_working(day)))


def week_fine(registers: Registers, calendar: Calendar) -> list[Row]:
    """Return the mean quarter-hours of a week; a public holiday is the weekday that it is."""
    return _fine(_mean_quarters(registers, calendar, of_week=True))


def week_coarse(registers: Registers, calendar: Calendar) -> list[Row]:
    """Return the mean hours of a week; a public holiday is the weekday that it is."""
    return _coarse(_mean_quarters(registers, calendar, of_week=True))


def all_day_traces(registers: Registers, calendar: Calendar) -> list[Row]:
    """Return the hours of each day; in autumn one day has an hour twice."""
    hours: defaultdict[int, Row] = defaultdict(dict)
    for code, usages in registers.items():
        known = ((start, energy) for start, energy in usages if energy is not None)
        # Not all zones are whole hours from UTC.
        for start, quarters in groupby(known, lambda one: _start_of_hour(one[0], calendar)):
            energies = [energy for _, energy in quarters]
            if len(energies) == QUARTERS_AN_HOUR:
                hours[start][code] = round(fsum(energies), DECIMALS)
    return [
        {
            **hours[start],
            "time": {"hour": calendar.local(start).hour},
            "date": format_epoch(calendar.start_of(calendar.local(start).date())),
        }
        for start in sorted(hours)
    ]


def load_duration(registers: Registers) -> list[Row]:
    """Return the energies of quarter-hours from the highest to the lowest, of each register.

    `time` is for how long the load was at least as high, less this quarter-hour.
    """
    ordered = {
        code: sorted((energy for _, energy in usages if energy is not None), reverse=True)
        for code, usages in registers.items()
    }
    return _fine(ordered)


def tariff_overall_summary(registers: Registers, calendar: Calendar, tariff: Tariff) -> list[Row]:
    """Return the energy of each zone of a tariff; `usage` is that of the first register."""
    of_codes = {
        code: energy_by_zone(usages, tariff, calendar) for code, usages in registers.items()
    }
    return [
        {
            **_told({code: of_code[number] for code, of_code in of_codes.items()}, registers),
            "tariff": zone.name,
        }
        for number, zone in enumerate(tariff.zones)
    ]


def daily_usage_in_tariffs(registers: Registers, calendar: Calendar, tariff: Tariff) -> list[Row]:
    """Return the energy of each day in each zone that it has; `usage` is of the first register."""
    parts: defaultdict[tuple[date, int], defaultdict[str, float]]
    parts = defaultdict(lambda: defaultdict(float))
    for code, usages in registers.items():
        for start, energy in usages:
            if energy is not None:
                place = (calendar.local(start).date(), tariff.zone_at(start, calendar))
                parts[place][code] += energy
    return [
        {
            **_told(of_codes, registers),
            "tariff": tariff.zones[zone].name,
            "date": format_epoch(calendar.start_of(day)),
        }
        for (day, zone), of_codes in sorted(parts.items())
    ]


def power_overspends(usages: Usages, limit_kw: float) -> list[Row]:
    """Return the quarter-hours whose mean power (kW) is above a limit, by their starts."""
    powers = (
        (start, round(energy * QUARTERS_AN_HOUR, DECIMALS))
        for start, energy in usages
        if energy is not None
    )
    return [
        {
            "date": format_epoch(start),
            "value": power,
            "overspendValue": round(power - limit_kw, DECIMALS),
        }
        for start, power in powers
        if power > limit_kw
    ]


def _mean_quarters(
    registers: Registers,
    calendar: Calendar,
    *,
    of_week: bool = False,
    on: Callable[[date], bool] | None = None,
) -> dict[str, list[float | None]]:
    """Return the mean of each quarter-hour of a day or a week, by register; of some days only."""
    days = 7 if of_week else 1
    means: dict[str, list[float | None]] = {}
    for code, usages in registers.items():
        sums, counts = [0.0] * (days * _QUARTERS_A_DAY), [0] * (days * _QUARTERS_A_DAY)
        for start, energy in usages:
            local = calendar.local(start)
            if energy is None or (on is not None and not on(local.date())):
                continue
            day = local.weekday() if of_week else 0
            slot = (day * 24 + local.hour) * QUARTERS_AN_HOUR + local.minute // _MINUTES_A_QUARTER
            sums[slot] += energy
            counts[slot] += 1
        means[code] = [
            total / count if count else None for total, count in zip(sums, counts, strict=True)
        ]
    return means


def _fine(quarters: Mapping[str, Sequence[float | None]]) -> list[Row]:
    """Return quarter-hours as rows, without those that nothing is known of."""
    return [
        row
        | {
            "time": {
                "hour": number // QUARTERS_AN_HOUR,
                "minute": number % QUARTERS_AN_HOUR * _MINUTES_A_QUARTER,
            }
        }
        for number, row in _rows(quarters)
    ]


def _coarse(quarters: Mapping[str, Sequence[float | None]]) -> list[Row]:
    """Return quarter-hours as rows of hours, without those that not all is known of."""
    hours = {
        code: [_sum(of_hour) for of_hour in batched(of_code, QUARTERS_AN_HOUR)]
        for code, of_code in quarters.items()
    }
    return [row | {"time": {"hour": number}} for number, row in _rows(hours)]


def _sum(energies: Iterable[float | None]) -> float | None:
    """Return the sum of energies, `None` if one of them is not known."""
    known = [*energies]
    return None if None in known else fsum(one for one in known if one is not None)


def _rows(columns: Mapping[str, Sequence[float | None]]) -> Iterator[tuple[int, Row]]:
    """Yield what columns hold at each place, with its number, unless it is nothing."""
    for number, energies in enumerate(zip_longest(*columns.values())):
        row = {
            code: round(energy, DECIMALS)
            for code, energy in zip(columns, energies, strict=True)
            if energy is not None
        }
        if row:
            yield number, {**row}


def _told(energies: Mapping[str, float], codes: Iterable[str]) -> Row:
    """Return energies by their codes, and that of the first code as `usage` too."""
    row: Row = {code: round(energies[code], DECIMALS) for code in codes if code in energies}
    first = next(iter(codes))
    return row | {"usage": row[first]} if first in row else row


def _start_of_hour(time: int, calendar: Calendar) -> int:
    """Return when the hour begins that clocks show at an instant (epoch seconds)."""
    return time - calendar.local(time).minute * 60
