"""Homes whose meters and registers change: what they show at every instant, drawn from a seed."""

import random
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .meters import HOUR, QUARTER, register

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .meters import Rows

DAY: Final = 24 * HOUR

ABSOLUTE: Final = ("15_8_0",)
IMPORT: Final = ("15_8_0", "1_8_0")
TWO_WAYS: Final = ("15_8_0", "1_8_0", "2_8_0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """From `start` (epoch seconds) on a home has this meter, which reports these registers.

    `imported` and `exported` are what its counters showed when the era began.
    """

    start: int
    meter: int
    codes: tuple[str, ...]
    imported: float
    exported: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home's meters, one after the other, and whether they tell their serial number."""

    eras: tuple[Era, ...]
    has_serials: bool
    rng: random.Random

    def shown(self, time: int) -> dict[str, float | str]:
        """Return what a complete reading tells at an instant."""
        era = self.eras[bisect_right(self.eras, time, key=lambda era: era.start) - 1]
        imported = era.imported + used(era.start, time)
        exported = era.exported + given_back(era.start, time) * ("2_8_0" in era.codes)
        counters = {"15_8_0": imported + exported, "1_8_0": imported, "2_8_0": exported}
        values: dict[str, float | str] = {code: round(counters[code], 4) for code in era.codes}
        if self.has_serials:
            values["C_1_0"] = f"{1000 + era.meter}"
        return values

    def read(self, time: int) -> Mapping[str, float | str]:
        """Return a reading, of which something may be missing.

        Nothing is of full hours, nor just before and after a change: what was counted up to the one
        or from the other on could not be known.
        """
        values = self.shown(time)
        is_change = any(era.start in {time, time + QUARTER} for era in self.eras)
        if time % HOUR and not is_change and self.rng.random() < 0.2:
            missing = self.rng.sample([*values], self.rng.randint(1, len(values)))
            return {code: value for code, value in values.items() if code not in missing}
        return values

    def expected(self, code: str, first: int, last: int) -> Rows:
        """Return the rows of a series, straight from what the meters showed.

        `code` is its register; of import, `1_8_0` stands for what counts it.
        """
        rows: Rows = {}
        total = value = 0.0
        meter: int | None = None
        hours = first
        for time in range(first, last + 1, QUARTER):
            values = self.shown(time)
            shown = values.get(code, values.get("15_8_0") if code == "1_8_0" else None)
            if shown is None:
                continue
            if meter is None:
                hours = time - time % HOUR
            elif meter == self._meter_at(time):
                total += self._counted(code, time - QUARTER, time)
            while hours + HOUR < time:  # nothing was read: the sum stands still
                rows[hours] = (value, total)
                hours += HOUR
            value = float(shown)
            if hours + HOUR == time:
                rows[hours] = (value, total)
                hours = time
            elif time > hours:
                rows[hours] = (value, total)
            meter = self._meter_at(time)
        return rows

    def _counted(self, code: str, start: int, end: int) -> float:
        return used(start, end) if code == "1_8_0" else given_back(start, end)

    def _meter_at(self, time: int) -> int:
        return self.eras[bisect_right(self.eras, time, key=lambda era: era.start) - 1].meter


def used(start: int, end: int) -> float:
    """Return the energy that a home uses between two instants."""
    return register(end, "1_8_0") - register(start, "1_8_0")


def given_back(start: int, end: int) -> float:
    """Return the energy that a home gives back between two instants."""
    return register(end, "2_8_0") - register(start, "2_8_0")


def draw_home(seed: str, begin: int, end: int, *, has_serials: bool) -> Home:
    """Return a home whose meter changes now and then: the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311
    return Home(
        eras=tuple(_eras(rng, begin, end, has_serials=has_serials)),
        has_serials=has_serials,
        rng=random.Random(f"{seed} readings"),  # noqa: S311
    )


def _eras(rng: random.Random, begin: int, end: int, *, has_serials: bool) -> Iterator[Era]:
    """Yield eras: other meters, and meters that come to report more than before.

    Without a serial number only a counter that falls tells of another meter.
    """
    start, meter = begin, 0
    codes = rng.choice((ABSOLUTE, IMPORT))
    imported = exported = 9_000.0
    while start < end:
        yield Era(start=start, meter=meter, codes=codes, imported=imported, exported=exported)
        following = start + QUARTER * rng.randint(2 * 96, 12 * 96)
        imported += used(start, following)
        exported += given_back(start, following) * ("2_8_0" in codes)
        start = following
        if codes == ABSOLUTE and rng.random() < 0.4:
            codes = IMPORT
            continue
        meter += 1
        codes = rng.choice((ABSOLUTE, IMPORT, TWO_WAYS))
        if has_serials:
            imported, exported = (rng.uniform(0, 20_000) for _ in range(2))
        else:
            imported, exported = (9_000.0 - 1_500.0 * meter + rng.random() for _ in range(2))
