"""A few numbers tell whether all rows of a statistic are as they were written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.onemeter.history.outline import Outline
from custom_components.onemeter.onemeter_cloud.history import HOUR_SECONDS, HourRow

BEGIN = 1_716_447_600
END = BEGIN + 10_000 * HOUR_SECONDS


def hour(number: int) -> int:
    return BEGIN + number * HOUR_SECONDS


def rows(*offsets: float, register: float = 1000.0) -> list[HourRow]:
    """Return an hour's row for each offset of the sum; the register rises by one an hour."""
    return [
        HourRow(hour(number), register + number, register + number + offset)
        for number, offset in enumerate(offsets)
    ]


TWO_METERS = rows(*[-1000.0] * 5, *[-700.25] * 5)
OUTLINE = Outline.of(TWO_METERS)


def test_it_is_the_hours_and_one_constant_for_each_meter() -> None:
    assert (
        Outline(first=hour(0), last=hour(9), offsets=((hour(0), -1000.0), (hour(5), -700.25)))
        == OUTLINE
    )


def test_what_was_written_fits_also_in_parts() -> None:
    assert OUTLINE.fits(TWO_METERS, 0, END)
    assert OUTLINE.fits(TWO_METERS[3:7], hour(3), hour(7))
    assert OUTLINE.fits([], hour(10), END)


@pytest.mark.parametrize("missing", range(10))
def test_a_missing_hour_does_not_fit(missing: int) -> None:
    assert not OUTLINE.fits(TWO_METERS[:missing] + TWO_METERS[missing + 1 :], 0, END)


@pytest.mark.parametrize("since", range(10))
@pytest.mark.parametrize("adjustment", [-300.0, -0.01, 0.01, 5.0])
def test_an_adjusted_sum_does_not_fit(since: int, adjustment: float) -> None:
    adjusted = [
        row._replace(sum=row.sum + adjustment) if row.start >= hour(since) else row
        for row in TWO_METERS
    ]
    assert not OUTLINE.fits(adjusted, 0, END)


def test_hours_of_before_do_not_fit() -> None:
    assert not OUTLINE.fits([HourRow(hour(-3), 997.0, -3.0)], 0, hour(0))


def test_hours_that_came_after_it_was_stored_fit_if_they_are_of_the_same_meter() -> None:
    assert OUTLINE.fits([HourRow(hour(10), 1010.0, 309.75)], hour(10), END)
    assert not OUTLINE.fits([HourRow(hour(10), 1010.0, 10.0)], hour(10), END)


def test_large_registers_leave_room_for_rounding_and_not_for_adjustments() -> None:
    large = rows(*[-4.2e10 + 0.37] * 5, register=4.2e10 + 1 / 3)
    outline = Outline.of(large)
    rounded = [HourRow(row.start, row.state, row.sum + 1e-5) for row in large]
    assert outline.fits(rounded, 0, END)
    assert not outline.fits([row._replace(sum=row.sum + 0.4) for row in large], 0, END)


def test_rows_that_go_on_keep_the_meters_of_before() -> None:
    more = [*TWO_METERS[8:], HourRow(hour(10), 1010.0, 309.75), HourRow(hour(11), 4.0, 313.75)]
    following = OUTLINE.followed_by(more)
    assert following.offsets == (*OUTLINE.offsets, (hour(11), 309.75))
    assert (following.first, following.last) == (hour(0), hour(11))
    assert not following.has_meters_of(OUTLINE)
    assert OUTLINE.followed_by(TWO_METERS[3:]).has_meters_of(OUTLINE)
    assert OUTLINE.followed_by([]) == OUTLINE


def test_a_history_that_turns_out_to_be_longer_has_other_meters() -> None:
    longer = OUTLINE.followed_by([HourRow(hour(-1), 999.0, 0.0), *TWO_METERS])
    assert longer.first == hour(-1)
    assert not longer.has_meters_of(OUTLINE)


def test_a_statistic_that_was_not_known_has_other_meters() -> None:
    assert not OUTLINE.has_meters_of(None)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_it_comes_back_from_json_as_it_was(offsets: list[float]) -> None:
    outline = Outline.of(rows(*offsets))
    assert Outline.from_json(json.loads(json.dumps(outline.as_json()))) == outline
    assert outline.fits(rows(*offsets), 0, END)
