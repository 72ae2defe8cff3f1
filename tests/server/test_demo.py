"""The demo's meters: believable, consistent, and the same every time."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_cloud.obis import REGISTERS, Quantity
from onemeter_server.demo.energy import WARSAW, g12w_zone, house_quarters
from onemeter_server.demo.meters import FLAT, HOUSE, battery_volts, flat_readings, house_readings

from .conftest import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onemeter_server.models.records import DeviceRecord

type Rows = list[tuple[int, dict[str, Any]]]
type Series = Callable[[int], Iterator[tuple[int, Any]]]

QUARTER = 900
START = at("2023-11-23T10:00:00Z")
END = START + 365 * 86_400
SUMMER_MONTHS = range(4, 10)

# What meter and reader tell beside energy.
OF_EVERY_METER = (
    *("0_0_0", "0_9_1", "0_9_2", "C_1_0", "F_F_0", "S_1_1_2", "S_1_1_4", "S_1_1_6", "S_1_1_7"),
    *("S_1_1_8", "S_1_1_9", "S_1_1_10", "S_1_1_16"),
)
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
    other = {"16_7_0", "0_2_2", *OF_EVERY_METER}

    assert all(values.keys() == {*CUMULATIVE, *other} for _, values in house)
    assert {values["0_2_2"] for _, values in house} == {"G12w"}


def test_the_flat_has_one_energy_and_one_tariff_only(flat: Rows) -> None:
    energies = ("15_8_0", "15_8_1", "15_8_2")

    assert all(values.keys() == {*energies, "0_2_2", *OF_EVERY_METER} for _, values in flat)
    assert {values["0_2_2"] for _, values in flat} == {"G11"}
    assert all(values["15_8_0"] == values["15_8_1"] + values["15_8_2"] for _, values in flat)
    assert {values["15_8_2"] for _, values in flat} == {0}
    counting = {Quantity.ENERGY, Quantity.REACTIVE_ENERGY}
    assert tuple(code for code in flat[0][1] if REGISTERS[code].quantity in counting) == energies


@pytest.mark.parametrize(
    ("series", "number"), [(house_readings, 56183920), (flat_readings, 90347715)]
)
def test_a_reading_is_shaped_like_that_of_a_real_meter(series: Series, number: int) -> None:
    _, values = next(series(at("2024-02-19T15:15:00Z")))

    expected = {
        "0_0_0": number,
        "0_9_2": "2024-02-19T00:00:00.000Z",
        "C_1_0": str(number),
        "F_F_0": 0,
        "S_1_1_2": 3.1,
        "S_1_1_4": "2024-02-19T15:15:00.000Z",
        "S_1_1_6": 1,
        "S_1_1_7": [0, 0],
        "S_1_1_10": "2024-02-19T15:15:00.000Z",
        "S_1_1_16": [],
    }
    assert {code: values[code] for code in expected} == expected
    led_power, baud = values["S_1_1_8"]
    assert isinstance(led_power, int)
    assert baud == 9600


def test_readings_are_json(house: Rows, flat: Rows) -> None:
    for rows in (house, flat):
        assert json.loads(json.dumps(rows[-1][1])) == rows[-1][1]


@pytest.mark.parametrize("series", [house_readings, flat_readings])
@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27", "2024-02-29"])
def test_the_meter_s_clock_is_a_little_slow_on_local_time(series: Series, day: str) -> None:
    midnight = int(datetime.fromisoformat(day).replace(tzinfo=WARSAW).timestamp())
    for time, values in islice(series(midnight), 100):
        shown = datetime.fromisoformat(values["0_9_2"]) + timedelta(seconds=values["0_9_1"])
        local = datetime.fromtimestamp(time, WARSAW).replace(tzinfo=UTC)
        slow = (local - shown).total_seconds() % 3600
        assert 0 < slow < 300


def test_readouts_are_counted_and_few_fail(house: Rows, flat: Rows) -> None:
    for rows in (house, flat):
        assert [values["S_1_1_6"] for _, values in rows] == list(range(1, len(rows) + 1))
        failed = [tuple(values["S_1_1_7"]) for _, values in rows]
        assert failed == sorted(failed)
        first, second = failed[-1]
        assert 0 < second < first < len(rows) / 50


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


def monthly_celsius(rows: Rows) -> dict[int, float]:
    by_month: defaultdict[int, list[float]] = defaultdict(list)
    for time, values in rows:
        by_month[datetime.fromtimestamp(time, UTC).month].append(values["S_1_1_9"])
    return {month: sum(values) / len(values) for month, values in by_month.items()}


def test_the_reader_feels_the_seasons(house: Rows) -> None:
    means = monthly_celsius(house)

    assert means[1] < 5
    assert means[7] > 15


def test_the_reader_of_the_flat_feels_them_less(flat: Rows) -> None:
    means = monthly_celsius(flat)

    assert 12 < means[1] < means[7] < 20


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


def zones_at(record: DeviceRecord, local: datetime) -> list[int]:
    """Return which zones of a device's contract hold at a local time, the first being 1."""
    contract: Any = record.contract
    minute = local.hour * 60 + local.minute

    def minute_of(bound: dict[str, int]) -> int:
        return bound["hour"] * 60 + bound["minute"]

    return [
        number
        for number, zone in enumerate(contract["distributionTariff"]["zones"], start=1)
        for period in zone["periods"]
        if local.month in period["inEffect"]["months"]
        and local.isoweekday() in period["inEffect"]["weekdays"]
        for bound in period["bounds"]
        if minute_of(bound["from"]) <= minute < minute_of(bound["to"])
    ]


@given(st.integers(START, END))
def test_the_contract_of_the_house_says_which_zone_its_meter_counts_in(instant: int) -> None:
    local = datetime.fromtimestamp(instant, WARSAW)

    assert zones_at(HOUSE, local) == [g12w_zone(local)]


@given(st.integers(START, END))
def test_the_contract_of_the_flat_has_one_zone(instant: int) -> None:
    assert zones_at(FLAT, datetime.fromtimestamp(instant, WARSAW)) == [1]


def kinds(value: object) -> object:
    """Return the kinds of what a JSON value holds; of an array, those of its first element."""
    match value:
        case dict():
            return {name: kinds(inner) for name, inner in value.items()}
        case list():
            return [kinds(value[0])]
    return type(value)


@pytest.mark.parametrize("record", [HOUSE, FLAT])
def test_contracts_have_the_vendor_s_shape(record: DeviceRecord) -> None:
    bound = {"hour": int, "minute": int}

    assert kinds(record.contract) == {
        "distributionTariff": {
            "_id": str,
            "distributionNetworkOperator": str,
            "name": str,
            "prices": {
                "constantPriceComponent": float,
                "qualityComponent": float,
                "interimComponent": float,
                "renewableEnergyCharge": int,
                "standingCharge": float,
            },
            "reactiveEnergyFeeMultiplier": int,
            "zones": [
                {
                    "name": str,
                    "variablePriceComponent": float,
                    "periods": [
                        {
                            "inEffect": {"months": [int], "weekdays": [int]},
                            "bounds": [{"from": bound, "to": bound}],
                        }
                    ],
                }
            ],
        },
        "contractedPowerLimit": int,
    }


@pytest.mark.parametrize("record", [HOUSE, FLAT])
def test_users_have_the_vendor_s_shape(record: DeviceRecord) -> None:
    assert kinds(record.extra["users"]) == [{"displayName": str, "email": str, "grantedAt": str}]


def test_nobody_uses_more_power_than_contracted(house: Rows, flat: Rows) -> None:
    for record, rows in ((HOUSE, house), (FLAT, flat)):
        limit: Any = record.contract["contractedPowerLimit"]
        assert all(
            4 * (after["15_8_0"] - before["15_8_0"]) < limit
            for (_, before), (_, after) in pairwise(rows)
        )


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
