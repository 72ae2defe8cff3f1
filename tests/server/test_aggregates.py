"""Readings aggregated by periods, from histories that come in pages."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onemeter_server.energy.aggregates import Aggregate, Kind
from onemeter_server.energy.intervals import Aggregation
from onemeter_server.energy.stretches import Stretch, Stretches
from onemeter_server.models.records import StoredReading

from .conftest import at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUARTER, HOUR, DAY = Aggregation.QUARTER, Aggregation.HOUR, Aggregation.DAY
START = at("2024-03-20T00:00:00Z")
HOURLY = Aggregate(kind=Kind.READINGS, aggregation=HOUR, zone=ZoneInfo("Europe/Warsaw"))
USAGES = replace(HOURLY, kind=Kind.USAGES)


# A number to draw a history from: what is drawn one by one takes Hypothesis minutes.
lives = st.integers(0, 2**32)


def reading(time: int, **values: Any) -> StoredReading:
    """Return a reading; registers are written as `r1_8_0`, other names as they are."""
    return StoredReading(
        time=time, values={code.removeprefix("r"): value for code, value in values.items()}
    )


def whole(readings: Sequence[StoredReading]) -> Stretch:
    return Stretch(readings=readings, since=None, until=None)


def told(rows: Iterable[StoredReading], code: str = "1_8_0") -> dict[str, Any]:
    """Return the values of a register by the time of day in UTC."""
    return {
        f"{(row.time - START) // 60 // 60}:{(row.time - START) // 60 % 60:02}": row.values.get(code)
        for row in rows
    }


def in_pages(
    aggregate: Aggregate, readings: list[StoredReading], pages: Random, *, descending: bool
) -> list[StoredReading]:
    """Return the rows of a history that is cut into pages anyhow, in the order of time."""
    direction = -1 if descending else 1
    stretches = Stretches(descending=descending)
    left = aggregate.needed(readings)[::direction]
    rows: list[StoredReading] = []
    while left:
        size = pages.choice([1, 5, 50, 300])
        stretch = stretches.add(left[:size])
        left = left[size:]
        if stretch is not None:
            rows += aggregate.rows(stretch)[::direction]
    stretch = stretches.rest()
    if stretch is not None:
        rows += aggregate.rows(stretch)[::direction]
    return rows[::direction]


def life(random: Random) -> list[StoredReading]:
    """Return some months of one or two meters: with holes, rare registers and wrong readings."""
    every = random.choice([900, 3600, 7200])
    time, total = START + random.randrange(86_400), random.randrange(1_000_000)
    serial, with_serial = "A", random.choice([0.003, 0.02, 0.5])
    readings: list[StoredReading] = []
    for _ in range(random.randrange(400, 1500)):
        time += every if random.random() < 0.99 else random.randrange(1, 12 * 86_400)
        total += random.randrange(100)
        if random.random() < 0.002:
            serial, total = serial + "A", random.randrange(1_000_000)
        values: dict[str, Any] = {"1_8_0": total / 100}
        if random.random() < 0.003:
            values = {"1_8_0": random.choice([0.0, 9_999_999.0])}
        if random.random() < 0.5:
            values["S_1_1_2"] = round(3 - total / 1e7, 3)
        if random.random() < 0.1:
            values |= {"2_8_0": total / 200, "C_1_0": serial}
        if random.random() < with_serial:
            values["C_1_0"] = serial
        if random.random() < 0.005:
            values["16_8_0"] = total / 100
        if random.random() < 0.5:
            values["15_8_0"] = values["1_8_0"]
        readings.append(StoredReading(time=time, values=values))
    return readings


def test_registers_are_told_at_the_start_of_each_period() -> None:
    readings = [reading(START + 900 * number, r1_8_0=10 + number / 4) for number in range(9)]

    assert told(HOURLY.rows(whole(readings))) == {"0:00": 10.0, "1:00": 11.0, "2:00": 12.0}


def test_usages_are_told_of_each_period_that_is_over() -> None:
    readings = [reading(START + 900 * number, r1_8_0=10 + number / 4) for number in range(10)]

    assert told(USAGES.rows(whole(readings))) == {"0:00": 1.0, "1:00": 1.0}


def test_the_period_that_is_not_over_is_told_when_asked_for() -> None:
    readings = [reading(START + 900 * number, r1_8_0=10 + number / 4) for number in range(10)]
    asked = replace(USAGES, with_last=True)

    assert told(asked.rows(whole(readings))) == {"0:00": 1.0, "1:00": 1.0, "2:00": 0.25}


def test_of_quarters_none_is_told_that_is_not_over() -> None:
    readings = [reading(START + 900 * number + 60, r1_8_0=10 + number / 4) for number in range(3)]
    asked = replace(USAGES, aggregation=QUARTER, with_last=True)

    assert told(asked.rows(whole(readings))) == {"0:00": 0.23, "0:15": 0.25}


def test_the_first_period_has_what_was_read_first_in_it() -> None:
    readings = [reading(START + 900 * number, r1_8_0=10 + number / 4) for number in range(3, 9)]

    assert told(HOURLY.rows(whole(readings))) == {"0:00": 10.75, "1:00": 11.0, "2:00": 12.0}
    assert told(USAGES.rows(whole(readings))) == {"0:00": 0.25, "1:00": 1.0}


def test_registers_that_count_nothing_are_the_first_in_a_period() -> None:
    readings = [
        reading(START, r1_8_0=1.0, S_1_1_2=None),
        reading(START + 900, S_1_1_2=2.9, r0_2_2="G11"),
        reading(START + 1800, S_1_1_2=2.8),
        reading(START + 3600, r1_8_0=2.0),
    ]

    assert [row.values for row in HOURLY.rows(whole(readings))] == [
        {"S_1_1_2": 2.9, "0_2_2": "G11", "1_8_0": 1.0},
        {"1_8_0": 2.0},
    ]


def test_usages_are_of_registers_that_count() -> None:
    page = [reading(START, r1_8_0=1.0, S_1_1_2=2.9, C_1_0="A"), reading(START + 900, S_1_1_2=2.9)]

    assert USAGES.needed(page) == [reading(START, r1_8_0=1.0, C_1_0="A")]


def test_other_registers_than_those_asked_for_are_left_out() -> None:
    asked = replace(HOURLY, codes=frozenset({"2_8_0"}))
    page = [reading(START, r1_8_0=1.0, r2_8_0=5.0, C_1_0="A"), reading(START + 900, r1_8_0=1.0)]

    assert [row.values for row in asked.rows(whole(asked.needed(page)))] == [{"2_8_0": 5.0}]


def test_nothing_is_known_in_a_hole_unless_it_is_patched() -> None:
    readings = [
        *(reading(START + 900 * number, r1_8_0=10 + number / 4) for number in range(5)),
        *(reading(START + 900 * number, r1_8_0=10 + number / 4) for number in range(14, 17)),
    ]
    patched = replace(HOURLY, patch=True)

    assert told(HOURLY.rows(whole(readings))) == {
        "0:00": 10.0,
        "1:00": 11.0,
        "2:00": None,
        "3:00": 13.5,
        "4:00": 14.0,
    }
    assert told(patched.rows(whole(readings)))["2:00"] == 12.0
    assert list(told(USAGES.rows(whole(readings))).values()) == [1.0, None, None, None]
    assert list(told(replace(USAGES, patch=True).rows(whole(readings))).values()) == [1.0] * 4


def test_a_reading_that_comes_late_leaves_no_hole() -> None:
    quarterly = replace(USAGES, aggregation=QUARTER)
    readings = [reading(START + time, r1_8_0=time / 900) for time in (0, 905, 1801, 2703)]

    assert list(told(quarterly.rows(whole(readings))).values()) == [1.0] * 3


def test_a_window_has_the_periods_that_start_in_it() -> None:
    readings = [reading(START + 900 * number, r1_8_0=10 + number / 4) for number in range(17)]
    rows = HOURLY.rows(whole(readings), START + 1, START + 2 * 3600)

    assert told(rows) == {"1:00": 11.0, "2:00": 12.0}
    assert HOURLY.rows(whole(readings), START + 1, START + 2) == []
    assert HOURLY.rows(whole(readings), START + 86_400, None) == []


def test_years_between_a_wrong_clock_and_a_history_are_no_periods() -> None:
    lost = at("2000-01-01T00:00:00Z")
    readings = [
        reading(lost, r1_8_0=5),
        reading(START, r1_8_0=10),
        reading(START + 3600, r1_8_0=11),
    ]

    assert [row.time for row in HOURLY.rows(whole(readings))] == [lost, START, START + 3600]


def test_no_readings_are_no_stretch() -> None:
    stretches = Stretches()

    assert stretches.add([]) is None
    assert stretches.rest() is None
    assert not stretches.have_settled(START)


@settings(max_examples=40, deadline=None)
@given(
    number=lives,
    aggregation=st.sampled_from(Aggregation),
    kind=st.sampled_from(Kind),
    patch=st.booleans(),
    descending=st.booleans(),
)
# The serial number was told days before and after another meter came.
@example(number=53, aggregation=DAY, kind=Kind.READINGS, patch=False, descending=False)
@example(number=178, aggregation=QUARTER, kind=Kind.USAGES, patch=False, descending=False)
# A register was not read for more than a month.
@example(number=20636, aggregation=HOUR, kind=Kind.USAGES, patch=True, descending=True)
def test_where_a_history_is_cut_into_pages_does_not_matter(
    number: int, aggregation: Aggregation, kind: Kind, *, patch: bool, descending: bool
) -> None:
    random = Random(number)  # noqa: S311 -- nothing is secret
    aggregate = replace(HOURLY, aggregation=aggregation, kind=kind, patch=patch)
    readings = life(random)
    rows = in_pages(aggregate, readings, random, descending=descending)

    assert rows == aggregate.rows(whole(aggregate.needed(readings)))


@settings(max_examples=20, deadline=None)
@given(number=lives, code=st.sampled_from(["1_8_0", "2_8_0"]))
def test_quarters_hours_and_days_count_the_same(number: int, code: str) -> None:
    random = Random(number)  # noqa: S311 -- nothing is secret
    readings = [one for one in life(random) if code in one.values]
    sums = [
        sum(
            row.values.get(code, 0.0)
            for row in in_pages(
                replace(USAGES, aggregation=aggregation, patch=True, with_last=True),
                readings,
                random,
                descending=False,
            )
        )
        for aggregation in (HOUR, DAY)
    ]

    assert sums[0] == pytest.approx(sums[1], abs=1e-6)
