"""What Home Assistant's system information tells of the integration."""

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.components import system_health
from homeassistant.setup import async_setup_component
from yarl import URL

import custom_components.onemeter
from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.system_health import age_text

from .clockwork import pass_in_one_step, settle
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry
    from pytest_homeassistant_custom_component.typing import WebSocketGenerator

    from .conftest import MakeEntry

TEXTS = json.loads(
    Path(custom_components.onemeter.__file__)
    .with_name("translations")
    .joinpath("en.json")
    .read_text(encoding="utf-8")
)["system_health"]["info"]


async def set_up(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)


async def info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is told, as the text that people copy has it."""
    assert await async_setup_component(hass, "system_health", {})
    told: dict[str, Any] = (await system_health.get_info(hass))[DOMAIN]
    return told


@pytest.mark.usefixtures("recorder_mock")
async def test_one_account_is_told_in_full(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await set_up(hass, freezer, make_entry(cloud, HOUSE_ID))
    await pass_in_one_step(hass, freezer, timedelta(minutes=40))

    asked = len(cloud.requests)
    told = await info(hass)
    assert told == {
        "accounts": 1,
        "can_reach_server": "ok",
        "requests_last_hour": asked,
        "next_request_in": "0 s",
        "newest_reading": told["newest_reading"],
        "history_progress": "100 %",
    }
    assert told["newest_reading"] in {"40 min", "41 min"}, "the budget has its own pace"
    assert told.keys() == TEXTS.keys()
    assert asked > 0


async def test_the_spent_budget_is_told_with_the_longest_wait(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await set_up(hass, freezer, entry)
    for _ in range(2):
        await entry.runtime_data.coordinator.async_refresh_for_user()

    told = await info(hass)
    assert told["requests_last_hour"] == 3
    assert told["next_request_in"] == "60 s"
    assert "history_progress" not in told, "there is none without the recorder"


async def test_the_check_of_the_server_carries_no_key_and_costs_no_request(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hass_ws_client: WebSocketGenerator,
) -> None:
    await set_up(hass, freezer, make_entry(cloud, HOUSE_ID))
    cloud.requests.clear()
    assert await async_setup_component(hass, "system_health", {})
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "system_health/info"})
    assert (await client.receive_json())["success"]
    first = (await client.receive_json())["event"]["data"][DOMAIN]["info"]
    assert first["can_reach_server"] == {"type": "pending"}
    while (event := (await client.receive_json())["event"])["type"] != "finish":
        if event["domain"] == DOMAIN:
            assert (event["key"], event["data"]) == ("can_reach_server", "ok")

    assert [request.path for request in cloud.requests] == ["/"]
    assert (await info(hass))["requests_last_hour"] == 1


async def test_an_account_that_cannot_start_tells_that_its_server_cannot_be_reached(
    hass: HomeAssistant, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with LocalCloud.running() as cloud:
        entry = make_entry(cloud, HOUSE_ID)
    await set_up(hass, freezer, entry)

    assert await info(hass) == {
        "accounts": 1,
        "can_reach_server": "Failed: unreachable",
        "requests_last_hour": 0,
    }


@pytest.mark.usefixtures("recorder_mock")
async def test_of_several_accounts_each_server_is_told_and_the_rest_together(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with LocalCloud.running() as other:
        await other.add(FLAT, FLAT_VALUES)
        entries = [make_entry(cloud, HOUSE_ID), make_entry(other, FLAT_ID)]
        await set_up(hass, freezer, entries[0])
        freezer.tick(timedelta(minutes=2))
        asked = len(cloud.requests) + len(other.requests)
        told = await info(hass)
    names = [
        f"{TEXTS['can_reach_server']} ({URL(url).authority})" for url in (cloud.url, other.url)
    ]

    assert [told[name] for name in names] == ["ok", "ok"]
    assert "can_reach_server" not in told
    assert told["accounts"] == 2
    assert told["requests_last_hour"] == asked
    assert told["history_progress"] == "100 %"
    assert set(names) == {name for name in told if "127.0.0.1" in name}


async def test_the_newest_of_all_readings_is_told(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await empty_cloud.add(HOUSE, HOUSE_VALUES)
    freezer.tick(timedelta(hours=30))
    await empty_cloud.add(FLAT, FLAT_VALUES)
    freezer.tick(timedelta(hours=5))
    await set_up(hass, freezer, make_entry(empty_cloud, HOUSE_ID, FLAT_ID))

    assert (await info(hass))["newest_reading"] == "5 h 0 min"


async def test_without_an_account_there_is_nothing_to_reach(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    assert await info(hass) == {"accounts": 0, "requests_last_hour": 0}


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "0 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h 0 min"),
        (timedelta(hours=23, minutes=59), "23 h 59 min"),
        (timedelta(days=2, hours=3, minutes=4), "2 d 3 h"),
        (timedelta(minutes=-5), "0 min"),
    ],
)
def test_an_age_is_told_in_two_units(age: timedelta, text: str) -> None:
    assert age_text(age) == text
