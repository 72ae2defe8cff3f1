"""What energy costs, hour by hour, from the prices that the owner gives."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.data_entry_flow import FlowResultType

from custom_components.onemeter.history.meaning import statistic_id
from custom_components.onemeter.history.prices import price_lists, with_prices
from custom_components.onemeter.onemeter_cloud.costs import Price

from .clockwork import settle
from .local_cloud import HOUSE, HOUSE_ID, LocalCloud
from .meters import HOUR, quarters, readings, recorded, register

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
INSTALLED = NOW - timedelta(days=10)
FIRST = quarters(INSTALLED, NOW)[0]
LAST = int(datetime(2026, 11, 23, 10, 0, tzinfo=UTC).timestamp())
CODES = ("1_8_0", "1_8_1", "1_8_2", "2_8_0")

FIRST_DAY = {"valid_from": "2026-11-15"}
LATER_DAY = {"valid_from": "2026-11-20"}


def midnight(day: int) -> int:
    """Return midnight of a day of November 2026 in Warsaw."""
    return int(datetime(2026, 11, day, tzinfo=WARSAW).timestamp())


def used(code: str, start: int, end: int = LAST) -> float:
    """Return the energy that a register counts between two instants."""
    return register(end, code) - register(max(start, FIRST), code)


async def give_prices(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entry: MockConfigEntry,
    prices: dict[str, Any],
) -> None:
    """Give prices the way an owner does, and wait for what comes of it."""
    result = await entry.start_subentry_reconfigure_flow(hass, f"subentry-{HOUSE_ID}")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "reconfigure")
    result = await hass.config_entries.subentries.async_configure(result["flow_id"], prices)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    freezer.tick(timedelta(minutes=3))
    await hass.async_block_till_done()
    await settle(hass, freezer)


@pytest.fixture
async def entry(
    recorder_mock: None,
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> MockConfigEntry:
    """An account whose house counts two tariffs and what it gives back."""
    await hass.config.async_update(currency="PLN", time_zone="Europe/Warsaw")
    await empty_cloud.install(HOUSE, readings(quarters(INSTALLED, NOW), CODES))
    entry = make_entry(empty_cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)
    return entry


async def test_without_prices_there_are_no_costs(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await recorded(hass, HOUSE_ID)
    assert await recorded(hass, HOUSE_ID, "energy_cost") == {}
    assert await recorded(hass, HOUSE_ID, "energy_compensation") == {}


async def test_a_price_for_all_tariffs_makes_the_cost_of_every_hour(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    await give_prices(hass, freezer, entry, {**FIRST_DAY, "energy_import": 0.62})

    rows = await recorded(hass, HOUSE_ID, "energy_cost")
    start = midnight(15)
    assert list(rows) == list(range(start, LAST, HOUR))
    for hour, (_, total) in rows.items():
        assert total == pytest.approx(0.62 * used("1_8_0", start, hour + HOUR), abs=1e-6)


async def test_prices_of_tariffs_follow_the_tariff_registers(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    prices = {"energy_import_t1": 1.23, "energy_import_t2": 0.62, "energy_export": 0.45}
    await give_prices(hass, freezer, entry, {**FIRST_DAY, **prices})

    costs = await recorded(hass, HOUSE_ID, "energy_cost")
    compensation = await recorded(hass, HOUSE_ID, "energy_compensation")
    start = midnight(15)
    for hour in range(start, LAST, HOUR):
        end = hour + HOUR
        cost = 1.23 * used("1_8_1", start, end) + 0.62 * used("1_8_2", start, end)
        assert costs[hour][1] == pytest.approx(cost, abs=1e-6)
        assert compensation[hour][1] == pytest.approx(0.45 * used("2_8_0", start, end), abs=1e-6)


async def test_costs_are_in_the_money_of_the_home(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    await give_prices(
        hass, freezer, entry, {**FIRST_DAY, "energy_import": 0.62, "energy_export": 0.4}
    )

    listed = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    ours = {meta["statistic_id"]: meta for meta in listed if meta["source"] == "onemeter"}
    for key, name in (
        ("energy_cost", "House energy cost"),
        ("energy_compensation", "House energy compensation"),
    ):
        meta = ours[statistic_id(HOUSE_ID, key)]
        assert (meta["name"], meta["statistics_unit_of_measurement"]) == (name, "PLN")
        assert meta["unit_class"] is None


async def test_another_price_changes_the_costs_from_its_date_only(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    await give_prices(hass, freezer, entry, {**FIRST_DAY, "energy_import": 0.5})
    before = await recorded(hass, HOUSE_ID, "energy_cost")
    await give_prices(hass, freezer, entry, {**LATER_DAY, "energy_import": 0.75})
    after = await recorded(hass, HOUSE_ID, "energy_cost")

    change = midnight(20)
    assert [hour for hour in before if before[hour] != after[hour]] == [
        hour for hour in before if hour >= change
    ]
    expected = 0.5 * used("1_8_0", midnight(15), change) + 0.75 * used("1_8_0", change)
    assert after[LAST - HOUR][1] == pytest.approx(expected, abs=1e-6)


async def test_a_date_is_forgotten_when_its_prices_are_left_empty(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    await give_prices(hass, freezer, entry, {**FIRST_DAY, "energy_import": 0.5})
    before = await recorded(hass, HOUSE_ID, "energy_cost")
    await give_prices(hass, freezer, entry, {**LATER_DAY, "energy_import": 0.75})
    await give_prices(hass, freezer, entry, LATER_DAY)

    assert await recorded(hass, HOUSE_ID, "energy_cost") == before
    (subentry,) = entry.subentries.values()
    assert subentry.data["prices"] == [{"valid_from": "2026-11-15", "energy_import": 0.5}]


async def test_the_form_asks_for_what_the_meter_counts(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await entry.start_subentry_reconfigure_flow(hass, f"subentry-{HOUSE_ID}")
    assert [str(field) for field in result["data_schema"].schema] == [
        "valid_from",
        "energy_import",
        "energy_import_t1",
        "energy_import_t2",
        "energy_export",
    ]
    assert result["description_placeholders"] == {
        "device": HOUSE_ID,
        "dates": "-",
    }


async def test_the_form_keeps_tariffs_that_the_newest_reading_does_not_show(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entry: MockConfigEntry,
    empty_cloud: LocalCloud,
) -> None:
    """A meter with one tariff has come; correcting another price must not forget the old ones."""
    tariffs = {"energy_import_t1": 1.23, "energy_import_t2": 0.62}
    await give_prices(hass, freezer, entry, {**FIRST_DAY, **tariffs})
    await empty_cloud.intake.take(HOUSE_ID, [(LAST + 900, {"1_8_0": 1.0, "2_8_0": 0.5})])
    freezer.tick(timedelta(minutes=40))
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, freezer)

    result = await entry.start_subentry_reconfigure_flow(hass, f"subentry-{HOUSE_ID}")
    suggested = {
        str(field): (field.description or {}).get("suggested_value")
        for field in result["data_schema"].schema
    }
    assert suggested.items() >= tariffs.items()


async def test_prices_can_be_given_while_the_account_is_not_loaded(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    result = await entry.start_subentry_reconfigure_flow(hass, f"subentry-{HOUSE_ID}")
    assert "energy_import_t4" in [str(field) for field in result["data_schema"].schema]


def test_a_price_list_starts_at_midnight_and_knows_nothing_of_the_future() -> None:
    stored = with_prices([], date(2026, 3, 29), {"energy_import": 0.5})
    stored = with_prices(stored, date(2027, 1, 1), {"energy_import": 0.9})
    lists = price_lists(stored, WARSAW, NOW)

    start = int(datetime(2026, 3, 28, 23, tzinfo=UTC).timestamp())
    assert lists.cost == {"energy_import": (Price(start, 0.5),)}
    assert lists.compensation == {}


def test_from_tariffs_to_one_price_and_back_nothing_is_paid_twice() -> None:
    stored = with_prices([], date(2026, 3, 1), {"energy_import_t1": 1.0, "energy_import_t2": 0.5})
    stored = with_prices(stored, date(2026, 2, 1), {"energy_import": 0.8, "energy_export": 0.1})
    first, second = (int(datetime(2026, month, 1, tzinfo=WARSAW).timestamp()) for month in (2, 3))
    lists = price_lists(stored, WARSAW, NOW)

    assert lists.cost == {
        "energy_import": (Price(first, 0.8), Price(second, 0.0)),
        "energy_import_t1": (Price(first, 0.0), Price(second, 1.0)),
        "energy_import_t2": (Price(first, 0.0), Price(second, 0.5)),
    }
    assert lists.compensation == {"energy_export": (Price(first, 0.1), Price(second, 0.0))}
