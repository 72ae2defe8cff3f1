"""What a device's readings tell of it at a glance: the newest of each register, and its usage.

A summary is a function of all readings. `continued` gets the same from the summary before and the
readings that came since, as long as they plainly go on: where a register falls, jumps, or is of
another meter, the whole history has to tell what counts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from onemeter_cloud.history import DEFAULT_LIMIT_KW, HOUR_SECONDS, hourly_energy, plausible_readings
from onemeter_cloud.obis import (
    OBIS_ENERGY_ABS,
    OBIS_ENERGY_MINUS,
    OBIS_ENERGY_PLUS,
    OBIS_METER_SERIAL,
)
from onemeter_cloud.parsing import as_register, as_serial
from onemeter_cloud.readings import Readings
from onemeter_cloud.series import register_courses
from onemeter_server.models.months import Month
from onemeter_server.models.records import StoredReading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from onemeter_server.models.records import JSON

_RESOLUTION: Final = 0.01  # of the meters' counters, in kWh


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What has been counted by a register (kWh or kvarh), across all meters.

    `since` is the time of its first reading; `time` and `value` are the newest one that counts,
    `total` is the energy since the first. `month` is the start of the month of `time`; `at_month`
    and `at_previous` are the totals at this start and at that of the month before. `recent` holds
    (time, total) of the last hour, and of the reading before that. Times are epoch seconds.
    """

    code: str
    since: int
    time: int
    value: float
    total: float
    month: int
    at_month: float
    at_previous: float
    recent: Sequence[Sequence[float]]

    @property
    def last_hour(self) -> float:
        """The energy of the hour before the newest reading."""
        return self.total - _at(self.recent, self.time - HOUR_SECONDS)

    def this_month(self, month: Month) -> float:
        """Return the energy since a month began, the newest reading's or a later one."""
        return self.total - self.at_month if month.start == self.month else 0.0

    def previous_month(self, month: Month) -> float:
        """Return the energy of the month before that one."""
        if month.start == self.month:
            return self.at_month - self.at_previous
        return self.total - self.at_month if month.previous_start == self.month else 0.0

    def continued(self, time: int, value: float, zone: ZoneInfo) -> Self | None:
        """Return the counter after another reading, `None` if that does not plainly go on."""
        elapsed, energy = time - self.time, value - self.value
        most = DEFAULT_LIMIT_KW / HOUR_SECONDS * elapsed + _RESOLUTION
        if elapsed <= 0 or not 0.0 <= energy <= most:
            return None
        month = Month.of(time, zone)
        points = [*self.recent, (time, self.total + energy)]
        goes_on = month.start == self.month
        at_month = self.at_month if goes_on else _at(points, month.start)
        at_previous = self.at_previous
        if not goes_on:
            is_next = month.previous_start == self.month
            at_previous = self.at_month if is_next else _at(points, month.previous_start)
        return replace(
            self,
            time=time,
            value=value,
            total=self.total + energy,
            month=month.start,
            at_month=at_month,
            at_previous=at_previous,
            recent=_last_hour_of(points),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is asked often of a device's readings.

    `count` is the number of readings, `newest` the time (epoch seconds) of the last one; `latest`
    has the newest value of each register with its time. `usage` counts what the device is for,
    `production` what is returned; they are `None` when no register of that kind is read.
    """

    first: StoredReading
    newest: int
    count: int
    latest: Mapping[str, tuple[int, JSON]]
    usage: Counter | None
    production: Counter | None

    def continued(self, reading: StoredReading, main_register: str, zone: ZoneInfo) -> Self | None:
        """Return the summary after a newer reading, `None` if all readings have to be asked."""
        if reading.time <= self.newest or self._begins_anew(reading.values, main_register):
            return None
        counters = {"usage": self.usage, "production": self.production}
        for name, counter in counters.items():
            if counter is None or (value := as_register(reading.values.get(counter.code))) is None:
                continue
            is_sure = self.latest[counter.code][0] == counter.time
            later = counter.continued(reading.time, value, zone) if is_sure else None
            if later is None:
                return None
            counters[name] = later
        told = {code: (reading.time, value) for code, value in reading.values.items()}
        return replace(
            self,
            newest=reading.time,
            count=self.count + 1,
            latest={**self.latest, **told},
            usage=counters["usage"],
            production=counters["production"],
        )

    def _begins_anew(self, values: Mapping[str, JSON], main_register: str) -> bool:
        """Tell whether a reading is of another meter, or a register counts that did not before."""
        codes = usage_codes(main_register)
        better = codes if self.usage is None else codes[: codes.index(self.usage.code)]
        counting = {*better, *(() if self.production else (OBIS_ENERGY_MINUS,))}
        serial = values.get(OBIS_METER_SERIAL, (known := self._value(OBIS_METER_SERIAL)))
        return not counting.isdisjoint(values) or as_serial(serial) != as_serial(known)

    def _value(self, code: str) -> JSON:
        return self.latest[code][1] if code in self.latest else None

    def encode(self) -> bytes:
        """Return the summary as JSON."""
        return orjson.dumps(self)

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Return what `encode` gave as a summary again."""
        fields = orjson.loads(text)
        return cls(
            first=StoredReading(**fields["first"]),
            newest=fields["newest"],
            count=fields["count"],
            latest={code: (time, value) for code, (time, value) in fields["latest"].items()},
            usage=_decoded(fields["usage"]),
            production=_decoded(fields["production"]),
        )


class Gathering:
    """Gathers what a summary is made of from all readings, of which few registers are kept."""

    def __init__(self, main_register: str, zone: ZoneInfo) -> None:
        """Start without any readings."""
        self._usage_codes = usage_codes(main_register)
        self._kept = (*self._usage_codes, OBIS_ENERGY_MINUS, OBIS_METER_SERIAL)
        self._zone = zone
        self._first: StoredReading | None = None
        self._latest: dict[str, tuple[int, JSON]] = {}
        self._times: list[int] = []
        self._rows: list[dict[str, Any]] = []

    def add(self, readings: Sequence[StoredReading]) -> None:
        """Add the next readings in the order of time."""
        for reading in readings:
            values = reading.values
            self._first = self._first or reading
            self._latest |= {code: (reading.time, value) for code, value in values.items()}
            self._times.append(reading.time)
            self._rows.append({code: values[code] for code in self._kept if code in values})

    def summary(self) -> Summary | None:
        """Return the summary of what has been added, `None` if that is nothing."""
        if self._first is None:
            return None
        readings = Readings(times=self._times, rows=self._rows)
        usage = (_counter(readings, code, self._zone) for code in self._usage_codes)
        return Summary(
            first=self._first,
            newest=self._times[-1],
            count=len(self._times),
            latest=self._latest,
            usage=next((counter for counter in usage if counter is not None), None),
            production=_counter(readings, OBIS_ENERGY_MINUS, self._zone),
        )


def usage_codes(main_register: str) -> tuple[str, ...]:
    """Return the registers that can tell what a device uses, the better first."""
    return (*dict.fromkeys((main_register, OBIS_ENERGY_PLUS, OBIS_ENERGY_ABS)),)


def _counter(readings: Readings, code: str, zone: ZoneInfo) -> Counter | None:
    """Return what a register has counted in all readings, `None` if it is not read."""
    courses = register_courses(readings, code)
    if not courses:
        return None
    points = plausible_readings(courses[-1])
    time, value = points[-1]
    rows = hourly_energy(courses)
    offset = rows[-1].offset if rows else -value  # no row yet: one reading, on the hour
    total = value + offset
    begin = (min(courses[0])[0], 0.0)
    hours = [begin, *((row.start + HOUR_SECONDS, row.sum) for row in rows[:-1]), (time, total)]
    month = Month.of(time, zone)
    return Counter(
        code=code,
        since=begin[0],
        time=time,
        value=value,
        total=total,
        month=month.start,
        at_month=_at(hours, month.start),
        at_previous=_at(hours, month.previous_start),
        recent=_last_hour_of([(when, shown + offset) for when, shown in points]),
    )


def _at(points: Sequence[Sequence[float]], time: int) -> float:
    """Return the total at an instant, between two readings in proportion to time."""
    index = bisect_left(points, time, key=itemgetter(0))
    if index == 0 or index == len(points):
        return points[min(index, len(points) - 1)][1]
    (begin, low), (end, high) = points[index - 1], points[index]
    return low + (high - low) * (time - begin) / (end - begin)


def _last_hour_of(points: Sequence[Sequence[float]]) -> Sequence[Sequence[float]]:
    """Return the points of the hour before the last one, and the one before these."""
    first = bisect_right(points, points[-1][0] - HOUR_SECONDS, key=itemgetter(0))
    return points[max(0, first - 1) :]


def _decoded(fields: dict[str, Any] | None) -> Counter | None:
    return None if fields is None else Counter(**fields)
