"""Working days, weekends and public holidays, and how many months there are between instants."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_server.energy.calendars import Calendar

from .conftest import at

WARSAW = Calendar(zone=ZoneInfo("Europe/Warsaw"))
PRAGUE = Calendar(zone=ZoneInfo("Europe/Prague"))
BERLIN = Calendar(zone=ZoneInfo("Europe/Berlin"))
LONDON = Calendar(zone=ZoneInfo("Europe/London"))

INSTANTS = st.integers(at("2015-01-01T00:00Z"), at("2035-01-01T00:00Z"))


@pytest.mark.parametrize(
    ("calendar", "day", "is_holiday"),
    [
        (WARSAW, date(2026, 11, 11), True),  # independence
        (WARSAW, date(2024, 5, 30), True),  # Corpus Christi, which moves
        (WARSAW, date(2024, 12, 24), False),
        (WARSAW, date(2025, 12, 24), True),  # free since 2025
        (PRAGUE, date(2026, 11, 11), False),
        (PRAGUE, date(2026, 11, 17), True),
        (BERLIN, date(2026, 10, 3), True),
        (BERLIN, date(2026, 11, 17), False),
        (LONDON, date(2026, 12, 25), False),  # unknown there
    ],
)
def test_public_holidays_are_those_of_the_country_of_the_time_zone(
    calendar: Calendar, day: date, *, is_holiday: bool
) -> None:
    assert calendar.is_holiday(day) is is_holiday


def test_a_holiday_on_a_wednesday_is_no_working_day_and_counts_as_a_sunday_in_tariffs() -> None:
    assert not WARSAW.is_working(date(2026, 11, 11))
    assert WARSAW.tariff_weekday(date(2026, 11, 11)) == 7

    assert WARSAW.is_working(date(2026, 11, 12))
    assert WARSAW.tariff_weekday(date(2026, 11, 12)) == 4


def test_saturdays_and_sundays_are_no_working_days() -> None:
    week = [date(2024, 5, 20 + number) for number in range(7)]

    assert [WARSAW.is_working(day) for day in week] == [True] * 5 + [False] * 2
    assert [WARSAW.tariff_weekday(day) for day in week] == [1, 2, 3, 4, 5, 6, 7]


def test_a_day_begins_at_midnight_of_its_time_zone() -> None:
    assert WARSAW.start_of(date(2024, 3, 31)) == at("2024-03-30T23:00Z")
    assert WARSAW.start_of(date(2024, 4, 1)) == at("2024-03-31T22:00Z")


def test_a_whole_month_is_one_whatever_its_length() -> None:
    march = at("2024-02-29T23:00Z"), at("2024-03-31T22:00Z")

    assert WARSAW.months(*march) == 1
    assert WARSAW.months(march[0], at("2024-04-30T22:00Z")) == 2


def test_of_a_month_in_part_the_part_of_its_time_counts() -> None:
    # Three of 30 days of April, then half of May.
    assert WARSAW.months(at("2024-04-27T22:00Z"), at("2024-04-30T22:00Z")) == pytest.approx(0.1)
    assert WARSAW.months(at("2024-04-27T22:00Z"), at("2024-05-16T10:00Z")) == pytest.approx(0.6)


def test_no_time_is_no_month() -> None:
    assert WARSAW.months(at("2024-04-27T22:00Z"), at("2024-04-27T22:00Z")) == 0


@settings(deadline=None)
@given(bounds=st.lists(INSTANTS, min_size=3, max_size=3).map(sorted))
def test_months_add_up_wherever_a_time_is_cut(bounds: list[int]) -> None:
    since, between, until = bounds

    parts = WARSAW.months(since, between) + WARSAW.months(between, until)

    assert parts == pytest.approx(WARSAW.months(since, until))
