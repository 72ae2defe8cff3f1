"""Energy by zone, and what it costs, beside sums made by hand."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_server.energy.calendars import Calendar
from onemeter_server.energy.costs import ZoneCost, cost_of, energy_by_zone
from onemeter_server.energy.tariffs import Tariff

from .conftest import at
from .tariffs import G11, G12, G12W, tariff

WARSAW = Calendar(zone=ZoneInfo("Europe/Warsaw"))


def quarters(begin: str, *energies: float | None) -> list[tuple[int, float | None]]:
    """Quarter-hours from an instant on."""
    return [(at(begin) + number * 900, energy) for number, energy in enumerate(energies)]


def a_day(begin: str, hours: int = 24, energy: float = 0.25) -> list[tuple[int, float | None]]:
    """A day with the same energy in each quarter-hour."""
    return quarters(begin, *[energy] * (4 * hours))


@pytest.mark.parametrize(
    ("day", "energies"),
    [
        (a_day("2024-05-23T00:00+02:00"), [14, 10]),  # a Thursday: 6 to 13, 15 to 22
        (a_day("2024-05-25T00:00+02:00"), [0, 24]),  # a Saturday
        (a_day("2026-11-11T00:00+01:00"), [0, 24]),  # a Wednesday, and a public holiday
        (a_day("2024-03-31T00:00+01:00", hours=23), [0, 23]),  # a Sunday without one of its hours
    ],
)
def test_g12w_has_a_dear_zone_on_working_days_only(
    day: list[tuple[int, float | None]], energies: list[float]
) -> None:
    assert energy_by_zone(day, Tariff.parse(G12W), WARSAW) == energies


def test_summer_time_takes_an_hour_of_the_night_and_gives_it_back() -> None:
    g12 = Tariff.parse(G12)

    assert energy_by_zone(a_day("2024-03-31T00:00+01:00", 23), g12, WARSAW) == [14, 9]
    assert energy_by_zone(a_day("2024-10-27T00:00+02:00", 25), g12, WARSAW) == [14, 11]


def test_a_quarter_hour_that_is_not_known_counts_in_no_zone() -> None:
    usages = quarters("2024-05-23T21:45+02:00", None, 0.5, None)

    assert energy_by_zone(usages, Tariff.parse(G12W), WARSAW) == [0, 0.5]


def test_g11_costs_its_energy_and_its_months() -> None:
    cost = cost_of(Tariff.parse(G11), [100], months=1.5)

    assert (cost.constant, cost.interim, cost.standing) == (13.5, 3, 1.5)
    assert cost.zones == (ZoneCost(zone="Cała doba", variable=25, quality=1.25, renewable=0),)
    assert cost.total == 13.5 + 3 + 1.5 + 25 + 1.25


def test_each_zone_has_its_own_price() -> None:
    cost = cost_of(Tariff.parse(G12W), [40, 80], months=1)

    assert [(zone.zone, zone.variable) for zone in cost.zones] == [
        ("Szczytowa", 20),
        ("Pozaszczytowa", 10),
    ]
    assert cost.total == 10 + 20 + 10


def test_the_renewable_energy_charge_is_for_each_kilowatt_hour() -> None:
    dear = tariff("dear", *G12W["zones"], renewableEnergyCharge=0.5)

    cost = cost_of(Tariff.parse(dear), [4, 6], months=0)

    assert [zone.renewable for zone in cost.zones] == [2, 3]
    assert cost.total == 2 + 0.75 + 2 + 3


@settings(deadline=None)
@given(
    begin=st.integers(at("2020-01-01T00:00Z") // 900, at("2030-01-01T00:00Z") // 900),
    energies=st.lists(st.none() | st.floats(0, 50), max_size=200),
)
def test_zones_share_all_energy_between_them(begin: int, energies: list[float | None]) -> None:
    usages = [((begin + number) * 900, energy) for number, energy in enumerate(energies)]
    total = sum(energy for energy in energies if energy is not None)

    for data in (G11, G12, G12W):
        assert sum(energy_by_zone(usages, Tariff.parse(data), WARSAW)) == pytest.approx(total)
