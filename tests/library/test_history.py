"""From a register's readings to hourly energy: what must hold, whatever the readings are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from onemeter_cloud.history import (
    DEFAULT_LIMIT_KW,
    HOUR_SECONDS,
    TOLERANCE_KWH,
    WRONG_READINGS,
    HourRow,
    hourly_energy,
    is_same,
    plausible_readings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

type Point = tuple[int, float]
type Series = list[Point]

SEVEN = int(datetime(2024, 5, 23, 7, tzinfo=UTC).timestamp())
EIGHT = SEVEN + HOUR_SECONDS
NINE = EIGHT + HOUR_SECONDS
QUARTER = 900
DAY = 86_400
MOST_PER_SECOND = DEFAULT_LIMIT_KW / HOUR_SECONDS


def quarters(*values: float, start: int = SEVEN) -> Series:
    """Return readings of every quarter of an hour."""
    return [(start + QUARTER * number, value) for number, value in enumerate(values)]


def rows_of(series: Series, limit_kw: float = DEFAULT_LIMIT_KW) -> list[HourRow]:
    """Return the rows of one register, whatever meters it was of."""
    return hourly_energy([series], limit_kw=limit_kw)


def energies(rows: Sequence[HourRow]) -> dict[int, float]:
    """Return the energy of each hour."""
    sums = [0.0, *(row.sum for row in rows)]
    return {
        row.start: after - before for row, (before, after) in zip(rows, pairwise(sums), strict=True)
    }


def offsets(rows: Sequence[HourRow]) -> list[float]:
    """Return what the rows have besides the registers: one constant for each meter."""
    different: list[float] = []
    for row in rows:
        if not different or abs(row.offset - different[-1]) > TOLERANCE_KWH:
            different.append(row.offset)
    return different


# Series of readings


@st.composite
def good_series(
    draw: st.DrawFn, *, least: int = 1, most: int = 60, first_value: int = 1_000_00
) -> Series:
    """Draw what a meter shows that runs without a fault, in its resolution, with holes."""
    gaps = st.one_of(
        st.just(QUARTER), st.sampled_from((60, HOUR_SECONDS, DAY)), st.integers(1, DAY)
    )
    share = st.one_of(st.just(0.0), st.floats(0, 0.5))
    steps = draw(st.lists(st.tuples(gaps, share), min_size=least - 1, max_size=most - 1))
    time = draw(st.integers(SEVEN, SEVEN + 2 * HOUR_SECONDS))
    hundredths = draw(st.integers(first_value, first_value + 1_000_00))
    series = [(time, hundredths / 100)]
    for gap, of_most in steps:
        time += gap
        hundredths += int(of_most * MOST_PER_SECOND * 100 * gap)
        series.append((time, hundredths / 100))
    return series


WRONG_VALUES = st.one_of(
    st.just(0.0), st.just(-1.0), st.floats(0, 900), st.floats(1e9, 1e12), st.just(42949672.95)
)


def any_readings() -> st.SearchStrategy[Series]:
    """Draw readings as no meter gives them."""
    times = st.one_of(
        st.integers(0, 40).map(lambda number: SEVEN + QUARTER * number),
        st.integers(SEVEN, SEVEN + DAY),
    )
    values = st.one_of(
        st.integers(0, 300).map(float), st.floats(-1e3, 1e9), st.sampled_from((0.0, 0.1, 5000.0))
    )
    return st.lists(st.tuples(times, values), max_size=60)


class Faulty(NamedTuple):
    """What a meter shows, and what a reader made of it."""

    good: Series
    read: Series


@st.composite
def faulty_series(draw: st.DrawFn) -> Faulty:
    """Draw good readings every quarter, and the same with wrong readings in the place of some."""
    good: Series = []
    read: Series = []
    time = SEVEN
    value = 1_000.0
    for _ in range(draw(st.integers(1, 4))):
        for step in draw(st.lists(st.integers(0, 20), min_size=1, max_size=8)):
            value += step / 4
            good.append((time, value))
            read.append((time, value))
            time += QUARTER
        for wrong in draw(st.lists(WRONG_VALUES, max_size=WRONG_READINGS)):
            read.append((time, wrong))
            time += QUARTER
    good.append((time, value))
    read.append((time, value))
    return Faulty(good, read)


@st.composite
def replaced_series(draw: st.DrawFn, *, faults: bool) -> Series:
    """Draw the readings of one meter after the other, also with wrong readings between."""
    series: Series = []
    time = SEVEN + draw(st.integers(0, HOUR_SECONDS))
    for meter in range(draw(st.integers(1, 4))):
        # Each starts below all the others, so that none comes back to the course of the one before.
        value = draw(st.integers(0, 400)) / 100 + 1_000.0 * (4 - meter)
        count = draw(st.integers(WRONG_READINGS + 2, 15))
        for number in range(count):
            good = WRONG_READINGS < number < count - 1
            if faults and good and draw(st.integers(0, 4)) == 0:
                series.append((time, draw(WRONG_VALUES)))
            else:
                series.append((time, value))
            time += draw(st.sampled_from((60, QUARTER, QUARTER, HOUR_SECONDS, 5 * HOUR_SECONDS)))
            value += draw(st.integers(0, 300)) / 100
    return series


# Sharing out energy over hours


def test_the_row_of_an_hour_has_the_register_at_its_end_and_the_energy_since_the_start() -> None:
    readings = quarters(100.0, 100.25, 100.5, 101.0, 101.5, 102.5, 103.0, 103.25, 104.0)
    assert rows_of(readings) == [
        HourRow(SEVEN, 101.5, 1.5),
        HourRow(EIGHT, 104.0, 4.0),
    ]


@pytest.mark.parametrize("courses", [[], [[]], [[], []]])
def test_no_readings_give_no_rows(courses: list[Series]) -> None:
    assert hourly_energy(courses) == []


def test_a_history_of_one_reading_has_used_nothing() -> None:
    assert rows_of([(SEVEN + QUARTER, 5.0)]) == [HourRow(SEVEN, 5.0, 0.0)]


def test_a_first_reading_on_the_hour_is_the_end_of_no_hour() -> None:
    assert rows_of([(SEVEN, 5.0)]) == []
    assert [row.start for row in rows_of([(SEVEN, 5.0), (EIGHT, 6.0)])] == [SEVEN]


def test_the_running_hour_has_a_row_that_later_readings_replace() -> None:
    now = rows_of(quarters(10.0, 11.0, 12.0))
    later = rows_of(quarters(10.0, 11.0, 12.0, 13.5, 14.0))
    assert now == [HourRow(SEVEN, 12.0, 2.0)]
    assert later == [HourRow(SEVEN, 14.0, 4.0)]


def test_an_hour_that_ends_between_readings_is_interpolated_in_time() -> None:
    rows = rows_of([(EIGHT - 60, 10.0), (EIGHT + 180, 10.4)])
    assert rows[0].state == pytest.approx(10.1)
    assert rows[0].sum == pytest.approx(0.1)


def test_a_hole_is_shared_out_over_its_hours_in_proportion_to_time() -> None:
    rows = rows_of([(SEVEN, 10.0), (SEVEN + DAY, 34.0)])
    assert list(energies(rows).values()) == pytest.approx([1.0] * 24)


def test_a_reading_on_the_hour_is_in_the_row_as_it_was_read() -> None:
    readings = [(SEVEN - 77, 0.1), (SEVEN + 13, 0.2), (EIGHT, 0.3), (NINE, 0.7)]
    assert [row.state for row in rows_of(readings)][1:] == [0.3, 0.7]


@given(good_series())
def test_energy_is_conserved(series: Series) -> None:
    rows = rows_of(series)
    total = sum(energies(rows).values())
    assert total == pytest.approx(series[-1][1] - series[0][1], abs=1e-6)


@given(good_series(), st.floats(0, 1))
def test_no_limit_makes_readings_wrong_that_are_possible_and_never_fall(
    series: Series, limit_kw: float
) -> None:
    assert rows_of(series, limit_kw=limit_kw) == rows_of(series)


@given(good_series())
def test_every_hour_from_the_first_to_the_last_reading_has_one_row(series: Series) -> None:
    starts = [row.start for row in rows_of(series)]
    first, last = series[0][0] // HOUR_SECONDS, -(-series[-1][0] // HOUR_SECONDS)
    assert starts == [number * HOUR_SECONDS for number in range(first, last)]


@given(any_readings())
def test_sums_never_fall_whatever_the_readings_are(readings: Series) -> None:
    sums = [0.0, *(row.sum for row in rows_of(readings))]
    assert sums == sorted(sums)


@given(replaced_series(faults=True))
def test_sum_minus_state_is_one_constant_within_a_meter(series: Series) -> None:
    meters = 1 + sum(b < a for (_, a), (_, b) in pairwise(plausible_readings(series)))
    assert len(offsets(rows_of(series))) <= meters


@given(
    any_readings().flatmap(lambda readings: st.tuples(st.just(readings), st.permutations(readings)))
)
def test_the_order_of_the_readings_does_not_matter(orders: tuple[Series, Series]) -> None:
    assert rows_of(orders[0]) == rows_of(orders[1])


@given(any_readings(), st.integers(2, 7))
def test_duplicates_do_not_matter(readings: Series, times: int) -> None:
    assert rows_of(readings * times) == rows_of(readings)


@given(good_series(), st.sampled_from((0.25, 0.1, 0.5, 1.0)))
def test_a_multiple_of_the_register_gives_the_multiple_of_the_rows(
    series: Series, factor: float
) -> None:
    rows = rows_of(series)
    multiplied = rows_of([(time, value * factor) for time, value in series])
    assert [row.start for row in multiplied] == [row.start for row in rows]
    assert [row.state for row in multiplied] == pytest.approx([row.state * factor for row in rows])
    assert [row.sum for row in multiplied] == pytest.approx(
        [row.sum * factor for row in rows], abs=1e-6
    )


@given(good_series(), st.sampled_from((1.0, 10.0, 40.0)))
def test_the_transformer_ratio_multiplies_what_the_register_counts(
    series: Series, multiplier: float
) -> None:
    multiplied = hourly_energy([series], multiplier=multiplier)
    assert multiplied == [
        HourRow(row.start, row.state * multiplier, row.sum * multiplier) for row in rows_of(series)
    ]


@pytest.mark.parametrize(("multiplier", "energy"), [(1.0, 2.0), (10.0, 20.0), (40.0, 0.0)])
def test_the_limit_of_power_is_meant_after_the_transformer_ratio(
    multiplier: float, energy: float
) -> None:
    full = [(SEVEN, 99_999.0), (EIGHT, 1.0)]  # 2, 20 or 80 kW if it has counted on
    rows = hourly_energy([full], limit_kw=20.0, multiplier=multiplier)
    assert rows[-1].sum == pytest.approx(energy)


@pytest.mark.parametrize(
    ("value", "other", "same"),
    [
        (500.0, 500.0, True),
        (0.1 + 0.2, 0.3, True),
        (1e9, 1e9 + 1e-4, True),
        (500.0, 500.01, False),
        (0.0, 1e-5, False),
    ],
)
def test_registers_are_the_same_but_for_the_noise_of_additions(
    value: float, other: float, *, same: bool
) -> None:
    assert is_same(value, other) is same


@given(good_series(least=2), st.data())
def test_late_readings_change_only_the_hours_between_their_neighbours(
    series: Series, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(series) - 2))
    (time, value), (next_time, next_value) = series[index : index + 2]
    late_time = data.draw(st.integers(time, next_time))
    lowest = max(value, next_value - MOST_PER_SECOND * (next_time - late_time))
    highest = min(next_value, value + MOST_PER_SECOND * (late_time - time))
    late = (late_time, data.draw(st.floats(lowest, highest)))
    before = set(rows_of(series))
    after = set(rows_of([*series, late]))
    for row in before ^ after:
        assert row.start < next_time
        assert row.start + HOUR_SECONDS > time


@pytest.mark.parametrize(
    ("day", "hours"), [((2024, 3, 31), 23), ((2024, 10, 27), 25), ((2024, 5, 23), 24)]
)
def test_summer_time_days_have_as_many_rows_as_hours(day: tuple[int, int, int], hours: int) -> None:
    warsaw = ZoneInfo("Europe/Warsaw")
    midnight = datetime(*day, tzinfo=warsaw)
    start, end = (int(moment.timestamp()) for moment in (midnight, midnight + timedelta(days=1)))
    readings = [(time, (time - start) / HOUR_SECONDS) for time in range(start, end + 1, QUARTER)]
    rows = rows_of(readings)
    assert list(energies(rows).values()) == pytest.approx([1.0] * hours)


# Another meter


def test_a_fall_is_another_meter_and_the_sum_goes_on_from_there() -> None:
    rows = rows_of(quarters(500.0, 501.0, 502.0, 503.0, 0.0, 1.0, 2.0, 3.0, 4.0))
    assert [row.sum for row in rows] == [3.0, 7.0]
    assert [row.state for row in rows] == [0.0, 4.0]


def test_nothing_is_used_between_the_last_reading_of_a_meter_and_the_first_of_another() -> None:
    hole = [(SEVEN, 500.0), (EIGHT + 60, 501.0), (EIGHT + DAY - 60, 0.5)]
    rows = rows_of([*hole, *quarters(1.0, 1.5, 2.0, 2.5, 3.0, start=EIGHT + DAY)])
    assert rows[1:24] == [HourRow(EIGHT + n * HOUR_SECONDS, 501.0, 1.0) for n in range(23)]
    assert rows[-1] == HourRow(EIGHT + DAY, 3.0, 3.5)


def test_a_meter_can_be_replaced_again() -> None:
    first, second, third = (900.0, 901.0), (500.0, 500.5, 501.0, 501.5, 502.0), [20.0] * 4
    rows = rows_of(quarters(*first, *second, *third, 20.25))
    assert rows[-1].sum == 1.0 + 2.0 + 0.25
    assert offsets(rows) == [1.0 - 500.0, 3.0 - 20.0]


@pytest.mark.parametrize("told", range(1, WRONG_READINGS + 2))
def test_another_meter_is_not_believed_before_five_readings_tell_of_it(told: int) -> None:
    old, new = quarters(*[500.0] * 5), quarters(*[20.0, 20.5, 21.0, 21.5, 22.0][:told], start=NINE)
    believed = rows_of(old + new)[-1]
    if told <= WRONG_READINGS:
        assert believed == HourRow(SEVEN, 500.0, 0.0)
    else:
        assert believed == HourRow(NINE, 22.0, 2.0)


@pytest.mark.parametrize("told", range(1, WRONG_READINGS + 2))
def test_an_impossible_jump_is_not_believed_before_five_readings_tell_of_it(told: int) -> None:
    old, new = quarters(*[500.0] * 5), quarters(*[9000.0] * told, start=NINE)
    believed = rows_of(old + new)[-1]
    assert believed.state == (9000.0 if told > WRONG_READINGS else 500.0)


def test_of_a_meter_that_was_hardly_read_nothing_is_known_better_than_of_the_next() -> None:
    assert rows_of(quarters(500.0, 501.0, 502.0, 0.0)) == [HourRow(SEVEN, 0.0, 2.0)]
    assert rows_of(quarters(500.0, 501.0, 502.0, 0.0, 504.0)) == [HourRow(SEVEN, 504.0, 4.0)]


def test_a_meter_that_starts_at_zero_is_not_one_that_came_back() -> None:
    # The new meter passes the height of the old one, but later than within a few readings.
    rows = rows_of(quarters(8.0, 9.0, 10.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0))
    assert rows[-1].sum == 2.0 + 12.0


@pytest.mark.parametrize("zeros", [1, 2, WRONG_READINGS])
def test_zeros_before_another_meter_do_not_count_as_its_energy(zeros: int) -> None:
    rows = rows_of(quarters(500.0, 501.0, *[0.0] * zeros, 300.0, 300.5, 301.0, 301.5, 302.0, 302.5))
    assert rows[-1].sum == 1.0 + 2.5


def test_a_wrong_jump_before_another_meter_does_not_count() -> None:
    rows = rows_of(quarters(500.0, 501.0, 99_999.0, 0.0, 0.5, 1.0, 1.5, 2.0))
    assert rows[-1].sum == 1.0 + 2.0


@example(0.67, 1.08, 24.81, 0.0)
@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1))
def test_the_sum_does_not_lose_the_last_bit_to_another_meter(
    old: float, new: float, first_energy: float, second_energy: float
) -> None:
    readings = [(SEVEN, old), (EIGHT, old + first_energy)]
    readings += [(NINE, new), (NINE + HOUR_SECONDS, new + second_energy)]
    sums = [0.0, *(row.sum for row in rows_of(readings))]
    assert sums == sorted(sums)


# Wrong readings


@pytest.mark.parametrize(
    "wrong",
    [
        (0.0,),
        (-1.0,),
        (499.99,),
        (99_999.0,),
        (42_949_672.95,),
        (0.0, 0.0),
        (0.0, 99_999.0),
        (99_999.0, 0.0),
        (99_999.0, 88_888.0, 99_999.0),
        (7.0, 3.0, 5.0, 7.0),
        (99_999.0, 99_999.0, 99_999.0, 99_999.0),
    ],
)
def test_readings_are_wrong_if_the_register_returns_to_its_old_course(
    wrong: tuple[float, ...],
) -> None:
    readings = quarters(500.0, 501.0, *wrong, 502.0, 503.0, 504.0)
    right = [reading for reading in readings if reading[1] not in wrong]
    assert plausible_readings(readings) == right
    assert rows_of(readings) == rows_of(right)


@given(faulty_series())
def test_wrong_readings_change_nothing_but_that_they_are_missing(series: Faulty) -> None:
    assert plausible_readings(series.read) == series.good


def test_five_falls_in_a_row_are_another_meter() -> None:
    wrong = [0.0] * (WRONG_READINGS + 1)
    readings = quarters(500.0, *wrong, 1.0)
    assert plausible_readings(readings) == readings


@pytest.mark.parametrize("wrong", [5, 24, 100])
@pytest.mark.parametrize("value", [0.0, 77.0, 88_888.0])
def test_nor_are_they_if_a_jump_leads_back_to_the_old_course_within_a_day(
    wrong: int, value: float
) -> None:
    readings = quarters(*[500.0] * 100, *[value] * wrong, *[501.0] * 100)
    assert plausible_readings(readings) == readings[:100] + readings[-100:]
    assert rows_of(readings)[-1].sum == 1.0


def test_a_meter_that_comes_back_after_a_day_is_another_one() -> None:
    meanwhile = [number / 100 for number in range(103)]
    readings = quarters(*[500.0] * 10, *meanwhile, *[501.0] * 10)
    assert plausible_readings(readings) == readings


def test_the_copies_of_a_wrong_reading_are_one_wrong_reading() -> None:
    readings = quarters(500.0, 501.0, 0.0, 502.0)
    assert plausible_readings(readings + [readings[2]] * 10) == [*readings[:2], readings[3]]


def test_of_several_readings_of_one_instant_the_highest_counts() -> None:
    readings = quarters(500.0, 501.0, 502.0)
    assert plausible_readings([*readings, (readings[1][0], 500.99)]) == readings


def test_of_one_instant_a_wrong_reading_that_is_higher_costs_only_the_right_one() -> None:
    readings = quarters(500.0, 501.0, 502.0)
    with_wrong = [*readings, (readings[1][0], 99_999.0)]
    assert plausible_readings(with_wrong) == [readings[0], readings[2]]


@pytest.mark.parametrize("limit_kw", [4.0, 200.0, 1000.0])
def test_a_jump_above_the_limit_that_is_taken_back_was_wrong(limit_kw: float) -> None:
    jump = quarters(500.0, 500.0 + limit_kw / 4 + 0.1, 500.2, 500.3)
    assert plausible_readings(jump, limit_kw) == [jump[0], *jump[2:]]


def test_a_rise_below_the_limit_that_is_taken_back_told_of_another_time() -> None:
    rise = quarters(500.0, 500.9, 500.2, 500.3)
    assert plausible_readings(rise, limit_kw=4.0) == [rise[0], *rise[2:]]


def test_a_step_of_the_resolution_is_never_a_jump() -> None:
    readings = [(SEVEN + second, 500.0 + second / 100) for second in range(3)]
    assert plausible_readings(readings, limit_kw=4.0) == readings


def test_a_register_that_is_read_once_at_the_end_of_another_one_tells_nothing() -> None:
    old = [(SEVEN, 10.0), (EIGHT, 11.0)]
    new = [(EIGHT + QUARTER, 3.0), (NINE, 4.0)]
    expected = hourly_energy([old, new])
    assert hourly_energy([old, [(EIGHT, 500.0)], new]) == expected
    assert expected[0] == HourRow(SEVEN, 11.0, 1.0)


def test_a_jump_that_stands_is_energy() -> None:
    rows = rows_of(quarters(*[500.0] * 6, 1500.0, 1500.5, 1501.0, 1501.5, 1502.0))
    assert rows[-1].sum == 1002.0


def test_a_site_that_always_takes_more_than_is_possible_else_is_believed_at_once() -> None:
    readings = quarters(*(500.0 + 300.0 * number for number in range(20)))
    assert plausible_readings(readings) == readings


def test_more_power_than_the_contract_allows_is_energy_from_the_first_reading_on() -> None:
    rows = rows_of(quarters(500.0, 502.0, 504.0, 506.0, 508.0), limit_kw=4.0)
    assert rows == [HourRow(SEVEN, 508.0, 8.0)]


def test_a_zero_is_recognised_while_more_is_drawn_than_the_contract_allows() -> None:
    rows = rows_of(quarters(500.0, 502.0, 0.0, 506.0, 508.0), limit_kw=4.0)
    assert rows == [HourRow(SEVEN, 508.0, 8.0)]


@pytest.mark.parametrize("wrong", [(0.0,), (-1.0,), (0.0, 0.0), (0.0, 3.0), (0.0,) * 4])
def test_a_history_does_not_start_with_what_was_wrong(wrong: tuple[float, ...]) -> None:
    readings = quarters(*wrong, 5000.0, 5000.5, 5001.0, 5001.5, 5002.0)
    assert rows_of(readings)[-1].sum == 2.0


def test_a_history_that_starts_with_a_wrong_height_takes_the_rest_for_another_meter() -> None:
    assert rows_of(quarters(99_999.0, 5000.0, 5000.5, 5001.0))[-1].sum == 1.0


def test_a_jump_that_only_one_reading_tells_of_does_not_make_the_one_before_wrong() -> None:
    assert plausible_readings(quarters(0.0, 5000.0)) == quarters(0.0, 5000.0)


def test_a_jump_at_the_end_counts_until_later_readings_take_it_back() -> None:
    known = quarters(*[500.0] * 4, 99_999.0)
    assert plausible_readings(known) == known
    later = [*known, (EIGHT + QUARTER, 501.0)]
    assert plausible_readings(later) == [*known[:4], later[-1]]


# Parts of a history


def part_from(rows: Sequence[HourRow], time: int) -> dict[int, HourRow]:
    """Return the rows of the hours that end after an instant, by their starts."""
    return {row.start: row for row in rows if row.start + HOUR_SECONDS > time}


def assert_same_but_for_a_constant(part: Sequence[HourRow], whole: dict[int, HourRow]) -> None:
    """Compare the rows of a part with those of the whole, state by state and sum by sum."""
    assert [row.start for row in part] == [*whole]
    assert [row.state for row in part] == [row.state for row in whole.values()]
    assert len({round(whole[row.start].sum - row.sum, 6) for row in part}) <= 1


@given(replaced_series(faults=True), st.data())
def test_a_part_gives_the_rows_of_the_whole_but_for_a_constant(
    series: Series, data: st.DataObject
) -> None:
    first = data.draw(st.sampled_from(plausible_readings(series)))
    part = series[series.index(first) :]
    whole = part_from(rows_of(series), first[0])
    assume(
        plausible_readings(part)
        == [point for point in plausible_readings(series) if point >= first]
    )
    assert_same_but_for_a_constant(rows_of(part), whole)
