"""Tariffs: which zone an instant lies in, and what a contract has to be."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_server.demo.meters import FLAT, HOUSE
from onemeter_server.energy.calendars import Calendar
from onemeter_server.energy.tariffs import Contract, Tariff, TariffError, power_limit

from .conftest import at
from .tariffs import EVERY_DAY, EVERY_MONTH, G11, G12, G12W, period, tariff, zone

if TYPE_CHECKING:
    from collections.abc import Callable

WARSAW = Calendar(zone=ZoneInfo("Europe/Warsaw"))


def zone_at(data: dict[str, Any], instant: str) -> str:
    """The name of the zone that a time of the clocks of Warsaw lies in."""
    parsed = Tariff.parse(data)
    return parsed.zones[parsed.zone_at(at(instant), WARSAW)].name


def test_a_tariff_has_a_name_prices_and_zones() -> None:
    parsed = Tariff.parse(G11)

    assert parsed.name == "G11"
    assert parsed.reactive_fee_multiplier == 3
    assert [(zone.name, zone.price) for zone in parsed.zones] == [("Cała doba", 0.25)]
    prices = parsed.prices
    assert (prices.constant, prices.interim, prices.standing) == (9, 2, 1)
    assert (prices.quality, prices.renewable) == (0.0125, 0)


def test_a_tariff_of_one_zone_has_it_always() -> None:
    for instant in ("2024-05-23T00:00+02:00", "2024-12-25T23:59+01:00"):
        assert zone_at(G11, instant) == "Cała doba"


@pytest.mark.parametrize(
    ("instant", "name"),
    [
        ("2024-05-23T05:59:59+02:00", "Nocna"),
        ("2024-05-23T06:00+02:00", "Dzienna"),
        ("2024-05-23T12:59+02:00", "Dzienna"),
        ("2024-05-23T13:00+02:00", "Nocna"),
        ("2024-05-23T15:00+02:00", "Dzienna"),
        ("2024-05-23T22:00+02:00", "Nocna"),  # through midnight
        ("2024-05-25T12:00+02:00", "Dzienna"),  # on Saturdays too
    ],
)
def test_a_zone_begins_with_its_bound_and_ends_before_the_other(instant: str, name: str) -> None:
    assert zone_at(G12, instant) == name


@pytest.mark.parametrize(
    ("instant", "name"),
    [
        ("2026-11-10T12:00+01:00", "Szczytowa"),  # a Tuesday
        ("2026-11-11T12:00+01:00", "Pozaszczytowa"),  # a Wednesday, and a holiday
        ("2026-11-12T12:00+01:00", "Szczytowa"),  # a Thursday
        ("2026-11-14T12:00+01:00", "Pozaszczytowa"),  # a Saturday
        # Easter Monday, and the minutes around it.
        ("2025-04-21T21:59+02:00", "Pozaszczytowa"),
        ("2025-04-22T06:00+02:00", "Szczytowa"),
    ],
)
def test_a_public_holiday_is_like_a_sunday(instant: str, name: str) -> None:
    assert zone_at(G12W, instant) == name


def test_clocks_tell_the_zone_before_and_after_summer_time_begins() -> None:
    assert zone_at(G12, "2024-03-30T05:30+01:00") == "Nocna"
    assert zone_at(G12, "2024-03-31T05:30+02:00") == "Nocna"
    assert zone_at(G12, "2024-03-31T04:00Z") == "Dzienna"  # 06:00 in Warsaw
    assert zone_at(G12, "2024-03-30T04:00Z") == "Nocna"  # 05:00 in Warsaw


def test_the_hour_that_comes_twice_lies_in_one_zone_both_times() -> None:
    early = tariff(
        "early",
        zone("second hour", 1, period(EVERY_DAY, (2, 3))),
        zone("others", 1, period(EVERY_DAY, (3, 2))),
    )

    assert zone_at(early, "2024-10-27T02:30+02:00") == "second hour"
    assert zone_at(early, "2024-10-27T02:30+01:00") == "second hour"
    assert zone_at(early, "2024-10-27T03:00+01:00") == "others"


def test_zones_can_differ_between_winter_and_summer() -> None:
    winter, summer = (1, 2, 3, 10, 11, 12), (4, 5, 6, 7, 8, 9)
    seasonal = tariff(
        "B23",
        zone(
            "Szczyt",
            1,
            period(EVERY_DAY, (16, 21), months=winter),
            period(EVERY_DAY, (19, 22), months=summer),
        ),
        zone("Pozostałe", 1, period(EVERY_DAY, (0, 24))),
    )

    assert zone_at(seasonal, "2024-01-15T17:00+01:00") == "Szczyt"
    assert zone_at(seasonal, "2024-07-15T17:00+02:00") == "Pozostałe"
    assert zone_at(seasonal, "2024-07-15T21:00+02:00") == "Szczyt"


def test_minutes_count() -> None:
    bounds = [
        {"from": {"hour": 0, "minute": 0}, "to": {"hour": 7, "minute": 30}},
        {"from": {"hour": 7, "minute": 30}, "to": {"hour": 24, "minute": 0}},
    ]
    halves = [
        zone(name, 1, {**period(EVERY_DAY), "bounds": [bound]})
        for name, bound in zip(("early", "late"), bounds, strict=True)
    ]

    assert zone_at(tariff("halves", *halves), "2024-05-23T07:29+02:00") == "early"
    assert zone_at(tariff("halves", *halves), "2024-05-23T07:30+02:00") == "late"


def test_a_single_period_need_not_be_a_list() -> None:
    data = deepcopy(G11)
    data["zones"][0]["periods"] = data["zones"][0]["periods"][0]

    assert zone_at(data, "2024-05-23T07:29+02:00") == "Cała doba"


def test_prices_that_a_contract_does_not_tell_are_none() -> None:
    data = {key: value for key, value in G11.items() if key in {"name", "zones"}}

    assert Tariff.parse(data).prices.constant == 0
    assert Tariff.parse(data).reactive_fee_multiplier is None


def test_a_contract_has_tariffs_and_a_limit_of_power() -> None:
    contract = Contract.parse(
        {"distributionTariff": G12W, "retailTariff": G11, "contractedPowerLimit": 12}
    )

    assert contract.distribution.name == "G12w"
    assert contract.retail is not None
    assert contract.retail.name == "G11"
    assert contract.power_limit == 12


def test_a_contract_needs_a_distribution_tariff_only() -> None:
    contract = Contract.parse({"distributionTariff": G11})

    assert contract.retail is None
    assert contract.power_limit is None


@pytest.mark.parametrize("record", [HOUSE, FLAT], ids=lambda record: record.name)
def test_the_contracts_of_the_demo_make_sense(record: Any) -> None:
    assert Contract.parse(record.contract).power_limit == power_limit(record.contract)


def _without_sundays(data: dict[str, Any]) -> None:
    data["zones"][0]["periods"][0]["inEffect"]["weekdays"].remove(7)


def _with_month_13(data: dict[str, Any]) -> None:
    data["zones"][0]["periods"][0]["inEffect"]["months"].append(13)


def _until_25(data: dict[str, Any]) -> None:
    data["zones"][0]["periods"][0]["bounds"][0]["to"]["hour"] = 25


def _without_a_minute(data: dict[str, Any]) -> None:
    data["zones"][0]["periods"][0]["bounds"][0]["to"] = {"hour": 23, "minute": 59}


def _without_zones(data: dict[str, Any]) -> None:
    data["zones"] = []


def _with_words_for_prices(data: dict[str, Any]) -> None:
    data["zones"][0]["variablePriceComponent"] = "cheap"


def _with_an_endless_price(data: dict[str, Any]) -> None:
    data["zones"][0]["variablePriceComponent"] = 10**400


def _with_too_many_zones(data: dict[str, Any]) -> None:
    data["zones"] *= 256


@pytest.mark.parametrize(
    "spoil",
    [
        _without_sundays,
        _with_month_13,
        _until_25,
        _without_a_minute,
        _without_zones,
        _with_words_for_prices,
        _with_an_endless_price,
        _with_too_many_zones,
    ],
)
def test_a_tariff_that_makes_no_sense_is_an_error(spoil: Callable[[dict[str, Any]], None]) -> None:
    data = deepcopy(G11)
    spoil(data)

    with pytest.raises(TariffError):
        Tariff.parse(data)


@pytest.mark.parametrize("limit", [{}, {"contractedPowerLimit": 0}, [], None])
def test_a_limit_that_is_no_power_is_an_error(limit: Any) -> None:
    with pytest.raises(TariffError):
        power_limit(limit)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(data=JSON_VALUES)
def test_anything_else_is_an_error_of_the_contract_and_no_other(data: Any) -> None:
    with pytest.raises(TariffError):
        Contract.parse({"distributionTariff": data})


@settings(deadline=None)
@given(spoiled=JSON_VALUES, place=st.data())
def test_garbage_anywhere_in_a_tariff_is_read_or_refused(
    spoiled: Any, place: st.DataObject
) -> None:
    data: Any = deepcopy({"distributionTariff": G12W, "contractedPowerLimit": 3})
    inner = data
    while True:
        key = place.draw(
            st.sampled_from([*(inner if isinstance(inner, dict) else range(len(inner)))])
        )
        if not isinstance(inner[key], (dict, list)) or place.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = spoiled

    try:
        contract = Contract.parse(data)
    except TariffError:
        return
    assert contract.distribution.zone_at(at("2024-05-23T10:00Z"), WARSAW) in {0, 1}


@settings(deadline=None)
@given(
    hours=st.lists(st.integers(1, 23), min_size=1, max_size=6, unique=True).map(sorted),
    time=st.integers(at("2020-01-01T00:00Z"), at("2030-01-01T00:00Z")),
)
def test_each_instant_lies_in_the_zone_whose_hours_clocks_show(hours: list[int], time: int) -> None:
    borders = [0, *hours, 24]
    zones = [
        zone(str(begin), 1, period(EVERY_DAY, (begin, end), months=EVERY_MONTH))
        for begin, end in pairwise(borders)
    ]
    parsed = Tariff.parse(tariff("stripes", *zones))

    name = parsed.zones[parsed.zone_at(time, WARSAW)].name

    assert int(name) == max(hour for hour in borders if hour <= WARSAW.local(time).hour)
