"""The demo's meters: believable, consistent, and the same every time."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_cloud.obis import REGISTERS, Quantity
from onemeter_server.demo import FLAT, HOUSE, battery_volts, flat_readings, house_readings
from onemeter_server.demo_energy import WARSAW, g12w_zone, house_quarters

from .conftest import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type Rows = list[tuple[int, dict[str, Any]]]
type Series = Callable[[int], Iterator[tuple[int, Any]]]

QUARTER = 900
START = at("2023-11-23T10:00:00Z")
END = START + 365 * 86_400
SUMMER_MONTHS = range(4, 10)

CUMULATIVE = ("1_8_0", "1_8_1", "1_8_2", "2_8_0", "5_8_0", "8_8_0", "15_8_0")


def until(series: Series, start: int, end: int) -> Rows:
    return list(takewhile(lambda reading: reading[0] <= end, series(start)))


@pytest.fixture(scope="module")
def house() -> Rows:
    return until(house_readings, START, END)


@pytest.fixture(scope="module")
def flat() -> Rows:
    return until(flat_readings, START, END)


def growth(rows: Rows, code: str) -> float:
    return float(rows[-1][1][code] - rows[0][1][code])


def average_by[K](rows: Rows, code: str, key: Callable[[datetime], K]) -> dict[K, float]:
    """Return the average kWh of a quarter-hour, by a key of its local start."""
    sums: defaultdict[K, list[float]] = defaultdict(list)
    for (start, before), (_, after) in pairwise(rows):
        sums[key(datetime.fromtimestamp(start, WARSAW))].append(after[code] - before[code])
    return {group: sum(values) / len(values) for group, values in sums.items()}


def test_a_year_has_a_reading_each_quarter_hour(house: Rows, flat: Rows) -> None:
    for rows in (house, flat):
        assert [time for time, _ in rows] == list(range(START, END + 1, QUARTER))


def test_the_house_reports_its_registers(house: Rows) -> None:
    other = {"16_7_0", "0_2_2", "C_1_0", "S_1_1_2", "S_1_1_9"}

    assert all(values.keys() == {*CUMULATIVE, *other} for _, values in house)
    assert {values["0_2_2"] for _, values in house} == {"G12w"}


def test_the_flat_has_one_energy_register_only(flat: Rows) -> None:
    assert all(values.keys() == {"15_8_0", "0_2_2", "C_1_0", "S_1_1_2"} for _, values in flat)
    assert {values["0_2_2"] for _, values in flat} == {"G11"}
    energy = {Quantity.ENERGY, Quantity.REACTIVE_ENERGY}
    assert [code for code in flat[0][1] if REGISTERS[code].quantity in energy] == ["15_8_0"]


def test_devices_name_their_main_register() -> None:
    assert (HOUSE.main_register, FLAT.main_register) == ("1_8_0", "15_8_0")
    assert FLAT.multiplier == 1


@pytest.mark.parametrize("code", CUMULATIVE)
def test_registers_of_the_house_never_fall(house: Rows, code: str) -> None:
    assert all(before[code] <= after[code] for (_, before), (_, after) in pairwise(house))


def test_the_register_of_the_flat_never_falls(flat: Rows) -> None:
    assert all(before["15_8_0"] <= after["15_8_0"] for (_, before), (_, after) in pairwise(flat))


def test_registers_show_hundredths(house: Rows) -> None:
    assert all(values[code] == round(values[code], 2) for _, values in house for code in CUMULATIVE)


def test_totals_are_the_sums_of_what_their_parts_show(house: Rows) -> None:
    for _, values in house:
        assert values["1_8_0"] == round(values["1_8_1"] + values["1_8_2"], 2)
        assert values["15_8_0"] == round(values["1_8_0"] + values["2_8_0"], 2)


def test_power_is_the_energy_of_the_quarter_hour(house: Rows) -> None:
    for (_, before), (_, after) in pairwise(house):
        imported = after["1_8_0"] - before["1_8_0"]
        exported = after["2_8_0"] - before["2_8_0"]
        # Three registers that are rounded to 0.01 kWh, over a quarter of an hour.
        assert after["16_7_0"] == pytest.approx(4 * (imported - exported), abs=4 * 0.0301)


def test_rounding_never_adds_up(house: Rows) -> None:
    quarters = [q for q in islice(house_quarters(START), 365 * 96) if q.start < END]
    exact = sum(quarter.imported for quarter in quarters) / 1000

    assert growth(house, "1_8_0") == pytest.approx(exact, abs=0.02)


def test_yearly_totals_are_believable(house: Rows, flat: Rows) -> None:
    assert 3500 < growth(house, "1_8_0") < 5000
    assert 1500 < growth(house, "2_8_0") < 3500
    assert 1700 < growth(flat, "15_8_0") < 1900


def test_the_surplus_is_in_summer_around_noon(house: Rows) -> None:
    by_season = average_by(house, "2_8_0", lambda local: local.month in SUMMER_MONTHS)
    by_hour = average_by(house, "2_8_0", lambda local: local.hour)

    assert by_season[True] > 4 * by_season[False]
    assert 11 <= max(by_hour, key=lambda hour: by_hour[hour]) <= 14
    assert by_hour[0] == by_hour[23] == 0


def test_winters_take_more_than_summers(house: Rows, flat: Rows) -> None:
    for rows, code in ((house, "1_8_0"), (flat, "15_8_0")):
        by_month = average_by(rows, code, lambda local: local.month)
        assert by_month[1] > 1.2 * by_month[7]


def test_evenings_are_the_peak_of_the_day(flat: Rows) -> None:
    by_hour = average_by(flat, "15_8_0", lambda local: local.hour)

    assert 17 <= max(by_hour, key=lambda hour: by_hour[hour]) <= 20
    assert max(by_hour.values()) > 3 * by_hour[3]


def test_weekends_are_different(flat: Rows) -> None:
    middays = average_by(
        flat, "15_8_0", lambda local: (local.weekday() >= 5, 10 <= local.hour < 14)
    )

    assert middays[True, True] > 1.5 * middays[False, True]


def test_each_zone_counts_in_its_own_time(house: Rows) -> None:
    for (start, before), (_, after) in pairwise(house):
        idle = "1_8_2" if g12w_zone(datetime.fromtimestamp(start, WARSAW)) == 1 else "1_8_1"
        assert before[idle] == after[idle]


def test_the_battery_slowly_runs_down(house: Rows) -> None:
    volts = [values["S_1_1_2"] for _, values in house]

    assert volts[0] == 3.1
    assert volts == sorted(volts, reverse=True)
    assert 2.9 < volts[-1] < 3.05


def test_the_battery_never_falls_below_empty() -> None:
    decades = 20 * 365 * 86_400
    assert battery_volts(0) == 3.1
    assert battery_volts(decades) == 1.93


def test_the_reader_feels_the_seasons(house: Rows) -> None:
    by_month: defaultdict[int, list[float]] = defaultdict(list)
    for time, values in house:
        by_month[datetime.fromtimestamp(time, UTC).month].append(values["S_1_1_9"])
    means = {month: sum(values) / len(values) for month, values in by_month.items()}

    assert means[1] < 5
    assert means[7] > 15


@pytest.mark.parametrize("series", [house_readings, flat_readings])
def test_the_series_is_the_same_every_time(series: Series) -> None:
    assert list(islice(series(START), 300)) == list(islice(series(START), 300))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_a_quarter_hour_is_the_same_wherever_one_begins(first: int, second: int) -> None:
    start, later = sorted((START + first * QUARTER, START + second * QUARTER))
    whole = {quarter.start: quarter for quarter in islice(house_quarters(start), 300)}

    assert all(whole[quarter.start] == quarter for quarter in islice(house_quarters(later), 50))


@pytest.mark.parametrize(
    ("local", "zone"),
    [
        ("2024-05-23T05:45", 2),
        ("2024-05-23T06:00", 1),
        ("2024-05-23T12:45", 1),
        ("2024-05-23T13:00", 2),
        ("2024-05-23T14:45", 2),
        ("2024-05-23T15:00", 1),
        ("2024-05-23T21:45", 1),
        ("2024-05-23T22:00", 2),
        ("2024-05-24T21:45", 1),
        ("2024-05-25T00:00", 2),
        ("2024-05-25T12:00", 2),
        ("2024-05-26T18:00", 2),
        ("2024-05-27T06:00", 1),
    ],
)
def test_zones_of_g12w(local: str, zone: int) -> None:
    assert g12w_zone(datetime.fromisoformat(local).replace(tzinfo=WARSAW)) == zone


@pytest.mark.parametrize(
    ("day", "length"), [("2024-03-31", 92), ("2024-10-27", 100), ("2024-05-23", 96)]
)
def test_days_have_the_quarter_hours_that_the_clocks_leave_them(day: str, length: int) -> None:
    midnight = int(datetime.fromisoformat(day).replace(tzinfo=WARSAW).timestamp())
    quarters = list(islice(house_quarters(midnight), 110))
    local_days = [datetime.fromtimestamp(q.start, WARSAW).date().isoformat() for q in quarters]

    assert local_days.count(day) == length
    assert [q.start for q in quarters] == [midnight + QUARTER * i for i in range(110)]


@pytest.mark.parametrize("monday", ["2024-04-01", "2024-10-28"])
def test_zones_follow_local_time_after_the_clocks_change(monday: str) -> None:
    midnight = int(datetime.fromisoformat(monday).replace(tzinfo=WARSAW).timestamp())
    by_hour = {
        datetime.fromtimestamp(quarter.start, WARSAW).hour: quarter.zone
        for quarter in islice(house_quarters(midnight), 96)
    }

    assert {hour for hour, zone in by_hour.items() if zone == 1} == {
        *range(6, 13),
        *range(15, 22),
    }
