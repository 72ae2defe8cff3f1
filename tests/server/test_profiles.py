"""The ten load profiles, each on usages small enough to add up by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_cloud.readings import Readings
from onemeter_server.energy.calendars import Calendar
from onemeter_server.energy.profiles import (
    all_day_traces,
    daily_usage_in_tariffs,
    day_fine,
    day_weekend,
    day_working,
    load_duration,
    power_overspends,
    tariff_overall_summary,
    week_coarse,
    week_fine,
)
from onemeter_server.energy.quarters import quarter_bounds, quarter_usages
from onemeter_server.energy.tariffs import Tariff

from .conftest import at
from .tariffs import G11, G12, G12W

if TYPE_CHECKING:
    from collections.abc import Callable

    from onemeter_server.energy.quarters import Usages

ZONE = ZoneInfo("Europe/Warsaw")
WARSAW = Calendar(zone=ZONE)

THURSDAY = "2024-05-23T00:00+02:00"
SATURDAY = "2024-05-25T00:00+02:00"
HOLIDAY = "2026-11-11T00:00+01:00"  # a Wednesday
SPRING = "2024-03-31T00:00+01:00"  # has 23 hours
AUTUMN = "2024-10-27T00:00+02:00"  # has 25 hours

QUARTERS = st.lists(st.none() | st.floats(0, 50), max_size=300).flatmap(
    lambda energies: st.integers(at(SPRING) // 900 - 300, at(AUTUMN) // 900 + 300).map(
        lambda begin: [((begin + number) * 900, one) for number, one in enumerate(energies)]
    )
)


def quarters(begin: str, *energies: float | None) -> list[tuple[int, float | None]]:
    """Quarter-hours from an instant on."""
    return [(at(begin) + number * 900, energy) for number, energy in enumerate(energies)]


def hours(begin: str, *energies: float) -> list[tuple[int, float | None]]:
    """Hours from an instant on, each with its energy in four equal parts."""
    return quarters(begin, *(energy / 4 for energy in energies for _ in range(4)))


def test_the_mean_quarter_hours_of_a_day() -> None:
    usages = [*quarters(THURSDAY, 1, 2), *quarters(SATURDAY, 3, None, 5)]

    assert day_fine({"1_8_0": usages}, WARSAW) == [
        {"1_8_0": 2, "time": {"hour": 0, "minute": 0}},
        {"1_8_0": 2, "time": {"hour": 0, "minute": 15}},
        {"1_8_0": 5, "time": {"hour": 0, "minute": 30}},
    ]


def test_the_mean_hours_of_working_days_leave_weekends_and_holidays_out() -> None:
    usages = [*hours(THURSDAY, 1, 2), *hours(SATURDAY, 16, 32), *hours(HOLIDAY, 64, 128)]

    assert day_working({"1_8_0": usages}, WARSAW) == [
        {"1_8_0": 1, "time": {"hour": 0}},
        {"1_8_0": 2, "time": {"hour": 1}},
    ]


def test_the_mean_hours_of_all_other_days() -> None:
    usages = [*hours(THURSDAY, 1, 2), *hours(SATURDAY, 16, 32), *hours(HOLIDAY, 64, 128)]

    assert day_weekend({"1_8_0": usages}, WARSAW) == [
        {"1_8_0": 40, "time": {"hour": 0}},
        {"1_8_0": 80, "time": {"hour": 1}},
    ]


def test_a_mean_hour_is_there_when_all_of_its_quarters_have_been_at_some_time() -> None:
    usages = [*quarters(THURSDAY, 1, 2, None, 4, 5), *quarters("2024-05-24T00:30+02:00", 3)]

    assert day_working({"1_8_0": usages}, WARSAW) == [{"1_8_0": 10, "time": {"hour": 0}}]


def test_the_hours_of_a_week_are_counted_from_monday_on() -> None:
    usages = [*hours(THURSDAY, 1), *hours("2024-05-30T00:00+02:00", 3)]  # Corpus Christi

    assert week_coarse({"1_8_0": usages}, WARSAW) == [{"1_8_0": 2, "time": {"hour": 72}}]
    assert week_fine({"1_8_0": usages}, WARSAW)[1] == {
        "1_8_0": 0.5,
        "time": {"hour": 72, "minute": 15},
    }


def test_a_whole_week_has_168_hours_and_672_quarter_hours() -> None:
    usages = {"1_8_0": hours("2024-05-20T00:00+02:00", *[1] * 168)}

    assert [row["time"] for row in week_coarse(usages, WARSAW)] == [
        {"hour": hour} for hour in range(168)
    ]
    assert len(week_fine(usages, WARSAW)) == 672


@pytest.mark.parametrize(("day", "length"), [(SPRING, 23), (AUTUMN, 25)])
def test_an_even_load_is_even_in_all_means_when_clocks_change(day: str, length: int) -> None:
    usages = {"1_8_0": hours(day, *[1] * length)}

    assert {row["1_8_0"] for row in day_weekend(usages, WARSAW)} == {1}
    assert {row["1_8_0"] for row in week_coarse(usages, WARSAW)} == {1}
    assert {row["1_8_0"] for row in day_fine(usages, WARSAW)} == {0.25}


def test_the_hour_that_is_missing_in_spring_has_no_mean() -> None:
    told = [row["time"] for row in day_weekend({"1_8_0": hours(SPRING, *[1] * 23)}, WARSAW)]

    assert told == [{"hour": hour} for hour in range(24) if hour != 2]


def test_the_hours_of_each_day() -> None:
    usages = [*hours("2024-05-23T23:00+02:00", 1, 2), *quarters("2024-05-24T01:00+02:00", 7)]

    assert all_day_traces({"1_8_0": usages}, WARSAW) == [
        {"1_8_0": 1, "time": {"hour": 23}, "date": "2024-05-22T22:00:00.000Z"},
        {"1_8_0": 2, "time": {"hour": 0}, "date": "2024-05-23T22:00:00.000Z"},
    ]


def test_the_day_on_which_clocks_go_back_has_an_hour_twice() -> None:
    rows = all_day_traces({"1_8_0": hours(AUTUMN, *range(25))}, WARSAW)

    assert {row["date"] for row in rows} == {"2024-10-26T22:00:00.000Z"}
    assert [row["1_8_0"] for row in rows] == [*range(25)]
    assert [row["time"] for row in rows[1:5]] == [{"hour": hour} for hour in (1, 2, 2, 3)]


def test_hours_are_those_of_the_clocks_where_they_differ_from_utc_by_half_an_hour() -> None:
    kolkata = Calendar(zone=ZoneInfo("Asia/Kolkata"))

    assert all_day_traces({"1_8_0": hours("2024-05-23T00:00+05:30", 1, 2)}, kolkata) == [
        {"1_8_0": 1, "time": {"hour": 0}, "date": "2024-05-22T18:30:00.000Z"},
        {"1_8_0": 2, "time": {"hour": 1}, "date": "2024-05-22T18:30:00.000Z"},
    ]


def test_load_duration_goes_down_from_the_highest() -> None:
    usages = {"1_8_0": quarters(THURSDAY, 1, 4, None, 2, 8, 3), "2_8_0": quarters(THURSDAY, 5)}

    assert load_duration(usages) == [
        {"1_8_0": 8, "2_8_0": 5, "time": {"hour": 0, "minute": 0}},
        {"1_8_0": 4, "time": {"hour": 0, "minute": 15}},
        {"1_8_0": 3, "time": {"hour": 0, "minute": 30}},
        {"1_8_0": 2, "time": {"hour": 0, "minute": 45}},
        {"1_8_0": 1, "time": {"hour": 1, "minute": 0}},
    ]


def test_the_energy_of_each_zone() -> None:
    usages = {
        "1_8_0": hours(THURSDAY, *[1] * 24),
        "2_8_0": hours("2024-05-23T12:00+02:00", 5, 6),
    }

    assert tariff_overall_summary(usages, WARSAW, Tariff.parse(G12)) == [
        {"1_8_0": 14, "2_8_0": 5, "usage": 14, "tariff": "Dzienna"},
        {"1_8_0": 10, "2_8_0": 6, "usage": 10, "tariff": "Nocna"},
    ]


def test_the_energy_of_each_day_in_its_zones() -> None:
    usages = {"1_8_0": [*hours(THURSDAY, *[1] * 24), *hours(SATURDAY, *[1] * 24)]}

    assert daily_usage_in_tariffs(usages, WARSAW, Tariff.parse(G12W)) == [
        {"1_8_0": 14, "usage": 14, "tariff": "Szczytowa", "date": "2024-05-22T22:00:00.000Z"},
        {"1_8_0": 10, "usage": 10, "tariff": "Pozaszczytowa", "date": "2024-05-22T22:00:00.000Z"},
        {"1_8_0": 24, "usage": 24, "tariff": "Pozaszczytowa", "date": "2024-05-24T22:00:00.000Z"},
    ]


def test_a_day_of_another_register_has_no_usage() -> None:
    usages = {"1_8_0": hours(THURSDAY, 1), "2_8_0": hours(SATURDAY, 3)}

    assert daily_usage_in_tariffs(usages, WARSAW, Tariff.parse(G11)) == [
        {"1_8_0": 1, "usage": 1, "tariff": "Cała doba", "date": "2024-05-22T22:00:00.000Z"},
        {"2_8_0": 3, "tariff": "Cała doba", "date": "2024-05-24T22:00:00.000Z"},
    ]


def test_the_power_above_what_was_agreed_on() -> None:
    # 4, 5 and 6.4 kW
    usages = quarters("2018-04-09T13:30:00Z", 1, 1.25, None, 1.6)

    assert power_overspends(usages, 5) == [
        {"date": "2018-04-09T14:15:00.000Z", "value": 6.4, "overspendValue": 1.4}
    ]


def usages_of(*points: tuple[str, float], since: str, until: str, **options: Any) -> Usages:
    """The quarter-hours of readings of `1_8_0`."""
    readings = Readings(
        times=[at(time) for time, _ in points], rows=[{"1_8_0": value} for _, value in points]
    )
    bounds = quarter_bounds(readings, at(since), at(until), ZONE)
    return quarter_usages(readings, "1_8_0", bounds, **options)


def test_quarter_hours_begin_within_the_time_that_is_asked_for() -> None:
    points = [(f"2024-05-23T0{hour}:00Z", float(hour)) for hour in range(4)]

    usages = usages_of(*points, since="2024-05-23T00:50Z", until="2024-05-23T01:31Z")

    assert usages == quarters("2024-05-23T01:00Z", 0.25, 0.25, 0.25)


def test_energy_counts_times_the_transformer_ratio() -> None:
    points = [("2024-05-23T00:00Z", 1.0), ("2024-05-23T00:30Z", 2.0)]

    usages = usages_of(*points, since="2024-05-23T00:00Z", until="2024-05-24T00:00Z", multiplier=10)

    assert usages == quarters("2024-05-23T00:00Z", 5, 5)


def test_what_is_sure_is_read_every_hour_at_least() -> None:
    points = [
        ("2024-05-23T00:00Z", 1.0),
        ("2024-05-23T01:00Z", 2.0),
        ("2024-05-23T02:15Z", 7.0),
        ("2024-05-23T02:30Z", 8.0),
    ]
    asked = {"since": "2024-05-23T00:00Z", "until": "2024-05-23T03:00Z"}

    assert usages_of(*points, **asked) == quarters("2024-05-23T00:00Z", *[0.25] * 4, *[1] * 5, 1)
    assert usages_of(*points, **asked, only_sure=True) == quarters(
        "2024-05-23T00:00Z", *[0.25] * 4, *[None] * 5, 1
    )


def test_a_meter_that_is_replaced_has_used_no_less() -> None:
    points = [
        *((f"2024-05-23T00:{minute}Z", 1000.0 + minute / 15) for minute in (10, 25, 40, 55)),
        *((f"2024-05-23T01:{minute}Z", minute / 15) for minute in (10, 25, 40, 55)),
        *((f"2024-05-23T02:{minute}Z", 4 + minute / 15) for minute in (10, 25, 40, 55)),
    ]

    usages = usages_of(*points, since="2024-05-23T00:15Z", until="2024-05-23T02:45Z")

    energies = [energy for _, energy in usages if energy is not None]
    assert len(energies) == len(usages) == 10
    assert min(energies) >= 0
    # One an interval, but nothing from the last reading of the one meter to the first of the other.
    assert sum(energies) == pytest.approx(9, abs=0.02)


def test_a_reading_alone_is_no_usage() -> None:
    assert usages_of(("2024-05-23T00:10Z", 5), since=THURSDAY, until=SATURDAY) == []
    assert usages_of(since=THURSDAY, until=SATURDAY) == []


@settings(deadline=None)
@given(usages=QUARTERS)
def test_load_duration_is_sorted_and_has_all_energy(usages: list[tuple[int, float | None]]) -> None:
    told: list[Any] = [row["1_8_0"] for row in load_duration({"1_8_0": usages})]
    known = [energy for _, energy in usages if energy is not None]

    assert told == sorted(told, reverse=True)
    assert len(told) == len(known)
    assert sum(told) == pytest.approx(sum(known), abs=1e-3)


@settings(deadline=None)
@given(usages=QUARTERS)
def test_days_and_zones_have_all_energy(usages: list[tuple[int, float | None]]) -> None:
    total = sum(energy for _, energy in usages if energy is not None)
    for data in (G11, G12, G12W):
        for profile in (tariff_overall_summary, daily_usage_in_tariffs):
            rows: list[Any] = profile({"1_8_0": usages}, WARSAW, Tariff.parse(data))

            assert sum(row["usage"] for row in rows) == pytest.approx(total, abs=1e-3)


@settings(deadline=None)
@given(usages=QUARTERS)
def test_means_lie_between_the_lowest_and_the_highest(
    usages: list[tuple[int, float | None]],
) -> None:
    known = [energy for _, energy in usages if energy is not None]
    profiles: list[tuple[Callable[..., Any], int]] = [
        (day_fine, 1),
        (week_fine, 1),
        (day_working, 4),
        (day_weekend, 4),
        (week_coarse, 4),
        (all_day_traces, 4),
    ]
    for profile, length in profiles:
        for row in profile({"1_8_0": usages}, WARSAW):
            assert min(known) - 1e-6 <= row["1_8_0"] / length <= max(known) + 1e-6


@settings(deadline=None)
@given(usages=QUARTERS, limit=st.floats(0.1, 200))
def test_the_higher_the_limit_the_less_is_above_it(
    usages: list[tuple[int, float | None]], limit: float
) -> None:
    above = {row["date"] for row in power_overspends(usages, limit)}

    assert above >= {row["date"] for row in power_overspends(usages, limit * 1.1)}
