"""Hourly energy and prices to hourly costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_cloud.costs import Price, Priced, cost_rows
from onemeter_cloud.history import HOUR_SECONDS, HourRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def costs_of(rows: Sequence[HourRow], prices: Sequence[Price]) -> list[HourRow]:
    """Return the costs of one series from its start on."""
    return cost_rows([Priced(rows=rows, prices=prices)])


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
    assert costs_of(rows, prices) == [
        HourRow(hour(0), 0.5, 0.5),
        HourRow(hour(1), 1.5, 1.5),
        HourRow(hour(2), 2.5, 2.5),
        HourRow(hour(3), 4.5, 4.5),
    ]


def test_a_price_from_before_the_history_is_that_of_its_first_hour() -> None:
    assert sums(costs_of(used(3.0, 1.0), [Price(hour(-9), 9.0), Price(hour(-5), 0.5)])) == [
        1.5,
        2.0,
    ]


def test_costs_start_with_the_first_hour_that_has_a_price_and_with_its_cost() -> None:
    rows = costs_of(used(100.0, 50.0, 2.0, 1.0), [Price(hour(2), 0.5)])
    assert rows == [HourRow(hour(2), 1.0, 1.0), HourRow(hour(3), 1.5, 1.5)]


@pytest.mark.parametrize("prices", [[], [Price(hour(2), 1.0)]])
def test_without_a_price_there_are_no_costs(prices: list[Price]) -> None:
    assert costs_of(used(1.0, 1.0), prices) == []


def test_without_energy_there_are_no_costs() -> None:
    assert costs_of([], [Price(START, 1.0)]) == []
    assert cost_rows([], paid=5.0) == []


def test_a_price_below_zero_gives_money_back() -> None:
    prices = [Price(hour(0), 0.5), Price(hour(1), -0.25)]
    assert sums(costs_of(used(2.0, 2.0, 2.0), prices)) == [1.0, 0.5, 0.0]


def test_an_hour_without_a_row_is_paid_with_the_next_one() -> None:
    rows = used(1.0, 1.0, 1.0, 1.0)
    prices = [Price(hour(0), 1.0), Price(hour(2), 2.0)]
    assert sums(costs_of([*rows[:2], rows[3]], prices)) == [1.0, 2.0, 6.0]


def test_a_price_that_stays_the_same_is_no_change() -> None:
    prices = [Price(hour(0), 0.1), Price(hour(1), 0.1)]
    assert costs_of(used(0.7, 0.7, 0.7), prices) == costs_of(used(0.7, 0.7, 0.7), prices[:1])


def test_of_two_prices_with_the_same_start_the_last_counts() -> None:
    assert sums(costs_of(used(1.0), [Price(hour(0), 7.0), Price(hour(0), 2.0)])) == [2.0]


def test_a_price_starts_on_the_hour() -> None:
    with pytest.raises(ValueError, match="on the hour"):
        costs_of(used(1.0), [Price(START + 1, 1.0)])


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
    assert sums(costs_of(rows, prices)) == pytest.approx(expected, abs=1e-6)


@given(energy_rows(), price_lists())
def test_the_priced_hours_have_rows_whose_state_is_the_sum(
    rows: list[HourRow], prices: list[Price]
) -> None:
    costs = costs_of(rows, prices)
    first = min((price.start for price in prices), default=hour(1000))
    assert [row.start for row in costs] == [row.start for row in rows if row.start >= first]
    assert all(row.state == row.sum for row in costs)


@given(energy_rows(), price_lists())
def test_the_order_of_the_prices_does_not_matter(rows: list[HourRow], prices: list[Price]) -> None:
    assert costs_of(rows, sorted(prices)) == costs_of(rows, prices)


def parts(rows: Sequence[HourRow], length: int) -> Iterable[tuple[float, Sequence[HourRow]]]:
    """Yield hours in parts, each with the sum of the hour before it."""
    for begin in range(0, len(rows), length):
        yield (rows[begin - 1].sum if begin else 0.0), rows[begin : begin + length]


@given(energy_rows(), price_lists(), st.integers(1, 9))
def test_parts_that_know_what_was_paid_before_give_the_costs_of_the_whole(
    rows: list[HourRow], prices: list[Price], length: int
) -> None:
    costs: list[HourRow] = []
    for before, part in parts(rows, length):
        paid = costs[-1].sum if costs else 0.0
        costs += cost_rows([Priced(rows=part, prices=prices, before=before)], paid)
    assert costs == costs_of(rows, prices)


@given(energy_rows(), price_lists(), st.integers(-10, 70), prices_per_kwh())
def test_another_price_changes_costs_from_its_start_on(
    rows: list[HourRow], prices: list[Price], number: int, per_kwh: float
) -> None:
    changed = [*prices, Price(hour(number), per_kwh)]
    before, after = (
        [row for row in costs_of(rows, each) if row.start < hour(number)]
        for each in (prices, changed)
    )
    assert after == before


@given(energy_rows(), price_lists())
def test_double_prices_are_double_costs(rows: list[HourRow], prices: list[Price]) -> None:
    doubled = [Price(price.start, 2 * price.per_kwh) for price in prices]
    assert sums(costs_of(rows, doubled)) == [2 * cost for cost in sums(costs_of(rows, prices))]


# Several series


def test_what_series_cost_is_added_hour_by_hour() -> None:
    day, night = used(1.0, 2.0, 0.0), used(0.0, 4.0, 8.0)
    costs = cost_rows(
        [
            Priced(rows=day, prices=[Price(hour(0), 1.0)]),
            Priced(rows=night, prices=[Price(hour(0), 0.5)]),
        ]
    )
    assert sums(costs) == [1.0, 5.0, 9.0]


def test_a_series_that_ends_or_starts_later_costs_nothing_meanwhile() -> None:
    early, late = used(1.0, 2.0), used(10.0, 20.0, first=1)
    prices = [Price(hour(0), 1.0)]
    costs = cost_rows([Priced(rows=early, prices=prices), Priced(rows=late, prices=prices)])
    assert costs == [
        HourRow(hour(number), paid, paid) for number, paid in enumerate([1.0, 13.0, 33.0])
    ]


def test_of_several_series_each_has_its_own_prices_from_its_own_hour_on() -> None:
    two_tariffs = [used(1.0, 1.0, 0.0), used(2.0, 2.0, 0.0)]
    one_tariff = used(3.0, 3.0, 3.0)
    costs = cost_rows(
        [
            Priced(rows=two_tariffs[0], prices=[Price(hour(0), 1.0), Price(hour(2), 0.0)]),
            Priced(rows=two_tariffs[1], prices=[Price(hour(0), 0.5), Price(hour(2), 0.0)]),
            Priced(rows=one_tariff, prices=[Price(hour(2), 2.0)]),
        ]
    )
    assert sums(costs) == [2.0, 4.0, 10.0]


@given(energy_rows(), price_lists())
def test_a_series_without_hours_adds_nothing(rows: list[HourRow], prices: list[Price]) -> None:
    nothing = Priced(rows=[], prices=prices, before=7.0)
    alone = Priced(rows=rows, prices=prices)
    assert cost_rows([nothing, alone, nothing]) == costs_of(rows, prices)


@given(st.lists(st.tuples(energy_rows(), price_lists()), max_size=4), st.data())
def test_the_order_of_the_series_does_not_matter(
    series: list[tuple[list[HourRow], list[Price]]], data: st.DataObject
) -> None:
    priced = [Priced(rows=rows, prices=prices) for rows, prices in series]
    shuffled = cost_rows(data.draw(st.permutations(priced)))
    assert sums(shuffled) == pytest.approx(sums(cost_rows(priced)), abs=1e-6)
