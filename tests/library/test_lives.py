"""Whatever happens to meters and readings: no hour is below zero, and what was counted is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_cloud.history import DEFAULT_LIMIT_KW, HOUR_SECONDS, HourRow, hourly_energy
from onemeter_cloud.readings import Readings, joined
from onemeter_cloud.series import ENERGY_EXPORT, ENERGY_IMPORT, energy_courses

from .lives import Life, lives, partial_rows
from .meters import DAY, read, total_of, totals

if TYPE_CHECKING:
    from collections.abc import Collection

    from .meters import Row

MAIN = "15_8_0"
CONTEXT = 2 * DAY
NO_DEADLINE = settings(deadline=None, max_examples=60)


def rows_by_key(readings: Readings, expected: Collection[str] = ()) -> dict[str, list[HourRow]]:
    courses = energy_courses(readings, MAIN, expected)
    return {key: hourly_energy(of_key) for key, of_key in courses.items()}


@NO_DEADLINE
@given(lives(), st.sampled_from((14.0, DEFAULT_LIMIT_KW)))
def test_energy_is_what_the_meters_counted_while_they_were_read(
    life: Life, limit_kw: float
) -> None:
    """Lost is what a meter counts before its first and after its last reading, and nothing else."""
    made = totals(life.rows(), limit_kw=limit_kw)
    counted = life.counted()
    for key in {ENERGY_IMPORT, ENERGY_EXPORT} & counted.keys():
        assert made[key] == pytest.approx(counted[key], abs=0.011)
    for key in made.keys() & counted.keys():
        assert made[key] == pytest.approx(counted[key], abs=0.011)


@NO_DEADLINE
@given(lives().flatmap(lambda life: st.tuples(st.just(life), partial_rows(life))))
def test_partial_readings_tell_of_no_less_and_of_no_more_than_all_energy(
    case: tuple[Life, list[Row]],
) -> None:
    """Where import is not read at a meter's begin and end, all energy that is read stands in."""
    life, partial = case
    made = totals(partial).get(ENERGY_IMPORT, 0.0)
    least, most = life.bounds(partial)
    assert least - 0.011 <= made <= most + 0.011


@NO_DEADLINE
@given(lives(with_serials=True, far_apart=True), st.integers(2, 150), st.integers(0, 150))
def test_a_serial_number_that_is_told_now_and_then_tells_meters_apart(
    life: Life, every: int, first: int
) -> None:
    rows = life.rows()
    for number, row in enumerate(rows):
        if number % every != first % every:
            row.pop("C_1_0")
    made, counted = totals(rows), life.counted()
    assert made[ENERGY_IMPORT] == pytest.approx(counted[ENERGY_IMPORT], abs=0.011)


@NO_DEADLINE
@given(lives().flatmap(partial_rows), st.data())
def test_order_and_pieces_do_not_matter(partial: list[Row], data: st.DataObject) -> None:
    whole = read(partial)
    pieces: list[Readings] = []
    begin = 0
    while begin < len(partial):
        length = data.draw(st.integers(1, 200))
        piece = partial[max(0, begin - data.draw(st.integers(0, 20))) : begin + length]
        pieces.append(read([*reversed(piece), *piece[:3]]))
        begin += length
    together = joined(*data.draw(st.permutations(pieces)))
    assert together == whole
    assert energy_courses(together, MAIN) == energy_courses(whole, MAIN)


@NO_DEADLINE
@given(lives().flatmap(partial_rows), st.floats(0, 1))
def test_a_part_with_two_days_before_it_has_the_hours_of_the_whole(
    partial: list[Row], share: float
) -> None:
    readings = read(partial)
    first = readings.times[0] + CONTEXT
    begin = first + int(share * (readings.times[-1] - first))
    whole = rows_by_key(readings)
    part = rows_by_key(readings.between(begin - CONTEXT, readings.times[-1]), whole)
    for key, of_key in part.items():
        # Where it begins in a hole, the recorder has what stood there before.
        since = max(begin - HOUR_SECONDS + 1, of_key[0].start)
        theirs = {row.start: row for row in whole[key] if row.start >= since}
        ours = {row.start: row for row in of_key if row.start >= since}
        assert ours.keys() == theirs.keys()
        assert [row.state for row in ours.values()] == [row.state for row in theirs.values()]
        constants = {round(theirs[hour].sum - ours[hour].sum, 3) for hour in ours}
        assert max(constants, default=0.0) - min(constants, default=0.0) <= 0.001


@NO_DEADLINE
@given(lives(), st.data())
def test_registers_without_a_value_and_copies_of_readings_change_nothing(
    life: Life, data: st.DataObject
) -> None:
    rows = life.rows()
    nothing = st.sampled_from((None, 42949672.95, "42949672.95", 4294967295))
    noisy = [{"1_8_0": data.draw(nothing), "1_8_3": data.draw(nothing), **row} for row in rows[::7]]
    assert totals(rows + noisy) == totals(rows)


@NO_DEADLINE
@given(lives(), st.data())
def test_no_hour_is_below_zero_whatever_is_read_between(life: Life, data: st.DataObject) -> None:
    rows = life.rows()
    for _ in range(data.draw(st.integers(1, 12))):
        row = data.draw(st.sampled_from(rows))
        code = data.draw(st.sampled_from(("1_8_0", "15_8_0", "C_1_0", "date")))
        if code == "date":
            date = row["date"]
            assert isinstance(date, int)
            row["date"] = date + data.draw(st.integers(-DAY, DAY))
        else:
            row[code] = data.draw(st.sampled_from((0.0, 7.0, 99_999.0, -1.0, "x", 1e9)))
    for of_key in rows_by_key(read(rows)).values():
        total_of(of_key)
