"""Counters that are full and start again: they count on, if the power that follows is possible."""

import pytest

from onemeter_cloud.history import HOUR_SECONDS, hourly_energy

from .meters import DAY, QUARTER, START, total_of

type Series = list[tuple[int, float]]

CAPACITIES = (
    *(100_000.0, 1_000_000.0, 10_000_000.0),  # 99999.99, 999999.99, 9999999.9
    *(2.0**32, 2.0**32 / 10, 2.0**32 / 100, 2.0**32 / 1000),  # 42949672.95 among them
)


def run_over(
    capacity: float, offline: int, energy: float, *, start: int = START, after: float = 0.1
) -> Series:
    """Return the readings of a counter that is full while the reader is offline.

    It counts `energy` kWh meanwhile, and `after` more in each quarter before and after.
    """
    counted = [after * number for number in range(40)]
    counted += [counted[-1] + energy + after * number for number in range(40)]
    times = [start + QUARTER * number for number in range(40)]
    times += [times[-1] + offline + QUARTER * number for number in range(40)]
    begin = capacity - counted[39] - energy / 2
    return [
        (time, round((begin + value) % capacity, 2))
        for time, value in zip(times, counted, strict=True)
    ]


@pytest.mark.parametrize("start", [START, START + 7, START + 1234])
@pytest.mark.parametrize("offline", [QUARTER, HOUR_SECONDS, 6 * HOUR_SECONDS, DAY, 9 * DAY])
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_a_counter_that_is_full_counts_on(capacity: float, offline: int, start: int) -> None:
    energy = 5.0 * offline / HOUR_SECONDS
    readings = run_over(capacity, offline, energy, start=start)
    rows = hourly_energy([readings], limit_kw=14.0)
    assert total_of(rows) == pytest.approx(2 * 3.9 + energy, abs=0.03)


@pytest.mark.parametrize("offline", [QUARTER, HOUR_SECONDS, DAY])
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_where_that_takes_more_power_than_is_possible_it_is_another_meter(
    capacity: float, offline: int
) -> None:
    energy = 2 * 14.0 * offline / HOUR_SECONDS
    rows = hourly_energy([run_over(capacity, offline, energy)], limit_kw=14.0)
    assert total_of(rows) == pytest.approx(2 * 3.9, abs=0.03)


@pytest.mark.parametrize("shown", [4321.0, 94_999.0, 500_000.0, 42_000.0])
def test_a_counter_that_is_far_from_full_is_another_meter(shown: float) -> None:
    old = [(START + QUARTER * number, shown + number / 10) for number in range(40)]
    new = [(START + DAY + QUARTER * number, number / 10) for number in range(40)]
    assert total_of(hourly_energy([old + new])) == 2 * 3.9


def test_the_energy_of_the_hours_offline_is_shared_out_as_in_any_hole() -> None:
    offline = 8 * HOUR_SECONDS
    rows = hourly_energy([run_over(100_000.0, offline, 16.0, after=0.0)])
    sums = [row.sum for row in rows]
    begin = 39 * QUARTER // HOUR_SECONDS
    assert sums[begin + 1 : begin + 8] == pytest.approx(
        [0.5 + 2.0 * number for number in range(1, 8)], abs=0.011
    )


def test_the_register_starts_again_and_the_sum_goes_on() -> None:
    readings = [(START, 99_999.0), (START + 1800, 99_999.9), (START + HOUR_SECONDS, 0.4)]
    readings += [(START + 2 * HOUR_SECONDS, 1.4)]
    first, second = hourly_energy([readings])
    assert (first.state, second.state) == (0.4, 1.4)
    assert (first.sum, second.sum) == pytest.approx((1.4, 2.4))


def test_a_counter_can_be_full_again_and_again() -> None:
    readings = [
        (START + HOUR_SECONDS * number, round(99_000.0 + 150.0 * number, 2) % 100_000)
        for number in range(2000)
    ]
    assert total_of(hourly_energy([readings])) == 1999 * 150.0


def test_a_wrong_zero_of_a_counter_that_is_nearly_full_is_no_run_over() -> None:
    readings = [(START + QUARTER * number, 99_990.0 + number / 10) for number in range(40)]
    readings[20] = (readings[20][0], 0.0)
    assert total_of(hourly_energy([readings])) == 3.9
