"""Periods in a time zone, and what registers show and count in them."""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_cloud.history import hourly_energy
from onemeter_cloud.readings import Readings
from onemeter_cloud.series import register_courses
from onemeter_server.energy.intervals import Aggregation, boundaries, registers, usages

from .conftest import at

if TYPE_CHECKING:
    from onemeter_cloud.history import Course

QUARTER, HOUR, DAY = Aggregation.QUARTER, Aggregation.HOUR, Aggregation.DAY
WARSAW = ZoneInfo("Europe/Warsaw")
START = at("2024-05-23T00:00:00Z")
ZONES = ["Europe/Warsaw", "UTC", "America/Havana", "Asia/Kolkata", "Australia/Lord_Howe"]

# Ten years of the instants of which readings can be.
instants = st.integers(at("2015-01-01T00:00Z"), at("2025-01-01T00:00Z"))
zones = st.sampled_from(ZONES).map(ZoneInfo)
aggregations = st.sampled_from(Aggregation)


@st.composite
def lives(draw: st.DrawFn, most: int = 40) -> list[tuple[int, float]]:
    """Give readings of one meter, at most a day apart, in hundredths as a meter shows them."""
    steps = st.tuples(st.integers(1, 86_400), st.integers(0, 500))
    time, value = draw(instants), draw(st.integers(0, 10_000_000))
    points = [(time, value / 100)]
    for seconds, counted in draw(st.lists(steps, min_size=1, max_size=most)):
        time += seconds
        value += min(counted, seconds * 200 * 100 // 3600)
        points.append((time, value / 100))
    return points


def local(instants: list[int], zone: ZoneInfo) -> list[str]:
    return [f"{datetime.fromtimestamp(instant, zone):%H:%M}" for instant in instants]


def courses(*rows: tuple[int, dict[str, float | str]]) -> list[Course]:
    """Return the courses of 1_8_0 in some readings."""
    times, values = zip(*rows, strict=True)
    return register_courses(Readings(times=times, rows=values), "1_8_0")


def quarters(*values: float, start: int = START) -> list[tuple[int, float]]:
    """Return values that were read every quarter of an hour."""
    return [(start + 900 * number, value) for number, value in enumerate(values)]


def test_quarters_and_hours_begin_when_the_clock_shows_them() -> None:
    since, until = at("2024-05-23T10:07Z"), at("2024-05-23T11:16Z")

    assert local([*boundaries(since, until, QUARTER, WARSAW)], WARSAW) == [
        "12:00", "12:15", "12:30", "12:45", "13:00", "13:15", "13:30",
    ]  # fmt: skip
    assert local([*boundaries(since, until, HOUR, WARSAW)], WARSAW) == ["12:00", "13:00", "14:00"]


def test_days_begin_at_midnight_of_the_zone() -> None:
    days = [*boundaries(at("2024-05-23T10:00Z"), at("2024-05-24T22:00Z"), DAY, WARSAW)]

    assert days == [at("2024-05-22T22:00Z"), at("2024-05-23T22:00Z"), at("2024-05-24T22:00Z")]


@pytest.mark.parametrize(
    ("day", "hours"), [("2024-03-31", 23), ("2024-05-23", 24), ("2024-10-27", 25)]
)
def test_a_day_has_as_many_hours_as_its_clocks_show(day: str, hours: int) -> None:
    noon = int(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=WARSAW).timestamp())
    start, end = boundaries(noon, noon + 1, DAY, WARSAW)

    assert len([*boundaries(start, end, HOUR, WARSAW)]) == hours + 1
    assert len([*boundaries(start, end, QUARTER, WARSAW)]) == 4 * hours + 1


def test_the_hour_that_clocks_repeat_comes_twice() -> None:
    hours = [*boundaries(at("2024-10-26T23:00Z"), at("2024-10-27T03:00Z"), HOUR, WARSAW)]

    assert local(hours, WARSAW) == ["01:00", "02:00", "02:00", "03:00", "04:00"]


@pytest.mark.parametrize(
    ("since", "until", "shown"),
    [
        ("2024-04-06T13:00Z", "2024-04-06T17:00Z", ["00:00", "01:00", "02:00", "03:00", "04:00"]),
        ("2024-10-05T13:30Z", "2024-10-05T17:00Z", ["00:00", "01:00", "03:00", "04:00"]),
    ],
)
def test_hours_are_full_where_clocks_move_by_half_an_hour(
    since: str, until: str, shown: list[str]
) -> None:
    zone = ZoneInfo("Australia/Lord_Howe")

    assert local([*boundaries(at(since), at(until), HOUR, zone)], zone) == shown


def test_a_day_that_an_island_skipped_is_no_period() -> None:
    zone = ZoneInfo("Pacific/Apia")
    days = [*boundaries(at("2011-12-29T20:00Z"), at("2011-12-31T20:00Z"), DAY, zone)]

    assert [f"{datetime.fromtimestamp(day, zone):%d}" for day in days] == ["29", "31", "01", "02"]


@given(since=instants, seconds=st.integers(0, 400_000), aggregation=aggregations, zone=zones)
def test_bounds_enclose_a_time_and_no_more(
    since: int, seconds: int, aggregation: Aggregation, zone: ZoneInfo
) -> None:
    bounds = [*boundaries(since, since + seconds, aggregation, zone)]

    assert bounds == sorted(set(bounds))
    assert bounds[0] <= since
    assert all(bound > since for bound in bounds[1:])
    assert bounds[-1] >= since + seconds
    assert all(bound < since + seconds for bound in bounds[1:-1])


@given(since=instants, seconds=st.integers(0, 400_000), aggregation=aggregations, zone=zones)
def test_shorter_periods_make_up_longer_ones(
    since: int, seconds: int, aggregation: Aggregation, zone: ZoneInfo
) -> None:
    longer = [*boundaries(since, since + seconds, aggregation, zone)]

    assert {*longer} <= {*boundaries(longer[0], longer[-1], QUARTER, zone)}


@given(
    since=instants,
    parts=st.tuples(st.integers(1, 200_000), st.integers(1, 200_000)),
    aggregation=aggregations,
    zone=zones,
)
def test_where_a_time_is_cut_does_not_matter_to_its_periods(
    since: int, parts: tuple[int, int], aggregation: Aggregation, zone: ZoneInfo
) -> None:
    cut, until = since + parts[0], since + sum(parts)
    first = [*boundaries(since, cut, aggregation, zone)]
    second = [*boundaries(first[-1], until, aggregation, zone)]

    if until > first[-1]:
        assert first[:-1] + second == [*boundaries(since, until, aggregation, zone)]


def test_a_reading_on_a_bound_is_what_the_register_shows_there() -> None:
    assert registers([quarters(100.01, 100.26, 100.5)], [START, START + 900, START + 1800]) == [
        100.01,
        100.26,
        100.5,
    ]


def test_between_readings_the_register_rises_in_hundredths() -> None:
    course = [(START - 100, 10.0), (START + 200, 10.01), (START + 1100, 10.11)]

    assert registers([course], [START, START + 900]) == [10.0, 10.09]


def test_nothing_is_known_before_the_first_and_after_the_last_reading() -> None:
    assert registers([quarters(1, 2)], [START - 1, START + 901]) == [None, None]
    assert registers([], [START]) == [None]


def test_a_register_is_exact_beside_readings_of_more_decimals() -> None:
    course = [(START, 1.0046), (START + 900, 1.0049)]

    assert registers([course], [START, START + 450, START + 900]) == [1.0046, 1.0046, 1.0049]


def test_usages_are_differences_without_what_binary_fractions_add() -> None:
    bounds = [START, START + 900, START + 1800]

    assert usages([quarters(0.1, 0.3, 22738.78)], bounds) == [0.2, 22738.48]


def test_an_interval_has_the_energy_since_the_first_and_up_to_the_last_reading() -> None:
    course = quarters(5.0, 6.0, 7.0)
    bounds = [START + 3600 * number for number in range(-2, 3)]

    assert usages([course], bounds) == [None, None, 2.0, None]


def test_no_readings_count_nothing() -> None:
    assert usages([], [START, START + 900]) == [None]


def test_what_lies_in_a_hole_is_not_known_unless_asked_for() -> None:
    course = [*quarters(1.0, 2.0), *quarters(6.0, 7.0, start=START + 5 * 900)]
    bounds = [START + 900 * number for number in range(7)]

    assert usages([course], bounds) == [1.0] * 6
    assert usages([course], bounds, longest_gap=1350) == [1.0, None, None, None, None, 1.0]
    assert registers([course], bounds, longest_gap=1350) == [1, 2, None, None, None, 6, 7]
    assert usages([course], bounds, longest_gap=4 * 900) == [1.0] * 6


def test_a_register_that_is_not_read_for_a_month_has_ended_and_begins_anew() -> None:
    month = 32 * 86_400
    course = [
        (START, 1.0),
        (START + 600, 2.0),
        (START + month + 600, 9.0),
        (START + month + 900, 10.0),
    ]
    bounds = [START, START + 900, START + 1800, START + month, START + month + 900]

    assert usages([course], bounds, longest_gap=900) == [1.0, None, None, 1.0]
    assert usages([course], [START, START + 600], longest_gap=900) == [1.0]
    assert usages([course], [START + 600, START + month + 600], longest_gap=900) == [None]


def test_another_meter_goes_on_where_the_one_before_ended() -> None:
    old = quarters(*(900.0 + number for number in range(6)))
    new = quarters(*(float(number) for number in range(6)), start=START + 8 * 900)
    bounds = [START + 900 * number for number in range(14)]

    assert usages([[*old, *new]], bounds) == [1.0] * 5 + [0.0] * 3 + [1.0] * 5
    assert registers([[*old, *new]], bounds)[5:9] == [905.0, 905.0, 905.0, 0.0]


def test_another_meter_is_known_by_its_serial_number_when_its_register_is_higher() -> None:
    rows = [(START, {"1_8_0": 5.0, "C_1_0": "A"}), (START + 900, {"1_8_0": 6.0, "C_1_0": "A"})]
    later = [(time + 1800, {"1_8_0": value, "C_1_0": "B"}) for time, value in quarters(70, 71)]
    bounds = [START + 900 * number for number in range(4)]

    assert usages(courses(*rows, *later), bounds) == [1.0, 0.0, 1.0]


def test_a_full_counter_counts_on() -> None:
    course = quarters(*(99_999.0 + number / 4 for number in range(4)), 0.0, 0.25)

    assert usages([course], [time for time, _ in course]) == [0.25] * 5


def test_a_wrong_reading_is_as_if_it_was_not_there() -> None:
    course = quarters(100.0, 100.25, 0.0, 100.75, 9_000_000.0, 101.25, 101.5)

    assert usages([course], [time for time, _ in course]) == [0.25] * 6


@given(course=lives(), zone=zones)
def test_quarters_hours_and_days_add_up_to_the_difference_of_the_register(
    course: list[tuple[int, float]], zone: ZoneInfo
) -> None:
    for aggregation in Aggregation:
        bounds = [*boundaries(course[0][0], course[-1][0], aggregation, zone)]
        counted = [usage for usage in usages([course], bounds) if usage is not None]

        assert min(counted) >= 0.0
        assert round(sum(counted), 6) == round(course[-1][1] - course[0][1], 6)


@given(course=lives(), aggregation=aggregations, zone=zones)
def test_each_longer_period_is_the_sum_of_its_quarters(
    course: list[tuple[int, float]], aggregation: Aggregation, zone: ZoneInfo
) -> None:
    bounds = [*boundaries(course[0][0], course[-1][0], aggregation, zone)]
    for period, usage in zip(pairwise(bounds), usages([course], bounds), strict=True):
        parts = usages([course], [*boundaries(*period, QUARTER, zone)])

        assert round(sum(part or 0.0 for part in parts), 6) == usage


@given(course=lives())
def test_hours_are_those_of_the_librarys_statistics(course: list[tuple[int, float]]) -> None:
    rows = hourly_energy([course])
    bounds = [rows[0].start, *(row.start + 3600 for row in rows)]
    sums = [*accumulate(usage or 0.0 for usage in usages([course], bounds))]

    assert sums == pytest.approx([row.sum for row in rows], abs=0.0051)


@given(course=lives(), aggregation=aggregations, data=st.data())
def test_the_order_of_readings_does_not_matter(
    course: list[tuple[int, float]], aggregation: Aggregation, data: st.DataObject
) -> None:
    bounds = [*boundaries(course[0][0], course[-1][0], aggregation, WARSAW)]
    shuffled = data.draw(st.permutations(course))

    assert usages([shuffled], bounds) == usages([course], bounds)


@given(old=lives(), new=lives(), hole=st.integers(1, 1_000_000))
def test_however_meters_are_replaced_no_usage_is_negative(
    old: list[tuple[int, float]], new: list[tuple[int, float]], hole: int
) -> None:
    begin = old[-1][0] + hole - new[0][0]
    course = [*old, *((time + begin, value) for time, value in new)]
    bounds = [*boundaries(course[0][0], course[-1][0], HOUR, WARSAW)]

    for so_read in ([course], [old, course[len(old) :]]):
        assert all(usage is None or usage >= 0.0 for usage in usages(so_read, bounds))
