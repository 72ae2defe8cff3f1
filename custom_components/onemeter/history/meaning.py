"""What readings mean: the rows of all energy statistics of a device. Pure functions."""

import hashlib
import json
from bisect import bisect_right
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from homeassistant.util import slugify

from ..const import DOMAIN
from ..onemeter_cloud.history import (
    DEFAULT_LIMIT_KW,
    HOUR_SECONDS,
    HourRow,
    hourly_energy,
    is_same,
    plausible_readings,
)
from ..onemeter_cloud.readings import joined
from ..onemeter_cloud.series import ENERGY_KEYS, energy_courses, within

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..onemeter_cloud import Device, Readings
    from ..onemeter_cloud.history import Course

    type Rows = Mapping[str, Sequence[HourRow]]

ENERGY_COST: Final = "energy_cost"
ENERGY_COMPENSATION: Final = "energy_compensation"

_PLAN_VERSION: Final = 2
EARLIEST: Final = 1_262_304_000  # 2010, before the first reader
_CLOCK_TOLERANCE_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a device's readings are to be understood.

    `multiplier` is the transformer ratio that applies, `limit_kw` the power above which a jump of
    a register is suspicious, after the ratio; `installed` (epoch seconds) when the reader came to
    the meter, if that is known.
    """

    main_register: str | None
    multiplier: float
    limit_kw: float
    installed: int | None

    @property
    def fingerprint(self) -> str:
        """A short text that changes when the rows of the same readings would."""
        text = json.dumps([_PLAN_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def installed_at(device: Device, now: int) -> int | None:
    """Return when the reader came to the meter, `None` if that is not known (epoch seconds).

    A reader that had no clock yet tells of a time without readers, or of one that is to come.
    """
    initial = device.initial_reading
    if initial is None or initial.date is None:
        return None
    installed = int(initial.date.timestamp())
    return installed if EARLIEST <= installed <= now else None


def plan_for(device: Device, now: int, *, multiply: bool) -> Plan:
    """Return how a device's readings are to be understood; `now` is in epoch seconds.

    Jumps above the contracted power, or above 200 kW if that is unknown, are suspicious.
    """
    return Plan(
        main_register=device.named_register,
        multiplier=device.multiplier if multiply else 1.0,
        limit_kw=device.contracted_power_kw or DEFAULT_LIMIT_KW,
        installed=installed_at(device, now),
    )


def statistic_id(device_id: str, key: str) -> str:
    """Return the id of a device's statistic in Home Assistant."""
    return f"{DOMAIN}:{slugify(device_id)}_{key}"


def history_of(parts: Sequence[Readings], plan: Plan, now: int) -> Readings:
    """Return readings together that can be true; of one instant the later part tells more surely.

    `now` is in epoch seconds.
    """
    return within(joined(*parts), plan.installed, now + _CLOCK_TOLERANCE_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What stands in the recorder, by the keys of series; from `since` on something may be new."""

    rows: Rows
    since: int


def rows_of(
    readings: Readings, plan: Plan, *, known: Known, expected: Collection[str], now: int
) -> Rows:
    """Return the rows of a history, or of a part of it, by the keys of its series.

    A series goes on from what is `known` of it: that is all that a part has to know of the past.
    `expected` are series that are there as soon as they are read; `now` (epoch seconds) tells which
    hours have begun.
    """
    courses = energy_courses(readings, plan.main_register, expected)
    return {
        key: [
            row
            for row in _rows(of_key, plan, known.rows.get(key, ()), known.since)
            if row.start <= now
        ]
        for key, of_key in courses.items()
    }


def are_doubtful(readings: Readings, plan: Plan) -> bool:
    """Tell whether the newest readings of a register are not believed as yet."""
    limit_kw = plan.limit_kw / plan.multiplier
    courses = energy_courses(readings, plan.main_register, ENERGY_KEYS)
    return any(
        plausible_readings(of_key[-1], limit_kw)[-1][0] < max(of_key[-1])[0]
        for of_key in courses.values()
    )


def _rows(
    courses: Sequence[Course], plan: Plan, known: Sequence[HourRow], since: int
) -> list[HourRow]:
    """Return the rows of a series, which goes on from what is known of it.

    From the first hour in which both have the same register: what lies before it can be of another
    one. Where there is none before something new, from the last hour that was over at the first
    reading.
    """
    rows = hourly_energy(courses, limit_kw=plan.limit_kw, multiplier=plan.multiplier)
    by_start = {row.start: row for row in known if row.start + HOUR_SECONDS <= since}
    for number, row in enumerate(rows):
        same = by_start.get(row.start)
        if same is not None and is_same(same.state, row.state):
            return _raised(rows[number:], same.sum - row.sum)
    first, *later = courses
    earliest = min(first)
    if number := bisect_right(known, earliest[0] - HOUR_SECONDS, key=_start):
        before = known[number - 1]
        value = before.state / plan.multiplier
        if is_same(value, earliest[1]):
            value = earliest[1]  # what multiplying and dividing made of it must not be a fall
        courses = [[(before.start + HOUR_SECONDS, value), *first], *later]
        rows = hourly_energy(courses, limit_kw=plan.limit_kw, multiplier=plan.multiplier)
        return _raised(rows, before.sum)
    return rows


def _raised(rows: Sequence[HourRow], more: float) -> list[HourRow]:
    return [HourRow(row.start, row.state, row.sum + more) for row in rows]


def _start(row: HourRow) -> int:
    return row.start
