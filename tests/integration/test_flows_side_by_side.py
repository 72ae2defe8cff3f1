"""Flows that are open at the same time: the second one is told, and nothing is there twice."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import SOURCE_USER
from homeassistant.data_entry_flow import FlowResultType

from custom_components.onemeter.const import DOMAIN

from .local_cloud import API_KEY, FLAT_ID, HOUSE_ID, LocalCloud

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

OTHER_KEY = "another-key-of-the-same-devices"
CREATED = (FlowResultType.CREATE_ENTRY, None)
BOTH_ORDERS = pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "crossed"])


def outcome(result: Any) -> tuple[FlowResultType, str | None]:
    """Return how a flow ended, and why if it was given up."""
    return result["type"], result.get("reason")


def device_ids(hass: HomeAssistant) -> list[str]:
    """Return the ids of all devices of all accounts, as often as they are there."""
    return sorted(
        subentry.data["device_id"]
        for entry in hass.config_entries.async_entries(DOMAIN)
        for subentry in entry.subentries.values()
    )


async def account_flow(hass: HomeAssistant, cloud: LocalCloud, key: str = API_KEY) -> str:
    """Enter an account up to the list of its devices; return the flow's id."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    account = {"api_key": key, "advanced": {"url": cloud.url}}
    result = await flow.async_configure(result["flow_id"], account)
    assert result["step_id"] == "devices"
    return result["flow_id"]


async def device_flow(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Ask for the devices that can be added to an account; return the flow's id."""
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "device"), context={"source": SOURCE_USER}
    )
    assert not result["errors"]
    return result["flow_id"]


async def pick_devices(hass: HomeAssistant, flow_id: str, *picked: str) -> Any:
    """Finish the flow of an account."""
    return await hass.config_entries.flow.async_configure(flow_id, {"devices": list(picked)})


async def pick_device(hass: HomeAssistant, flow_id: str, device_id: str) -> Any:
    """Finish the flow of a device."""
    return await hass.config_entries.subentries.async_configure(flow_id, {"device_id": device_id})


@pytest.fixture
async def other_cloud(cloud: LocalCloud) -> LocalCloud:
    """The cloud, which knows a second key of the same account."""
    await cloud.store.add_key(cloud._account, "other", OTHER_KEY)  # noqa: SLF001
    return cloud


@BOTH_ORDERS
@pytest.mark.parametrize("picked", [[HOUSE_ID], [HOUSE_ID, FLAT_ID]])
async def test_an_account_that_is_entered_twice_is_set_up_once(
    hass: HomeAssistant,
    cloud: LocalCloud,
    caplog: pytest.LogCaptureFixture,
    order: tuple[int, int],
    picked: list[str],
) -> None:
    flows = [await account_flow(hass, cloud) for _ in order]
    results = [await pick_devices(hass, flows[number], *picked) for number in order]
    await hass.async_block_till_done()

    assert [outcome(result) for result in results] == [
        CREATED,
        (FlowResultType.ABORT, "already_configured"),
    ]
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1
    assert device_ids(hass) == picked
    assert "does not generate unique IDs" not in caplog.text


async def test_an_account_that_is_finished_twice_at_one_moment_is_set_up_once(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    flows = [await account_flow(hass, cloud) for _ in range(3)]
    results = await asyncio.gather(*(pick_devices(hass, flow, HOUSE_ID) for flow in flows))
    await hass.async_block_till_done()

    assert [outcome(result) for result in results].count(CREATED) == 1
    assert device_ids(hass) == [HOUSE_ID]


@BOTH_ORDERS
async def test_two_keys_of_the_same_devices_never_share_one(
    hass: HomeAssistant, other_cloud: LocalCloud, order: tuple[int, int]
) -> None:
    flows = [await account_flow(hass, other_cloud, key) for key in (API_KEY, OTHER_KEY)]
    first, second = order
    assert outcome(await pick_devices(hass, flows[first], HOUSE_ID)) == CREATED
    result = await pick_devices(hass, flows[second], HOUSE_ID, FLAT_ID)
    await hass.async_block_till_done()

    assert outcome(result) == CREATED
    assert [subentry.unique_id for subentry in result["result"].subentries.values()] == [FLAT_ID]
    assert device_ids(hass) == [HOUSE_ID, FLAT_ID]


@BOTH_ORDERS
async def test_an_account_whose_picked_devices_are_all_taken_meanwhile_is_given_up_with_words(
    hass: HomeAssistant, other_cloud: LocalCloud, order: tuple[int, int]
) -> None:
    flows = [await account_flow(hass, other_cloud, key) for key in (API_KEY, OTHER_KEY)]
    results = [await pick_devices(hass, flows[number], HOUSE_ID) for number in order]
    await hass.async_block_till_done()

    assert [outcome(result) for result in results] == [
        CREATED,
        (FlowResultType.ABORT, "devices_added"),
    ]
    assert device_ids(hass) == [HOUSE_ID]


@BOTH_ORDERS
async def test_a_device_that_is_picked_twice_is_added_once(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    caplog: pytest.LogCaptureFixture,
    order: tuple[int, int],
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    flows = [await device_flow(hass, entry) for _ in order]
    results = [await pick_device(hass, flows[number], FLAT_ID) for number in order]
    await hass.async_block_till_done()

    assert [outcome(result) for result in results] == [
        CREATED,
        (FlowResultType.ABORT, "already_configured"),
    ]
    assert device_ids(hass) == [HOUSE_ID, FLAT_ID]
    assert "does not generate unique IDs" not in caplog.text


async def test_a_device_that_is_picked_twice_at_one_moment_is_added_once(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    flows = [await device_flow(hass, entry) for _ in range(3)]
    results = await asyncio.gather(*(pick_device(hass, flow, FLAT_ID) for flow in flows))

    assert [outcome(result) for result in results].count(CREATED) == 1
    assert device_ids(hass) == [HOUSE_ID, FLAT_ID]


async def test_an_account_takes_a_device_before_it_is_added_to_another(
    hass: HomeAssistant, other_cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(other_cloud, HOUSE_ID)
    adding = await device_flow(hass, entry)
    entering = await account_flow(hass, other_cloud, OTHER_KEY)
    assert outcome(await pick_devices(hass, entering, FLAT_ID)) == CREATED
    result = await pick_device(hass, adding, FLAT_ID)
    await hass.async_block_till_done()

    assert outcome(result) == (FlowResultType.ABORT, "already_configured")
    assert device_ids(hass) == [HOUSE_ID, FLAT_ID]


async def test_a_device_is_added_to_an_account_before_another_account_takes_it(
    hass: HomeAssistant, other_cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(other_cloud, HOUSE_ID)
    adding = await device_flow(hass, entry)
    entering = await account_flow(hass, other_cloud, OTHER_KEY)
    assert outcome(await pick_device(hass, adding, FLAT_ID)) == CREATED
    result = await pick_devices(hass, entering, FLAT_ID)
    await hass.async_block_till_done()

    assert outcome(result) == (FlowResultType.ABORT, "devices_added")
    assert device_ids(hass) == [HOUSE_ID, FLAT_ID]


async def test_an_entry_does_not_become_an_account_that_is_set_up_while_the_server_is_asked(
    hass: HomeAssistant, other_cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(other_cloud, HOUSE_ID)
    other = make_entry(other_cloud, FLAT_ID)
    hass.config_entries.async_update_entry(other, data={**other.data, "api_key": "third-key"})
    flows = [await each.start_reconfigure_flow(hass) for each in (entry, other)]
    account = {"api_key": OTHER_KEY, "advanced": {"url": other_cloud.url}}
    results = await asyncio.gather(
        *(hass.config_entries.flow.async_configure(flow["flow_id"], account) for flow in flows)
    )
    await hass.async_block_till_done()

    assert sorted(result["reason"] for result in results) == [
        "already_configured",
        "reconfigure_successful",
    ]
    keys = {each.data["api_key"] for each in hass.config_entries.async_entries(DOMAIN)}
    assert len(keys) == 2
