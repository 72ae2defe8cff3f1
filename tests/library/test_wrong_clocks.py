"""Readers whose clocks are hours or a day off: no hour is below zero, and nothing counts twice."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_cloud.history import HOUR_SECONDS, hourly_energy, plausible_readings

from .meters import DAY, QUARTER, START, total_of

type Series = list[tuple[int, float]]

SHIFTS = (-DAY, -7260, -HOUR_SECONDS, -1800, 1800, HOUR_SECONDS, 7260, DAY)
TOTAL = 199.75


def true_readings(count: int = 800) -> Series:
    """Return what a meter shows that counts a kilowatt."""
    return [(START + QUARTER * number, 1000.0 + number / 4) for number in range(count)]


def told_at_other_times(true: Series, begin: int, count: int, seconds: int) -> Series:
    """Return readings of which some in a row were told of another time."""
    moved = [(time + seconds, value) for time, value in true[begin : begin + count]]
    return [*true[:begin], *moved, *true[begin + count :]]


@pytest.mark.parametrize("seconds", SHIFTS)
@pytest.mark.parametrize("count", [1, 2, 4, 5, 20, 90, 200])
def test_readings_that_tell_of_another_time_count_once(count: int, seconds: int) -> None:
    read = told_at_other_times(true_readings(), 300, count, seconds)
    assert total_of(hourly_energy([read])) == TOTAL


@pytest.mark.parametrize("seconds", SHIFTS)
@pytest.mark.parametrize("count", [1, 2, 4, 5, 20, 90])
def test_and_so_they_do_beside_holes(count: int, seconds: int) -> None:
    true = true_readings()
    for hole in (range(292, 300), range(300 + count, 340 + count)):
        read = [
            reading
            for reading in told_at_other_times(true, 300, count, seconds)
            if (reading[0] - START) // QUARTER not in hole or reading not in true
        ]
        assert total_of(hourly_energy([read])) == TOTAL


@pytest.mark.parametrize("seconds", SHIFTS)
@pytest.mark.parametrize("count", [1, 5, 90])
def test_the_hours_far_from_them_stay_as_they_were(count: int, seconds: int) -> None:
    true = true_readings()
    right = hourly_energy([true])
    rows = hourly_energy([told_at_other_times(true, 300, count, seconds)])
    distance = DAY + abs(seconds)
    first, last = (true[number][0] for number in (300, 300 + count))
    for row, right_row in zip(rows, right, strict=True):
        if row.start < first - distance or row.start > last + distance:
            assert row == right_row


@pytest.mark.parametrize("seconds", SHIFTS)
def test_readings_that_came_a_second_time_with_another_time_change_nothing(seconds: int) -> None:
    true = true_readings()
    again = [(time + seconds + 7, value) for time, value in true[300:400]]
    assert hourly_energy([true + again])[-1] == hourly_energy([true])[-1]
    assert total_of(hourly_energy([true + again])) == TOTAL


@pytest.mark.parametrize("seconds", [-DAY, -7260, 7260, DAY])
def test_what_a_clock_put_ahead_has_told_stands_until_the_meter_has_got_there(seconds: int) -> None:
    """While it cannot be told which readings were wrong, the sum neither falls nor counts twice."""
    true = true_readings()
    told = told_at_other_times(true, 300, 60, seconds)
    for until in range(300, 600, 7):
        rows = hourly_energy([told[:until]])
        assert total_of(rows) <= until / 4


@settings(deadline=None)
@given(st.data())
def test_whatever_a_clock_does_for_a_while_the_total_is_the_register(data: st.DataObject) -> None:
    steps = st.tuples(st.sampled_from((0, 0, 25, 300)), st.sampled_from((1, 1, 1, 1, 9, 60)))
    time, value = START, 100_000
    true: Series = []
    for energy, gap in data.draw(st.lists(steps, min_size=6, max_size=12)) * 20:
        true.append((time, value / 100))
        time += QUARTER * gap
        value += energy
    begin = data.draw(st.integers(8, len(true) - 8))
    count = data.draw(st.integers(1, min(60, len(true) - 7 - begin)))
    # Not before the first and not after the last of the right readings: nothing tells of these.
    seconds = data.draw(
        st.integers(
            max(-DAY, true[3][0] - true[begin][0]),
            min(DAY, true[-6][0] - true[begin + count - 1][0]),
        )
    )
    read = told_at_other_times(true, begin, count, seconds)
    rows = hourly_energy([read])
    assert total_of(rows) == pytest.approx(true[-1][1] - 1000.0, abs=0.011)
    kept = plausible_readings(read)
    assert all(one[1] <= other[1] for one, other in pairwise(kept))
