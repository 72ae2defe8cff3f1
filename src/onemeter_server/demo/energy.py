"""The energy of the demo's house and flat, quarter-hour by quarter-hour.

Every quarter is a function of the place and of its local day alone: what is generated later is what
would have been generated now. Energies are whole watt-hours, so that sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import cos, pi, radians, sin
from random import Random
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUARTER_SECONDS: Final = 900
WARSAW: Final = ZoneInfo("Europe/Warsaw")

PEAK: Final = 1
OFF_PEAK: Final = 2

_DAYS_A_YEAR: Final = 365.25
_SATURDAY: Final = 5
_LATITUDE: Final = radians(52.2)
_LONGITUDE_DEGREES: Final = 21.0
_AXIS_TILT: Final = radians(23.45)

# Average power in W of each hour of the day, without heating water and without photovoltaics.
_WORKDAY_WATTS: Final = (
    *(170, 150, 150, 150, 160, 200, 450, 500, 300, 230, 220, 220),
    *(240, 250, 260, 350, 500, 750, 850, 850, 750, 600, 400, 250),
)
_WEEKEND_WATTS: Final = (
    *(190, 170, 150, 150, 150, 160, 200, 300, 450, 550, 600, 600),
    *(700, 650, 550, 500, 500, 650, 750, 800, 750, 600, 450, 300),
)
# How much more is used in the depth of winter than in the middle of summer.
_WINTER_SHARE: Final = 0.35

_BOILER_WATTS: Final = 2_000
_BOILER_NIGHT_HOUR: Final = 23
_BOILER_NOON_HOUR: Final = 13
_PV_PEAK_WATTS: Final = 4_500
_PV_EFFICIENCY: Final = 0.95
_FLAT_SHARE: Final = 0.445


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """What a meter counts in the quarter-hour from `start` (epoch seconds) on, in Wh and varh."""

    start: int
    zone: int
    imported: int
    exported: int
    reactive_r1: int
    reactive_r4: int
    celsius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sky:
    """The season and the weather of one day."""

    winter: float
    sine_declination: float
    cosine_declination: float
    clearness: float
    celsius: float

    @classmethod
    def of(cls, day: date, random: Random) -> _Sky:
        angle = 2 * pi * (day.timetuple().tm_yday - 10) / _DAYS_A_YEAR
        declination = -_AXIS_TILT * cos(angle)
        winter = (1 + cos(angle - radians(15))) / 2
        return cls(
            winter=winter,
            sine_declination=sin(declination),
            cosine_declination=cos(declination),
            clearness=min(1.0, max(0.08, random.gauss(0.72 - 0.3 * winter, 0.25))),
            celsius=20.0 - 20.0 * winter + random.gauss(0.0, 2.5),
        )

    def sun(self, epoch: float) -> float:
        """Return the sine of the sun's elevation, 0 at night."""
        hour_angle = 2 * pi * (epoch / 86_400 + _LONGITUDE_DEGREES / 360 - 0.5)
        height = sin(_LATITUDE) * self.sine_declination
        return max(0.0, height + cos(_LATITUDE) * self.cosine_declination * cos(hour_angle))


def g12w_zone(local: datetime) -> int:
    """Return the zone of tariff G12w at a local time: `PEAK` (1) or `OFF_PEAK` (2).

    Off-peak are the nights from 22 to 6, from 13 to 15 on workdays, and whole weekends.
    """
    if local.weekday() >= _SATURDAY:
        return OFF_PEAK
    hour = local.hour
    return OFF_PEAK if hour >= 22 or hour < 6 or 13 <= hour < 15 else PEAK  # noqa: PLR2004


def house_quarters(start: int) -> Iterator[Quarter]:
    """Yield the quarter-hours of the house from the one that holds `start` on, without end."""
    return _quarters("house", start, _house_day)


def flat_quarters(start: int) -> Iterator[Quarter]:
    """Yield the quarter-hours of the flat from the one that holds `start` on, without end."""
    return _quarters("flat", start, _flat_day)


def _quarters(
    seed: str, start: int, one_day: Callable[[date, Random], Iterator[Quarter]]
) -> Iterator[Quarter]:
    first = start - start % QUARTER_SECONDS
    day = datetime.fromtimestamp(start, WARSAW).date()
    while True:
        # Seeded, so that the demo is the same everywhere; nothing here is a secret.
        for quarter in one_day(day, Random(f"{seed} {day}")):  # noqa: S311
            if quarter.start >= first:
                yield quarter
        day += timedelta(days=1)


def _quarters_of(day: date) -> Iterator[tuple[int, datetime]]:
    """Yield start and local time of a day's quarter-hours: 92 or 100 when the clocks change."""
    instant = _midnight(day)
    end = _midnight(day + timedelta(days=1))
    while instant < end:
        yield instant, datetime.fromtimestamp(instant, WARSAW)
        instant += QUARTER_SECONDS


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), WARSAW).astimezone(UTC).timestamp())


def _house_day(day: date, random: Random) -> Iterator[Quarter]:
    sky = _Sky.of(day, random)
    watts = _WEEKEND_WATTS if day.weekday() >= _SATURDAY else _WORKDAY_WATTS
    level = random.uniform(0.85, 1.15) * (1 + _WINTER_SHARE * sky.winter)
    # Quarters of each hour in which the boiler heats, longer when the water comes in cold.
    boiler_left = {
        0: random.randint(0, 2) + round(2 * sky.winter),
        _BOILER_NOON_HOUR: random.randint(0, 2),
        _BOILER_NIGHT_HOUR: 4,
    }
    for start, local in _quarters_of(day):
        load = watts[local.hour] * level * random.uniform(0.7, 1.3)
        if boiler_left.get(local.hour, 0) > 0:
            boiler_left[local.hour] -= 1
            load += _BOILER_WATTS
        sun = sky.sun(start + QUARTER_SECONDS / 2)
        passing_clouds = random.uniform(0.6, 1.2)
        solar = _PV_PEAK_WATTS * _PV_EFFICIENCY * sun * min(1.0, sky.clearness * passing_clouds)
        net = round((load - solar) / 4)
        imported, exported = max(net, 0), max(-net, 0)
        yield Quarter(
            start=start,
            zone=g12w_zone(local),
            imported=imported,
            exported=exported,
            reactive_r1=round(imported * random.uniform(0.05, 0.15)),
            reactive_r4=round(random.uniform(10, 25)) if imported else 0,
            celsius=sky.celsius + 8 * (sun - 0.3),
        )


def _flat_day(day: date, random: Random) -> Iterator[Quarter]:
    sky = _Sky.of(day, random)
    watts = _WEEKEND_WATTS if day.weekday() >= _SATURDAY else _WORKDAY_WATTS
    level = _FLAT_SHARE * random.uniform(0.75, 1.25) * (1 + _WINTER_SHARE * sky.winter)
    for start, local in _quarters_of(day):
        yield Quarter(
            start=start,
            zone=PEAK,
            imported=round(watts[local.hour] * level * random.uniform(0.6, 1.4) / 4),
            exported=0,
            reactive_r1=0,
            reactive_r4=0,
            celsius=sky.celsius,
        )
