"""Readings in bulk come in the order of time, whatever the server gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_cloud import InvalidResponseError, OneMeterCloud, Reading
from onemeter_cloud.parsing import as_instant
from onemeter_cloud.readings import (
    Readings,
    format_instant,
    joined,
    parse_readings,
    readings_of,
)

from .payloads import ABSURD_DATES, DEVICE_ID, NO_NUMBERS
from .server import CloudServer, data
from .strategies import json_values
from .test_requests import END, START

if TYPE_CHECKING:
    from onemeter_cloud.parsing import JSON

SEVEN = "2024-05-23T07:00:00.000Z"
QUARTER_PAST = "2024-05-23T07:15:00.000Z"
EIGHT = "2024-05-23T08:00:00.000Z"
SEVEN_SECONDS = int(datetime(2024, 5, 23, 7, tzinfo=UTC).timestamp())


def answer(*rows: JSON) -> JSON:
    return {"readings": list(rows), "meta": {"count": len(rows)}}


async def test_readings_come_with_times_in_epoch_seconds_and_their_registers(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    rows: list[JSON] = [{"date": SEVEN, "15_8_0": 1.5}, {"date": QUARTER_PAST, "15_8_0": 1.75}]
    server.will(data(answer(*rows)))
    readings = await cloud.readings(DEVICE_ID, START, END)
    assert readings.times == (SEVEN_SECONDS, SEVEN_SECONDS + 900)
    assert readings.rows == tuple(rows)


def test_readings_are_put_in_the_order_of_time() -> None:
    readings = parse_readings(answer({"date": EIGHT}, {"date": SEVEN}, {"date": QUARTER_PAST}))
    assert readings.times == (SEVEN_SECONDS, SEVEN_SECONDS + 900, SEVEN_SECONDS + 3600)
    assert [row["date"] for row in readings.rows] == [SEVEN, QUARTER_PAST, EIGHT]


def test_readings_of_one_time_stay_in_the_order_they_came() -> None:
    readings = parse_readings(answer({"date": SEVEN, "x": 2}, {"date": SEVEN, "x": 1}))
    assert readings.series("x") == [(SEVEN_SECONDS, 2.0), (SEVEN_SECONDS, 1.0)]


@pytest.mark.parametrize("date", [*ABSURD_DATES, [SEVEN]])
def test_a_row_without_a_date_that_can_be_read_is_left_out(date: JSON) -> None:
    readings = parse_readings(answer({"date": date, "x": 1}, {"x": 2}, {"date": SEVEN, "x": 3}))
    assert readings.series("x") == [(SEVEN_SECONDS, 3.0)]


def test_what_is_no_row_is_left_out() -> None:
    assert parse_readings(answer(None, 7, "row", [], {"date": SEVEN})).times == (SEVEN_SECONDS,)


def test_fractions_of_a_second_are_cut() -> None:
    assert parse_readings(answer({"date": "2024-05-23T07:00:00.999Z"})).times == (SEVEN_SECONDS,)


def test_a_series_leaves_out_the_rows_without_its_register() -> None:
    readings = parse_readings(
        answer(
            {"date": SEVEN, "1_8_0": "1.5", "2_8_0": 9},
            {"date": QUARTER_PAST, "2_8_0": 9},
            {"date": EIGHT, "1_8_0": None},
            {"date": END.isoformat(), "1_8_0": 2},
        )
    )
    assert readings.series("1_8_0") == [(SEVEN_SECONDS, 1.5), (int(END.timestamp()), 2.0)]
    assert readings.series("15_8_0") == []


@pytest.mark.parametrize(
    "date",
    [
        "2024-05-23T07:00:00Z",
        "2024-05-23T07:00Z",
        "2024-05-23T07:00:00",
        "2024-05-23T09:00:00.000+02:00",
        "2024-05-23 02:00:00.000-05:00",
        "20240523T070000.000Z",
        SEVEN_SECONDS,
        SEVEN_SECONDS + 0.9,
        SEVEN_SECONDS * 1000,
    ],
)
def test_other_ways_to_write_a_time_are_read_too(date: JSON) -> None:
    assert parse_readings(answer({"date": date})).times == (SEVEN_SECONDS,)


@given(st.datetimes(timezones=st.one_of(st.none(), st.timezones())))
def test_every_date_is_read_as_instants_are(date: datetime) -> None:
    text = date.isoformat()
    instant = as_instant(text)
    expected = () if instant is None else (int(instant.timestamp()),)
    assert parse_readings(answer({"date": text})).times == expected


@pytest.mark.parametrize("value", [*NO_NUMBERS, float("-inf"), "1_8_0"], ids=repr)
def test_what_is_no_number_is_no_value_of_a_register(value: JSON) -> None:
    assert parse_readings(answer({"date": SEVEN, "x": value})).series("x") == []


@pytest.mark.parametrize(
    "value", [42949672.95, "42949672.95", 4294967295, "429496729.5", 4294967.295, 429496.7295]
)
def test_a_meter_s_no_value_is_no_value_of_a_register_however_often(value: JSON) -> None:
    readings = parse_readings(answer(*({"date": SEVEN_SECONDS + n, "x": value} for n in range(9))))
    assert readings.series("x") == []
    assert not readings.has_number_of(["x"])


@pytest.mark.parametrize("value", [7, 7.0, "7", "7.00", " 7 "])
def test_numbers_are_values_also_as_text(value: JSON) -> None:
    readings = parse_readings(answer({"date": SEVEN, "x": value}))
    assert readings.series("x") == [(SEVEN_SECONDS, 7.0)]
    assert isinstance(readings.series("x")[0][1], float)


@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_the_order_of_the_answer_does_not_matter(minutes: list[int]) -> None:
    def answered(order: list[int]) -> JSON:
        rows: list[JSON] = [{"date": SEVEN_SECONDS + 60 * minute, "x": minute} for minute in order]
        return answer(*rows)

    assert parse_readings(answered(minutes)) == parse_readings(answered(sorted(minutes)))


@given(json_values())
def test_any_json_is_readings_or_an_invalid_response(value: JSON) -> None:
    attempts: list[JSON] = [value, {"readings": value}, {"readings": [value, {"date": value}]}]
    for attempt in attempts:
        try:
            readings = parse_readings(attempt)
        except InvalidResponseError:
            continue
        assert list(readings.times) == sorted(readings.times)
        assert len(readings.rows) == len(readings.times)


def test_an_instant_is_written_as_the_api_writes_it() -> None:
    assert format_instant(datetime(2024, 5, 23, 7, 0, 0, 1999, tzinfo=UTC)) == (
        "2024-05-23T07:00:00.001Z"
    )


def test_an_instant_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_instant(datetime(2024, 5, 23, 7))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], False),
        ([{"1_8_0": None, "2_8_0": "no number"}, {"15_8_0": 3.0}], False),
        ([{"1_8_0": None}, {"2_8_0": "12.5"}], True),
        ([{"1_8_0": 0}], True),
    ],
)
def test_readings_tell_whether_they_hold_numbers(
    rows: list[dict[str, JSON]], *, expected: bool
) -> None:
    readings = Readings(times=tuple(range(len(rows))), rows=tuple(rows))
    assert readings.has_number_of(["1_8_0", "2_8_0"]) is expected


# Parts of readings


def readings_at(*times: int, **registers: JSON) -> Readings:
    return Readings(times=times, rows=tuple(dict(registers) for _ in times))


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [
        (0, 99, (10, 20, 30)),
        (10, 30, (10, 20, 30)),
        (11, 29, (20,)),
        (31, 99, ()),
        (30, 10, ()),
    ],
)
def test_readings_between_two_times_hold_both(start: int, end: int, times: tuple[int, ...]) -> None:
    part = readings_at(10, 20, 30, x=1).between(start, end)
    assert (part.times, len(part.rows)) == (times, len(times))


# A reading that the cloud has put together


def test_registers_of_a_last_reading_stand_at_their_own_times() -> None:
    reading = Reading(
        date=datetime(2024, 5, 23, 8, tzinfo=UTC),
        values={"1_8_0": 1.5, "2_8_0": 2.5, "15_8_0": 4.0, "S_1_1_2": 2.9},
        updated_at={
            "2_8_0": datetime(2024, 5, 23, 7, tzinfo=UTC),
            "15_8_0": datetime(2024, 5, 23, 7, tzinfo=UTC),
            "A_FLAG": datetime(2024, 5, 23, 6, tzinfo=UTC),
        },
    )
    assert readings_of(reading, ("1_8_0", "2_8_0", "15_8_0")) == Readings(
        times=(SEVEN_SECONDS, SEVEN_SECONDS + 3600),
        rows=({"2_8_0": 2.5, "15_8_0": 4.0}, {"1_8_0": 1.5}),
    )


def test_a_register_without_any_date_tells_nothing() -> None:
    assert readings_of(Reading(values={"1_8_0": 1.5}), ("1_8_0",)).times == ()
    dated = Reading(
        values={"1_8_0": 1.5, "2_8_0": 2.5},
        updated_at={"1_8_0": datetime(2024, 5, 23, 7, tzinfo=UTC)},
    )
    assert readings_of(dated, ("1_8_0", "2_8_0")).rows == ({"1_8_0": 1.5},)


# Pieces together


def test_pieces_are_joined_in_the_order_of_time_with_one_row_for_each_instant() -> None:
    late = Readings(times=(20, 30), rows=({"a": 2}, {"a": 3}))
    early = Readings(times=(10, 20), rows=({"a": 1}, {"b": 5}))
    assert joined(late, early) == joined(early, late)
    assert joined(late, early) == Readings(
        times=(10, 20, 30), rows=({"a": 1}, {"a": 2, "b": 5}, {"a": 3})
    )


def test_of_several_values_of_one_instant_the_last_part_s_counts() -> None:
    first, last = readings_at(10, a=1, b=1), readings_at(10, a=2)
    assert joined(first, last).rows == ({"a": 2, "b": 1},)
    assert joined(last, first).rows == ({"a": 1, "b": 1},)


@pytest.mark.parametrize("nothing", [None, 42949672.95, "4294967295"])
def test_what_tells_no_value_takes_the_place_of_none(nothing: JSON) -> None:
    told = readings_at(10, a=1)
    assert joined(told, readings_at(10, a=nothing)) == told
    assert joined(readings_at(10, a=nothing), told) == told


def test_a_piece_that_has_an_instant_twice_is_joined_as_two_are() -> None:
    twice = Readings(times=(10, 10, 20), rows=({"a": 1}, {"b": 2}, {"a": 3}))
    assert joined(twice) == Readings(times=(10, 20), rows=({"a": 1, "b": 2}, {"a": 3}))


def test_no_pieces_are_no_readings_and_one_is_itself() -> None:
    one = readings_at(10, 20, a=1)
    assert joined().times == ()
    assert joined(joined(), one, joined()) == one


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), max_size=40), st.data())
def test_pieces_without_contradictions_can_be_joined_in_any_order(
    values: list[tuple[int, str]], data: st.DataObject
) -> None:
    parts = [readings_at(time, **{code: time * ord(code)}) for time, code in values]
    cut = data.draw(st.integers(0, len(parts)))
    whole = joined(*parts)
    assert joined(*data.draw(st.permutations(parts))) == whole
    assert joined(joined(*parts[cut:]), joined(*parts[:cut])) == whole
