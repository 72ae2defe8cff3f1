"""What cannot be read becomes `None` or empty, and never an error."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_cloud.parsing import (
    JSON,
    as_boolean,
    as_instant,
    as_mapping,
    as_number,
    as_register,
    as_sequence,
    as_serial,
    as_strict_json,
    as_text,
    is_no_value,
)

from .strategies import json_values

MAY = datetime(2024, 5, 23, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7.0), (7.25, 7.25), (-3, -3.0), ("7.25", 7.25), (" 0007.25 ", 7.25), ("-1e3", -1000.0)],
)
def test_numbers_and_numeric_strings_are_numbers(value: JSON, number: float) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, [], [7], {}, {"value": 7}),
        *("", " ", "G11", "12,5", "1_8_0", "0x10", "nan", "inf", "-Infinity", "1e999"),
        *(float("nan"), float("inf"), 10**400),
    ],
)
def test_everything_else_is_no_number(value: JSON) -> None:
    assert as_number(value) is None


@pytest.mark.parametrize(
    "value",
    [
        *(4294967295, 429496729.5, 42949672.95, 4294967.295, 429496.7295, 42949.67295, 4294.967295),
        *(0xFFFFFFFF, 0xFFFFFFFF / 1000, 0xFFFFFFFF * 0.001, 4294967295.0),
        *("4294967295", "42949672.95", " 4294967.2950 ", "4.294967295e9", "0042949672.95"),
    ],
)
def test_32_bits_all_set_are_no_value_of_a_register_in_any_unit(value: JSON) -> None:
    assert is_no_value(value)
    assert as_register(value) is None
    assert as_serial(value) is None


@pytest.mark.parametrize("value", [4294967294, 42949672.94, 42949672.96, 42949672, 0, -1, "0"])
def test_numbers_beside_that_are_values(value: JSON) -> None:
    assert not is_no_value(value)
    assert as_register(value) == as_number(value)


@pytest.mark.parametrize("value", [None, True, "", "text", [], {}, float("nan")])
def test_what_is_no_number_is_no_value_of_a_register(value: JSON) -> None:
    assert as_register(value) is None


@pytest.mark.parametrize(
    "value", [12345678, 12345678.0, "12345678", " 12345678 ", "0012345678", "12345678\n"]
)
def test_the_serial_number_of_a_meter_is_the_same_however_it_is_written(value: JSON) -> None:
    assert as_serial(value) == "12345678"


@pytest.mark.parametrize("value", [None, True, "", " ", 0, 0.0, "0000", [], {}, [12345678]])
def test_what_says_nothing_is_no_serial_number(value: JSON) -> None:
    assert as_serial(value) is None


@pytest.mark.parametrize("value", ["PAF00000001", "12A", "1.5"])
def test_a_serial_number_may_be_any_text(value: JSON) -> None:
    assert as_serial(value) == value


@pytest.mark.parametrize(
    ("value", "text"), [("G11", "G11"), ("  G11\n", "G11"), (12345678, "12345678"), (1.5, "1.5")]
)
def test_texts_and_numbers_are_texts(value: JSON, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [None, True, "", " \t", [], ["G11"], {}, {"name": "G11"}])
def test_everything_else_is_no_text(value: JSON) -> None:
    assert as_text(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-23T07:00:00.000Z",
        "2024-05-23T07:00:00Z",
        "2024-05-23T09:00:00+02:00",
        "2024-05-23T07:00:00",
        "2024-05-23 07:00",
        MAY.timestamp(),
        MAY.timestamp() * 1000,
    ],
)
def test_dates_and_epochs_are_instants_in_utc(value: JSON) -> None:
    instant = as_instant(value)
    assert instant == MAY
    assert instant.utcoffset() == timedelta()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "yesterday",
        "2024-02-30T00:00:00Z",
        "1970-01-01T00:00:00.000Z",
        "1999-12-31T23:59:59.999Z",
        "2100-01-01T00:00:00.000Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        0,
        -1,
        1e300,
        float("nan"),
        10**400,
        ["2024-05-23T07:00:00.000Z"],
        {},
    ],
)
def test_what_is_no_date_or_an_absurd_one_is_no_instant(value: JSON) -> None:
    assert as_instant(value) is None


def test_an_object_is_a_mapping() -> None:
    assert as_mapping({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("value", [None, 1, "a", [1], True])
def test_everything_else_is_an_empty_mapping(value: JSON) -> None:
    assert as_mapping(value) == {}


def test_an_array_is_a_sequence() -> None:
    assert as_sequence([1, 2]) == [1, 2]


@pytest.mark.parametrize("value", [None, 1, "ab", {"a": 1}, True])
def test_everything_else_is_an_empty_sequence(value: JSON) -> None:
    assert as_sequence(value) == ()


def test_true_and_false_are_booleans() -> None:
    assert as_boolean(value=True) is True
    assert as_boolean(value=False) is False


@pytest.mark.parametrize("value", [None, 0, 1, "true", []])
def test_everything_else_is_no_boolean(value: JSON) -> None:
    assert as_boolean(value) is None


@pytest.mark.parametrize(
    ("value", "strict"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (10**400, None),
        (2**64, 2.0**64),
        (-(2**63) - 1, -(2.0**63)),
        ("\ud83d half", "? half"),
        ({"\ud83d": [float("inf"), {"inside": "\ude00"}]}, {"?": [None, {"inside": "?"}]}),
    ],
    ids=repr,
)
def test_what_is_no_json_is_made_json(value: JSON, strict: JSON) -> None:
    assert as_strict_json(value) == strict


@pytest.mark.parametrize(
    "value",
    [None, True, 0, 2**64 - 1, -(2**63), 1.5, "żółw", "😀", [], {}, {"a": [1, {"b": None}]}],
)
def test_what_is_json_stays_as_it_is(value: JSON) -> None:
    strict = as_strict_json(value)
    assert strict == value
    assert type(strict) is type(value)


@given(json_values())
def test_strict_json_is_read_back_as_it_was_written(value: JSON) -> None:
    strict = as_strict_json(value)
    assert orjson.loads(orjson.dumps(strict)) == strict


@given(json_values())
def test_nothing_is_an_error(value: JSON) -> None:
    for read in (
        *(as_number, as_register, is_no_value, as_serial, as_text),
        *(as_instant, as_boolean, as_mapping, as_sequence),
    ):
        read(value)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001
def test_an_instant_is_read_back_as_it_was_written(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    assert as_instant(instant.isoformat()) == instant
