"""Dates as the API writes them and as people do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_server.models.dates import LATEST, first_second, format_epoch, last_second

from .conftest import at

WARSAW = ZoneInfo("Europe/Warsaw")


def bounds(text: str) -> tuple[str, str]:
    """The first and the last second of a date in Warsaw."""
    return format_epoch(first_second(text, WARSAW)), format_epoch(last_second(text, WARSAW))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T15:00:00.000Z",
        "2026-11-24T15:00Z",
        "2026-11-24 15:00:00+00:00",
        "2026-11-24T16:00:00+01:00",
        "2026-11-24T16:00:00 01:00",
        "2026-11-24 16:00 0100",
        "2026-11-24T16:00:00.000 01:00",
        "2026-11-24T16:00:00",
        "2026-11-24 16:00",
        "20261124T160000",
        "1795532400",
        "1795532400000",
    ],
)
def test_an_instant_can_be_written_in_many_ways(text: str) -> None:
    assert bounds(text) == ("2026-11-24T15:00:00.000Z",) * 2


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11-24", "2026-11-23T23:00:00.000Z", "2026-11-24T22:59:59.000Z"),
        ("20261124", "2026-11-23T23:00:00.000Z", "2026-11-24T22:59:59.000Z"),
        ("2026-10-25", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.000Z"),
        ("2026-11", "2026-10-31T23:00:00.000Z", "2026-11-30T22:59:59.000Z"),
        ("2026-12", "2026-11-30T23:00:00.000Z", "2026-12-31T22:59:59.000Z"),
        ("2026", "2025-12-31T23:00:00.000Z", "2026-12-31T22:59:59.000Z"),
    ],
)
def test_days_months_and_years_are_whole(text: str, first: str, last: str) -> None:
    assert bounds(text) == (first, last)


@pytest.mark.parametrize("text", ["9999", "9999-12", "9999-12-31"])
def test_the_calendar_ends_with_the_year_9999(text: str) -> None:
    assert last_second(text, WARSAW) == LATEST


def test_an_hour_that_comes_twice_is_taken_whole() -> None:
    assert bounds("2026-10-25T02:30") == ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z")


def test_fractions_of_a_second_lie_inside() -> None:
    assert bounds("2026-11-24T15:00:00.500Z") == (
        "2026-11-24T15:00:01.000Z",
        "2026-11-24T15:00:00.000Z",
    )


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13",
        "2026-11-31",
        "0000",
        "12345",
        "12345678901234567890",
        "2026-11-24T25:00",
        "2026-11-24T16:00:00 99:99",
        "١٧٩٥٥٣٢٤٠٠",
    ],
)
def test_other_texts_are_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        first_second(text, WARSAW)


@given(st.integers(at("1950-01-01T00:00:00Z"), at("2150-01-01T00:00:00Z")))
def test_dates_come_back_as_they_went(seconds: int) -> None:
    text = format_epoch(seconds)

    assert first_second(text) == last_second(text) == seconds
    assert datetime.fromisoformat(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=seconds
    )


@given(st.datetimes(), st.timezones())
def test_every_local_time_has_its_bounds(local: datetime, zone: ZoneInfo) -> None:
    assert first_second(local.isoformat(), zone) <= last_second(local.isoformat(), zone) + 1


@given(st.text(max_size=30))
def test_a_text_is_a_date_or_raises_a_value_error(text: str) -> None:
    for read in (first_second, last_second):
        try:
            seconds = read(text, WARSAW)
        except ValueError:
            continue
        assert isinstance(seconds, int)
