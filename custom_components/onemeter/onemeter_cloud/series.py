"""A device's readings to its series of energy: which registers feed them, and from when on.

A series is a function of the whole history, never of the newest reading. Registers come and go:
with another meter, with other settings of the same one, or because a reading holds some of them
only. So a series is a sequence of courses, each of one register of one meter, for `hourly_energy`.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby, islice, pairwise
from operator import itemgetter, le
from typing import TYPE_CHECKING, Final, NamedTuple

from .history import (
    DEFAULT_LIMIT_KW,
    HOUR_SECONDS,
    WRONG_READINGS,
    meters_of,
    plausible_readings,
)
from .obis import OBIS_ENERGY_ABS, OBIS_ENERGY_MINUS, OBIS_ENERGY_PLUS, OBIS_METER_SERIAL
from .parsing import as_serial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .history import Course, Point
    from .readings import Readings

ENERGY_IMPORT: Final = "energy_import"
ENERGY_EXPORT: Final = "energy_export"
ENERGY_ABSOLUTE: Final = "energy_absolute"
TARIFFS: Final = ("1", "2", "3", "4")

GONE_AFTER_SECONDS: Final = 24 * HOUR_SECONDS
"""How much longer another register has to be read before one counts as gone: the reader
broadcasts few registers often and all of them rarely."""

OBIS_ENERGY_ABS_OLD: Final = "F_8_0"

_TOTAL_SUFFIX: Final = "_8_0"
_FEWEST_TARIFFS: Final = 2
_EARLIEST: Final = 1_262_304_000  # 2010, before the first reader
_YEAR_SECONDS: Final = 366 * 24 * HOUR_SECONDS
_FEW_READINGS: Final = 96


class Span(NamedTuple):
    """From `start` to `end` (epoch seconds, both included) the register `code` counts."""

    code: str
    start: int
    end: int


def tariff_key(tariff: str) -> str:
    """Return the key of the import series of a tariff."""
    return f"{ENERGY_IMPORT}_t{tariff}"


TARIFF_KEYS: Final = tuple(map(tariff_key, TARIFFS))
ENERGY_KEYS: Final = (ENERGY_IMPORT, *TARIFF_KEYS, ENERGY_EXPORT, ENERGY_ABSOLUTE)


def energy_codes(main_register: str | None) -> tuple[str, ...]:
    """Return the registers that can feed the series of a device, now or at another time."""
    totals = dict.fromkeys((*_import_codes(main_register), *_absolute_codes(main_register)))
    tariffs = [
        code for total in totals for tariff in TARIFFS if (code := _of_tariff(total, tariff))
    ]
    return (*dict.fromkeys((*totals, *tariffs, OBIS_ENERGY_MINUS)),)


def energy_courses(
    readings: Readings, main_register: str | None, expected: Collection[str] = ()
) -> dict[str, list[Course]]:
    """Return the courses of each series that the readings feed, by the series' keys.

    - Import is counted by `1_8_0`, and by the main register while there is none. A reading that
      lacks the register is no reading of it; the register is gone when the other one went on for
      `GONE_AFTER_SECONDS`, or when it has come back on another meter.
    - A tariff's import is counted beside that register. There are tariffs when at least two have
      ever counted; those that are `expected` (by key) are there as soon as they are read.
    - Export is counted by `2_8_0`.
    - Absolute energy is counted by the main register where import has another one.

    Where the meter's serial number (`C_1_0`) changes, another meter begins.
    """
    registers = _Registers(readings)
    imports = list(_spans(registers, _import_codes(main_register)))
    absolutes = list(_spans(registers, _absolute_codes(main_register)))
    courses = {
        ENERGY_IMPORT: registers.courses(imports),
        **_tariff_courses(registers, imports, expected),
        ENERGY_EXPORT: registers.courses(_spans(registers, (OBIS_ENERGY_MINUS,))),
    }
    others = {span.code for span in imports} - {span.code for span in absolutes}
    if ENERGY_ABSOLUTE in expected or (others and main_register in _absolute_codes(main_register)):
        courses[ENERGY_ABSOLUTE] = registers.courses(absolutes)
    return {key: of_key for key, of_key in courses.items() if of_key}


def register_courses(readings: Readings, code: str) -> list[Course]:
    """Return the courses of one register, as `energy_courses` does those of a series."""
    registers = _Registers(readings)
    return registers.courses(_spans(registers, (code,)))


def within(readings: Readings, start: int | None, end: int) -> Readings:
    """Return the readings from an installation (epoch seconds) to `end`, others being none.

    A reader that has lost its clock tells of times before. Where the installation is not known,
    the history starts where readings are dense: not with a few that lie years before the others.
    """
    begin = _begin_of_history(readings.times) if start is None else start
    if readings.times and begin <= readings.times[0] and readings.times[-1] <= end:
        return readings
    return readings.between(begin, end)


def _begin_of_history(times: Sequence[int]) -> int:
    """Return the first time that is not one of a few that lie more than a year before the rest."""
    begin = bisect_left(times, _EARLIEST)
    if begin == len(times):
        return _EARLIEST
    for number in range(begin + 1, min(len(times), begin + _FEW_READINGS + 1)):
        if times[number] - times[number - 1] > _YEAR_SECONDS:
            begin = number
    return times[begin]


def _import_codes(main_register: str | None) -> tuple[str, ...]:
    """Return the registers that can count import, the better first."""
    if main_register == OBIS_ENERGY_MINUS:
        return (OBIS_ENERGY_PLUS,)
    return (*dict.fromkeys((OBIS_ENERGY_PLUS, *_absolute_codes(main_register))),)


def _absolute_codes(main_register: str | None) -> tuple[str, ...]:
    """Return the registers that can count all energy, the main one first."""
    main = [] if main_register in {OBIS_ENERGY_PLUS, OBIS_ENERGY_MINUS, None} else [main_register]
    return (*dict.fromkeys((*main, OBIS_ENERGY_ABS, OBIS_ENERGY_ABS_OLD)),)


def _of_tariff(total: str, tariff: str) -> str | None:
    """Return the register that counts a tariff of what `total` counts, `None` if there is none."""
    if not total.endswith(_TOTAL_SUFFIX):
        return None
    return f"{total.removesuffix(_TOTAL_SUFFIX)}_8_{tariff}"


def _tariff_courses(
    registers: _Registers, imports: Sequence[Span], expected: Collection[str]
) -> dict[str, list[Course]]:
    """Return the courses of the tariffs that exist, by the keys of their series."""
    courses = {
        tariff_key(tariff): registers.courses(
            [
                Span(code, span.start, span.end)
                for span in imports
                if (code := _of_tariff(span.code, tariff)) is not None
            ]
        )
        for tariff in TARIFFS
    }
    counted = {
        key
        for key, of_key in courses.items()
        if any(value > 0.0 for course in of_key for _, value in course)
    }
    existing = {*expected, *(counted if len(counted) >= _FEWEST_TARIFFS else ())}
    return {key: of_key for key, of_key in courses.items() if key in existing}


def _spans(registers: _Registers, codes: Sequence[str]) -> Iterator[Span]:
    """Yield which of the registers counts when, the better ones standing first in `codes`."""
    present = [code for code in codes if registers.points(code)]
    if present:
        first = min(registers.points(code)[0][0] for code in present)
        last = max(registers.points(code)[-1][0] for code in present)
        yield from _covered(registers, present, first, last)


def _covered(registers: _Registers, codes: Sequence[str], start: int, end: int) -> Iterator[Span]:
    """Yield the spans of a time: those of the best register, and what others have around them."""
    if not codes:
        return
    code, *others = codes
    points = registers.between(code, start, end)
    if not points:
        yield from _covered(registers, others, start, end)
        return
    begin, last = points[0][0], points[-1][0]
    if begin > start:
        yield from _covered(registers, others, start, begin)
    if others:
        for left, right in registers.other_meters(code):
            is_within = begin <= left and right <= last
            if is_within and any(registers.inside(other, left, right) for other in others):
                yield Span(code, begin, left)
                yield from _covered(registers, others, left, right)
                begin = right
    yield Span(code, begin, last)
    later = [inside for other in others if (inside := registers.inside(other, last, end + 1))]
    if later and end - min(points[0][0] for points in later) >= GONE_AFTER_SECONDS:
        yield from _covered(registers, others, last, end)


class _Registers:
    """What each register showed, and which meter it was of."""

    def __init__(self, readings: Readings) -> None:
        """Take readings in the order of time."""
        self._readings = readings
        self._points: dict[str, list[Point]] = {}
        self._other_meters: dict[str, list[tuple[int, int]]] = {}
        self._changes = _meter_changes(readings)
        self._first_times: dict[str, list[int]] = {}

    def points(self, code: str) -> list[Point]:
        """Return all readings of a register."""
        if code not in self._points:
            self._points[code] = self._readings.series(code)
        return self._points[code]

    def between(self, code: str, start: int, end: int) -> list[Point]:
        """Return the readings of a register in a time, its bounds included."""
        points = self.points(code)
        return points[bisect_left(points, (start,)) : bisect_left(points, (end + 1,))]

    def inside(self, code: str, start: int, end: int) -> list[Point]:
        """Return the readings of a register in a time, its bounds left out."""
        return self.between(code, start + 1, end - 1)

    def other_meters(self, code: str) -> list[tuple[int, int]]:
        """Return the times between readings of a register that are of different meters.

        What is one is seen from all of its readings: from a part of them it could not be told.
        """
        if code not in self._other_meters:
            meters = [
                meter
                for of_serial in self._of_serials(code, self.points(code))
                for meter in _meters(of_serial)
            ]
            self._other_meters[code] = [
                (one[-1][0], other[0][0]) for one, other in pairwise(meters)
            ]
        return self._other_meters[code]

    def courses(self, spans: Iterable[Span]) -> list[Course]:
        """Return the courses of registers in their spans, one for each meter."""
        return [
            of_serial
            for span in spans
            for of_serial in self._of_serials(span.code, self.between(*span))
        ]

    def _of_serials(self, code: str, points: Sequence[Point]) -> Iterator[Sequence[Point]]:
        """Yield readings of a register, of each meter that has told another serial number."""
        if code not in self._first_times:
            everything = self.points(code)
            self._first_times[code] = [
                everything[number][0]
                for number in sorted({_first_of_another(everything, one) for one in self._changes})
                if number < len(everything)
            ]
        cuts = [bisect_left(points, (time,)) for time in self._first_times[code]]
        for begin, end in pairwise([0, *cuts, len(points)]):
            if begin < end:
                yield points[begin:end]


def _meters(points: Sequence[Point]) -> list[Sequence[Point]]:
    """Return the plausible readings of each meter that a register has been of."""
    values = [value for _, value in points]
    if all(map(le, values, islice(values, 1, None))):
        return [points]
    return [*meters_of(plausible_readings(points))]


class _MeterChange(NamedTuple):
    """One meter was told of from `since` to `before`, another one from `after` (epoch seconds)."""

    since: int
    before: int
    after: int


def _meter_changes(readings: Readings) -> list[_MeterChange]:
    """Return where the serial number of the meter changes, and stays changed."""
    told = [
        (time, serial)
        for time, row in zip(readings.times, readings.rows, strict=True)
        if (serial := as_serial(row.get(OBIS_METER_SERIAL))) is not None
    ]
    runs: list[tuple[str, list[int]]] = []
    for serial, group in groupby(told, key=itemgetter(1)):
        times = [time for time, _ in group]
        misread = len(runs) > 1 and runs[-2][0] == serial and len(runs[-1][1]) <= WRONG_READINGS
        if misread:
            del runs[-1]
            runs[-1][1].extend(times)
        else:
            runs.append((serial, times))
    return [_MeterChange(one[0], one[-1], other[0]) for (_, one), (_, other) in pairwise(runs)]


def _first_of_another(points: Sequence[Point], change: _MeterChange) -> int:
    """Return the number of the first reading of the later meter, as many as there are if none is.

    The serial number may have been told later than the first reading: where the register falls, or
    rises more steeply than it can, and what follows does not take that back. A register that the
    earlier meter did not show while its number was told is the later one's.
    """
    earlier = bisect_left(points, (change.before + 1,))
    first, told = max(1, earlier), bisect_left(points, (change.after,))
    if earlier == told:
        return told
    around = points[max(0, first - 1 - WRONG_READINGS) : told + 1 + WRONG_READINGS]
    begin, end = points[first - 1][0], points[min(told, len(points) - 1)][0]
    steepest, at = DEFAULT_LIMIT_KW / HOUR_SECONDS, None
    for (time, value), (later, next_value) in pairwise(plausible_readings(around)):
        if begin <= time < later <= end:
            if next_value < value:
                at = later
                break
            if next_value - value > steepest * (later - time):
                steepest, at = (next_value - value) / (later - time), later
    if at is None:
        was_shown = bisect_left(points, (change.since,)) < earlier
        return told if was_shown else earlier
    return bisect_left(points, (at,))
