"""Hourly energy and prices to hourly costs."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_cloud.costs import CostOffset, Costs, Price, add_rows, cost_rows
from onemeter_cloud.history import HOUR_SECONDS, HourRow

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 1_716_447_600


def hour(number: int) -> int:
    """Return the start of an hour of the history."""
    return START + number * HOUR_SECONDS


def used(*energies: float, first: int = 0) -> list[HourRow]:
    """Return the rows of hours in which so much energy was used; the register began at 1000."""
    total = 0.0
    rows: list[HourRow] = []
    for number, energy in enumerate(energies, first):
        total += energy
        rows.append(HourRow(hour(number), 1000.0 + total, total))
    return rows


def sums(rows: Sequence[HourRow]) -> list[float]:
    """Return the sums alone."""
    return [row.sum for row in rows]


@st.composite
def energy_rows(draw: st.DrawFn) -> list[HourRow]:
    """Draw a history of energy, in the resolution of a meter."""
    energies = st.lists(st.integers(0, 5000), min_size=1, max_size=60)
    return used(*(hundredths / 100 for hundredths in draw(energies)))


def prices_per_kwh() -> st.SearchStrategy[float]:
    """Draw what a kilowatt-hour may cost."""
    return st.integers(-2_0000, 5_0000).map(lambda number: number / 10_000)


@st.composite
def price_lists(draw: st.DrawFn) -> list[Price]:
    """Draw prices, also negative ones, from before the history to after it."""
    per_kwh = st.one_of(st.sampled_from((0.0, 0.5, -0.25)), prices_per_kwh())
    numbers = draw(st.lists(st.integers(-10, 70), unique=True, max_size=12))
    return [Price(hour(number), draw(per_kwh)) for number in numbers]


def price_of(prices: Sequence[Price], time: int) -> float:
    """Return the price of an hour, found the slow way."""
    return max((price for price in prices if price.start <= time), default=Price(0, 0.0)).per_kwh


def test_an_hour_costs_its_energy_times_the_price_at_its_start() -> None:
    rows = used(1.0, 2.0, 4.0, 8.0)
    prices = [Price(hour(0), 0.5), Price(hour(2), 0.25)]
    assert cost_rows(rows, prices).rows == [
        HourRow(hour(0), 0.5, 0.5),
        HourRow(hour(1), 1.5, 1.5),
        HourRow(hour(2), 2.5, 2.5),
        HourRow(hour(3), 4.5, 4.5),
    ]


def test_a_price_from_before_the_history_is_that_of_its_first_hour() -> None:
    assert sums(cost_rows(used(3.0, 1.0), [Price(hour(-9), 9.0), Price(hour(-5), 0.5)]).rows) == [
        1.5,
        2.0,
    ]


def test_costs_start_with_the_first_hour_that_has_a_price_and_with_its_cost() -> None:
    rows = cost_rows(used(100.0, 50.0, 2.0, 1.0), [Price(hour(2), 0.5)]).rows
    assert rows == [HourRow(hour(2), 1.0, 1.0), HourRow(hour(3), 1.5, 1.5)]


@pytest.mark.parametrize("prices", [[], [Price(hour(2), 1.0)]])
def test_without_a_price_there_are_no_costs(prices: list[Price]) -> None:
    assert cost_rows(used(1.0, 1.0), prices) == Costs([], ())


def test_without_energy_there_are_no_costs() -> None:
    known = (CostOffset(START, 1.0, 2.0),)
    assert cost_rows([], [Price(START, 1.0)], known) == Costs([], known)


def test_a_price_below_zero_gives_money_back() -> None:
    prices = [Price(hour(0), 0.5), Price(hour(1), -0.25)]
    assert sums(cost_rows(used(2.0, 2.0, 2.0), prices).rows) == [1.0, 0.5, 0.0]


def test_an_hour_without_a_row_is_paid_with_the_next_one() -> None:
    rows = used(1.0, 1.0, 1.0, 1.0)
    prices = [Price(hour(0), 1.0), Price(hour(2), 2.0)]
    assert sums(cost_rows([*rows[:2], rows[3]], prices).rows) == [1.0, 2.0, 6.0]


def test_a_price_that_stays_the_same_is_no_change() -> None:
    prices = [Price(hour(0), 0.1), Price(hour(1), 0.1)]
    assert cost_rows(used(0.7, 0.7, 0.7), prices) == cost_rows(used(0.7, 0.7, 0.7), prices[:1])


def test_of_two_prices_with_the_same_start_the_last_counts() -> None:
    assert sums(cost_rows(used(1.0), [Price(hour(0), 7.0), Price(hour(0), 2.0)]).rows) == [2.0]


def test_a_price_starts_on_the_hour() -> None:
    with pytest.raises(ValueError, match="on the hour"):
        cost_rows(used(1.0), [Price(START + 1, 1.0)])


@given(energy_rows(), price_lists())
def test_the_total_is_every_hour_s_energy_times_its_price(
    rows: list[HourRow], prices: list[Price]
) -> None:
    before = 0.0
    expected: list[float] = []
    total = 0.0
    for row in rows:
        total += (row.sum - before) * price_of(prices, row.start)
        before = row.sum
        if any(price.start <= row.start for price in prices):
            expected.append(total)
    assert sums(cost_rows(rows, prices).rows) == pytest.approx(expected, abs=1e-6)


@given(energy_rows(), price_lists())
def test_the_priced_hours_have_rows_whose_state_is_the_sum(
    rows: list[HourRow], prices: list[Price]
) -> None:
    costs = cost_rows(rows, prices).rows
    first = min((price.start for price in prices), default=hour(1000))
    assert [row.start for row in costs] == [row.start for row in rows if row.start >= first]
    assert all(row.state == row.sum for row in costs)


@given(energy_rows(), price_lists())
def test_the_order_of_the_prices_does_not_matter(rows: list[HourRow], prices: list[Price]) -> None:
    assert cost_rows(rows, sorted(prices)) == cost_rows(rows, prices)


@given(energy_rows(), price_lists(), st.integers(0, 59), st.integers(0, 59))
def test_a_window_gives_the_costs_of_the_whole(
    rows: list[HourRow], prices: list[Price], begin: int, known_until: int
) -> None:
    begin = min(begin, len(rows) - 1)
    known = cost_rows(rows[: max(begin, known_until) + 1], prices).offsets
    whole = cost_rows(rows, prices)
    window = cost_rows(rows[begin:], prices, known)
    assert window.rows == [row for row in whole.rows if row.start >= rows[begin].start]
    assert window.offsets == whole.offsets


@given(energy_rows(), price_lists(), st.integers(2, 9))
def test_pieces_that_overlap_in_one_hour_give_the_costs_of_the_whole(
    rows: list[HourRow], prices: list[Price], length: int
) -> None:
    pieces: dict[int, HourRow] = {}
    offsets: Sequence[CostOffset] = ()
    for begin in range(0, len(rows), length - 1):
        piece = cost_rows(rows[begin : begin + length], prices, offsets)
        pieces |= {row.start: row for row in piece.rows}
        offsets = piece.offsets
    assert list(pieces.values()) == cost_rows(rows, prices).rows


@given(energy_rows(), price_lists(), st.integers(-10, 70), prices_per_kwh())
def test_another_price_changes_costs_from_its_start_on(
    rows: list[HourRow], prices: list[Price], number: int, per_kwh: float
) -> None:
    changed = [*prices, Price(hour(number), per_kwh)]
    before, after = (
        [row for row in cost_rows(rows, each).rows if row.start < hour(number)]
        for each in (prices, changed)
    )
    assert after == before


@given(energy_rows(), price_lists())
def test_double_prices_are_double_costs(rows: list[HourRow], prices: list[Price]) -> None:
    doubled = [Price(price.start, 2 * price.per_kwh) for price in prices]
    assert sums(cost_rows(rows, doubled).rows) == [
        2 * cost for cost in sums(cost_rows(rows, prices).rows)
    ]


def test_the_offsets_say_what_had_been_used_and_paid_when_a_price_started() -> None:
    prices = [Price(hour(-1), 0.5), Price(hour(2), 0.25)]
    assert cost_rows(used(1.0, 2.0, 4.0), prices).offsets == (
        CostOffset(hour(-1), 0.0, 0.0),
        CostOffset(hour(2), 3.0, 1.5),
    )


def test_a_price_of_the_future_has_no_offset_yet() -> None:
    prices = [Price(hour(0), 0.5), Price(hour(2), 0.25)]
    assert [offset.time for offset in cost_rows(used(1.0, 2.0), prices).offsets] == [hour(0)]


def test_a_window_needs_the_offset_of_the_price_of_its_first_hour() -> None:
    rows = used(1.0, 2.0, 4.0, 8.0)
    known = cost_rows(rows[:1], [Price(hour(0), 0.5)]).offsets
    with pytest.raises(ValueError, match="first hour"):
        cost_rows(rows[2:], [Price(hour(0), 0.5), Price(hour(1), 0.25)], known)


# Adding up series


def test_rows_are_added_hour_by_hour() -> None:
    first, second = used(1.0, 2.0), used(0.5, 0.25)
    assert add_rows([first, second]) == [
        HourRow(hour(0), 2001.5, 1.5),
        HourRow(hour(1), 2003.75, 3.75),
    ]


def test_a_series_counts_on_with_its_last_sum_and_zero_before_its_start() -> None:
    early, late = used(1.0, 2.0), used(10.0, 20.0, first=1)
    assert sums(add_rows([early, late])) == [1.0, 13.0, 33.0]
    assert sums(add_rows([[early[0], used(1.0, 0.0, 5.0)[2]], late])) == [1.0, 11.0, 36.0]


@pytest.mark.parametrize("series", [[], [[]], [[], []]])
def test_nothing_added_to_nothing_is_nothing(series: list[list[HourRow]]) -> None:
    assert add_rows(series) == []


@given(energy_rows())
def test_one_series_is_its_own_sum(rows: list[HourRow]) -> None:
    assert add_rows([rows]) == rows
    assert add_rows([[], rows]) == rows


@given(st.lists(energy_rows(), max_size=4), st.data())
def test_the_order_of_the_series_does_not_matter(
    series: list[list[HourRow]], data: st.DataObject
) -> None:
    assert add_rows(data.draw(st.permutations(series))) == add_rows(series)
