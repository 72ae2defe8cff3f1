"""True lives of meters, one after the other in one place, and what a reader reads of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, cycle, islice
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from onemeter_cloud.series import ENERGY_EXPORT, ENERGY_IMPORT, TARIFF_KEYS

from .meters import QUARTER, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .meters import Row

ABSOLUTE: Final = ("15_8_0", "F_8_0")
KINDS: Final = (
    ("15_8_0",),
    ("F_8_0",),
    ("1_8_0",),
    ("1_8_0", "15_8_0"),
    ("1_8_0", "2_8_0", "15_8_0"),
)
FEWEST_STEPS: Final = 180
"""So many quarters are more than a day, whatever is missing: then a register counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter's whole life, in hundredths of a kWh; each tuple has an element for each quarter.

    `digits` is how many its counters have before the point. `tariffs` tells which of two tariffs a
    quarter's import belongs to, `None` where the meter has none.
    """

    codes: tuple[str, ...]
    serial: str | None
    digits: int
    begin: int
    imports: tuple[int, ...]
    exports: tuple[int, ...]
    tariffs: tuple[int, ...] | None

    @property
    def import_code(self) -> str:
        """The register that counts import, and all there is where it is the only one."""
        return self.codes[0]

    def counters(self) -> dict[str, list[int]]:
        """Return what each register has counted at the end of each quarter, without end."""
        both = [sum(pair) for pair in zip(self.imports, self.exports, strict=True)]
        energies = {"1_8_0": self.imports, "2_8_0": self.exports, **dict.fromkeys(ABSOLUTE, both)}
        counted = {code: [*accumulate(energies[code], initial=self.begin)] for code in self.codes}
        if self.tariffs is not None:
            group = self.import_code.removesuffix("0")
            for tariff in (1, 2):
                counted[f"{group}{tariff}"] = [
                    *accumulate(
                        (
                            energy if of_quarter == tariff else 0
                            for energy, of_quarter in zip(
                                energies[self.import_code], self.tariffs, strict=True
                            )
                        ),
                        initial=self.begin,
                    )
                ]
        return counted

    def rows(self, start: int) -> list[Row]:
        """Return a reading of every quarter, the first at an instant."""
        capacity = 100 * 10**self.digits
        shown = {
            code: [value % capacity / 100 for value in values]
            for code, values in self.counters().items()
        }
        serial: Row = {} if self.serial is None else {"C_1_0": self.serial}
        return [
            {
                "date": start + QUARTER * number,
                **{code: values[number] for code, values in shown.items()},
                **serial,
            }
            for number in range(len(self.imports) + 1)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Meters one after the other, and which of each one's readings were got."""

    meters: tuple[Meter, ...]
    got: tuple[tuple[int, ...], ...]

    def rows(self) -> list[Row]:
        """Return the readings that were got, in the order of time."""
        return [row for of_meter in self.rows_of_meters() for row in of_meter]

    def rows_of_meters(self) -> list[list[Row]]:
        """Return the readings that were got of each meter."""
        start = START
        read: list[list[Row]] = []
        for meter, numbers in zip(self.meters, self.got, strict=True):
            rows = meter.rows(start)
            read.append([rows[number] for number in numbers])
            start += QUARTER * len(rows)
        return read

    def bounds(self, partial: Sequence[Row]) -> tuple[float, float]:
        """Return the least and the most import (kWh) that partial readings can be taken for.

        The least is what the register of import counted between its first and its last reading on
        each meter, the most has in addition all energy that was read before and after these.
        """
        by_time = {row["date"]: row for row in partial}
        least = most = 0
        for meter, numbers, of_meter in zip(
            self.meters, self.got, self.rows_of_meters(), strict=True
        ):
            told = {
                code: [
                    number
                    for number, row in zip(numbers, of_meter, strict=True)
                    if code in by_time[row["date"]]
                ]
                for code in meter.codes
            }
            imported = told[meter.import_code]
            values = meter.counters()[meter.import_code]
            least += values[imported[-1]] - values[imported[0]]
            for code in {*ABSOLUTE} & told.keys() - {meter.import_code}:
                values, of_all = meter.counters()[code], told[code]
                if of_all:
                    most += max(0, values[imported[0]] - values[of_all[0]])
                    most += max(0, values[of_all[-1]] - values[imported[-1]])
        most += least
        return least / 100, most / 100

    def counted(self) -> dict[str, float]:
        """Return what the meters counted between the first and the last reading of each (kWh)."""
        energies: dict[str, int] = {}
        for meter, numbers in zip(self.meters, self.got, strict=True):
            group = meter.import_code.removesuffix("0")
            keys = {
                meter.import_code: ENERGY_IMPORT,
                "2_8_0": ENERGY_EXPORT,
                f"{group}1": TARIFF_KEYS[0],
                f"{group}2": TARIFF_KEYS[1],
            }
            for code, values in meter.counters().items():
                if (key := keys.get(code)) is not None:
                    energy = values[numbers[-1]] - values[numbers[0]]
                    energies[key] = energies.get(key, 0) + energy
        return {key: energy / 100 for key, energy in energies.items()}


@st.composite
def partial_rows(draw: st.DrawFn, life: Life) -> list[Row]:
    """Draw which registers each reading holds: import at least every fourth time."""
    rows: list[Row] = []
    for meter, of_meter in zip(life.meters, life.rows_of_meters(), strict=True):
        missing = draw(
            st.lists(
                st.sets(st.sampled_from(("1_8_0", "2_8_0", "15_8_0", "F_8_0", "1_8_1", "15_8_2"))),
                min_size=1,
                max_size=3,
            )
        )
        pattern = [*missing, {code for code in missing[0] if code != meter.import_code}]
        rows += [
            {code: value for code, value in row.items() if code not in lacking}
            for row, lacking in zip(of_meter, cycle(pattern), strict=False)
        ]
    return rows


@st.composite
def lives(
    draw: st.DrawFn,
    *,
    most_meters: int = 3,
    with_serials: bool | None = None,
    far_apart: bool = False,
) -> Life:
    """Draw a life: what meters there were, what they counted, and which readings were got.

    Where meters tell no serial number, each begins lower than the one before has ended, and none
    runs over, for nothing else tells them apart. `far_apart` are meters of which none can have
    become what the next one shows.
    """
    tell_serials = draw(st.booleans()) if with_serials is None else with_serials
    count = draw(st.integers(1, most_meters))
    meters: list[Meter] = []
    got: list[tuple[int, ...]] = []
    for number in range(count):
        steps = draw(st.integers(FEWEST_STEPS, FEWEST_STEPS + 60))
        digits = draw(st.sampled_from((5, 6)))
        imports, exports = draw(_loads(steps)), draw(_loads(steps))
        codes = draw(st.sampled_from(KINDS))
        if "2_8_0" not in codes:
            exports = (0,) * steps
        begin = draw(st.integers(0, 500_00))
        if far_apart:
            begin += draw(st.sampled_from((1, 3, 5))) * 10_000_00 + number % 2 * 10_000_00
        elif tell_serials and draw(st.booleans()):
            begin = 100 * 10**digits - draw(st.integers(1, 50_00))
        if not tell_serials:
            begin = (count - number) * 10_000_00 + begin
        meters.append(
            Meter(
                codes=codes,
                serial=f"{number}00{number}7" if tell_serials else None,
                digits=digits,
                begin=begin,
                imports=imports,
                exports=exports,
                tariffs=draw(_tariffs(steps)),
            )
        )
        got.append(draw(_numbers(steps + 1)))
    return Life(meters=tuple(meters), got=tuple(got))


def _repeated(values: Sequence[int], length: int) -> tuple[int, ...]:
    return tuple(islice(cycle(values), length))


@st.composite
def _loads(draw: st.DrawFn, steps: int) -> tuple[int, ...]:
    """Draw the energy of quarters, in hundredths of a kWh: up to 12 kW, and often nothing."""
    of_some = st.lists(st.one_of(st.just(0), st.integers(0, 3_00)), min_size=1, max_size=8)
    return _repeated(draw(of_some), steps)


@st.composite
def _tariffs(draw: st.DrawFn, steps: int) -> tuple[int, ...] | None:
    """Draw the tariffs of quarters, if there are any."""
    pattern = draw(st.one_of(st.none(), st.lists(st.sampled_from((1, 2)), min_size=1, max_size=6)))
    return None if pattern is None else _repeated(pattern, steps)


@st.composite
def _numbers(draw: st.DrawFn, count: int) -> tuple[int, ...]:
    """Draw which of readings were got: some holes, also at the ends, and enough between."""
    holes = draw(st.lists(st.tuples(st.integers(0, count), st.integers(1, 40)), max_size=2))
    missing = {number for begin, length in holes for number in range(begin, begin + length)}
    return tuple(number for number in range(count) if number not in missing)
