"""Taking a device out that the account has lost: from its repair, and from its page."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from custom_components.onemeter.const import DOMAIN

from .clockwork import pass_in_one_step, settle
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud
from .meters import quarters, readings, recorded
from .registry import registered_device

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry
    from pytest_homeassistant_custom_component.typing import (
        ClientSessionGenerator,
        WebSocketGenerator,
    )

    from .conftest import MakeEntry

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def entry(
    recorder_mock: None,
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> MockConfigEntry:
    """An account that had a house and a flat, and has lost the flat."""
    for component in ("repairs", "config"):
        assert await async_setup_component(hass, component, {})
    await empty_cloud.add(HOUSE, HOUSE_VALUES)
    await empty_cloud.install(FLAT, readings(quarters(NOW - HOUR, NOW), ("15_8_0",)))
    entry = make_entry(empty_cloud, HOUSE_ID, FLAT_ID)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)
    await empty_cloud.remove(FLAT_ID)
    for _ in range(6):
        await pass_in_one_step(hass, freezer, HOUR / 2)
    return entry


def gone_issue(hass: HomeAssistant) -> ir.IssueEntry:
    (issue,) = (
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.translation_key == "device_gone"
    )
    return issue


async def post(client: TestClient[Any, Any], url: str, **data: Any) -> dict[str, Any]:
    response = await client.post(url, json=data)
    assert response.status == HTTPStatus.OK
    return await response.json()


async def begin(hass: HomeAssistant, client: TestClient[Any, Any]) -> dict[str, Any]:
    """Open the dialog of the repair, as the frontend does."""
    return await post(
        client,
        "/api/repairs/issues/fix",
        handler=DOMAIN,
        issue_id=gone_issue(hass).issue_id,
    )


async def test_the_repair_asks_and_then_removes_the_device_but_not_its_history(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    history = await recorded(hass, FLAT_ID)
    client = await hass_client()
    step = await begin(hass, client)
    assert (step["type"], step["step_id"]) == ("form", "confirm")
    assert step["description_placeholders"] == {"device": "Flat"}
    assert FLAT_ID in entry.runtime_data.coordinator.subentry_ids

    result = await post(client, f"/api/repairs/issues/fix/{step['flow_id']}")
    await settle(hass, freezer)

    assert result["type"] == "create_entry"
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.coordinator.subentry_ids.keys() == {HOUSE_ID}
    assert [device.name for device in dr.async_get(hass).devices] == ["House"]
    assert hass.states.get("sensor.flat_absolute_energy") is None
    assert er.async_get(hass).async_get("sensor.flat_absolute_energy") is None
    assert [issue for domain, issue in ir.async_get(hass).issues if domain == DOMAIN] == []
    assert history
    assert await recorded(hass, FLAT_ID) == history


async def test_the_repair_removes_nothing_when_the_device_is_back_meanwhile(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    empty_cloud: LocalCloud,
    hass_client: ClientSessionGenerator,
) -> None:
    client = await hass_client()
    step = await begin(hass, client)
    await empty_cloud.add(FLAT, FLAT_VALUES)
    await entry.runtime_data.coordinator.async_refresh_for_user()

    result = await post(client, f"/api/repairs/issues/fix/{step['flow_id']}")
    assert (result["type"], result["reason"]) == ("abort", "device_is_back")
    assert entry.runtime_data.coordinator.subentry_ids.keys() == {HOUSE_ID, FLAT_ID}


async def test_the_repair_removes_nothing_twice(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    client = await hass_client()
    step = await begin(hass, client)
    hass.config_entries.async_remove_subentry(
        entry, entry.runtime_data.coordinator.subentry_ids[FLAT_ID]
    )
    await settle(hass, freezer)

    result = await post(client, f"/api/repairs/issues/fix/{step['flow_id']}")
    assert result["type"] == "abort"
    assert entry.runtime_data.coordinator.subentry_ids.keys() == {HOUSE_ID}


async def remove_from_its_page(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, device_id: str
) -> bool:
    """Remove a device as its page does; return whether that was allowed."""
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {"type": "config/device_registry/remove", "device_id": registered_device(hass, device_id)}
    )
    return (await client.receive_json())["success"]


async def test_a_device_that_the_account_has_lost_can_be_removed_from_its_page(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    assert await remove_from_its_page(hass, hass_ws_client, FLAT_ID)
    await settle(hass, freezer)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.coordinator.subentry_ids.keys() == {HOUSE_ID}
    assert [device.name for device in dr.async_get(hass).devices] == ["House"]


async def test_a_device_that_the_account_has_cannot_be_removed_from_its_page(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    assert not await remove_from_its_page(hass, hass_ws_client, HOUSE_ID)
    assert entry.runtime_data.coordinator.subentry_ids.keys() == {HOUSE_ID, FLAT_ID}


async def test_without_the_account_no_device_can_be_removed_from_its_page(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)

    assert not await remove_from_its_page(hass, hass_ws_client, FLAT_ID)
    assert len(entry.subentries) == 2
