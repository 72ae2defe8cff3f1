"""Devices that join the account: offered by a repair, or added by themselves."""

from datetime import timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from custom_components.onemeter.const import DOMAIN
from onemeter_server.models.records import DeviceRecord

from .clockwork import PAST_THE_NEXT_POLL, live_through, pass_in_one_step
from .faults import Fault, FaultyCloud
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from tests.library.server import Request

    from .conftest import MakeEntry

SHED = DeviceRecord(id="5ba4b0f0-6c1e-4f6a-9d53-0a0a7d1f0003", name="Shed", main_register="15_8_0")
LIST = "/api/devices/"
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SEVERAL_POLLS = 2 * PAST_THE_NEXT_POLL
ADDING = {"add_new_devices": True}


def lists(request: Request) -> bool:
    """Tell whether a request asks for all devices."""
    return request.path == LIST


@pytest.fixture
async def one(empty_cloud: LocalCloud) -> LocalCloud:
    """A cloud whose account has a house."""
    await empty_cloud.add(HOUSE, HOUSE_VALUES)
    return empty_cloud


async def set_up(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    """Set an account up, and let it look at its devices for the first time."""
    assert await async_setup_component(hass, "repairs", {})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await live_through(hass, freezer, PAST_THE_NEXT_POLL, step=MINUTE)


def offers(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the issues that offer a device, by its name."""
    return {
        issue.translation_placeholders["device"]: issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active and issue.translation_key == "new_device"
    }


def devices_of(entry: MockConfigEntry) -> dict[str, str]:
    """Return the titles of an account's devices by their ids."""
    return {subentry.unique_id: subentry.title for subentry in entry.subentries.values()}


async def post(client: TestClient[Any, Any], url: str, **data: Any) -> dict[str, Any]:
    response = await client.post(url, json=data)
    assert response.status == HTTPStatus.OK
    return await response.json()


async def begin_repair(client: TestClient[Any, Any], issue: ir.IssueEntry) -> dict[str, Any]:
    """Open the dialog of an offer, as the frontend does."""
    return await post(client, "/api/repairs/issues/fix", handler=DOMAIN, issue_id=issue.issue_id)


@pytest.fixture(params=[(HOUSE_ID,), (HOUSE_ID, FLAT_ID)], ids=["device", "list"])
async def offering(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    request: pytest.FixtureRequest,
) -> MockConfigEntry:
    """An account that a shed has joined, a day ago at most."""
    entry = make_entry(cloud, *request.param)
    await set_up(hass, freezer, entry)
    await cloud.add(SHED, FLAT_VALUES)
    await live_through(hass, freezer, DAY + PAST_THE_NEXT_POLL, step=MINUTE)
    return entry


async def test_a_device_that_joins_is_offered_within_a_day_and_added_by_its_repair(
    hass: HomeAssistant,
    offering: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    before = devices_of(offering)
    issue = offers(hass)["Shed"]
    assert issue.is_fixable
    assert issue.severity is ir.IssueSeverity.WARNING
    assert issue.translation_placeholders == {"account": "Test cloud", "device": "Shed"}
    assert SHED.id not in issue.issue_id

    client = await hass_client()
    step = await begin_repair(client, issue)
    assert (step["type"], step["step_id"]) == ("form", "confirm")
    assert step["description_placeholders"] == issue.translation_placeholders
    assert devices_of(offering) == before
    result = await post(client, f"/api/repairs/issues/fix/{step['flow_id']}")
    # The poll before may have been a moment ago: then the next has to wait for its turn.
    await live_through(hass, freezer, timedelta(minutes=5), step=MINUTE)

    assert result["type"] == "create_entry"
    (subentry,) = (each for each in offering.subentries.values() if each.unique_id == SHED.id)
    assert (subentry.subentry_type, subentry.title) == ("device", "Shed")
    assert dict(subentry.data) == {"device_id": SHED.id}
    assert offering.state is ConfigEntryState.LOADED
    assert offers(hass) == {}
    assert hass.states.get("sensor.shed_absolute_energy").state == "801.5"


async def test_what_the_account_had_from_the_beginning_is_never_offered(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await set_up(hass, freezer, make_entry(cloud, HOUSE_ID))
    await live_through(hass, freezer, 2 * DAY, step=MINUTE)

    assert offers(hass) == {}


async def test_what_was_removed_by_its_owner_is_not_offered_again(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID, options=ADDING)
    await set_up(hass, freezer, entry)
    hass.config_entries.async_remove_subentry(entry, f"subentry-{FLAT_ID}")
    await live_through(hass, freezer, SEVERAL_POLLS, step=MINUTE)

    assert devices_of(entry).keys() == {HOUSE_ID}
    assert offers(hass) == {}


@pytest.mark.parametrize("ids", [(), (HOUSE_ID,), (HOUSE_ID, FLAT_ID)])
async def test_with_the_option_a_device_that_joins_is_added_by_the_next_poll(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    ids: tuple[str, ...],
) -> None:
    entry = make_entry(cloud, *ids, options=ADDING)
    await set_up(hass, freezer, entry)
    await cloud.add(SHED, FLAT_VALUES)
    cloud.requests.clear()
    await live_through(hass, freezer, PAST_THE_NEXT_POLL, step=MINUTE)

    assert devices_of(entry) == {each: each for each in ids} | {SHED.id: "Shed"}
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("sensor.shed_absolute_energy").state == "801.5"
    assert offers(hass) == {}
    assert {request.path for request in cloud.requests} == {LIST}
    assert len(cloud.requests) <= 4


async def test_what_was_offered_before_the_option_stays_offered(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    await set_up(hass, freezer, entry)
    await cloud.add(SHED, FLAT_VALUES)
    await live_through(hass, freezer, PAST_THE_NEXT_POLL, step=MINUTE)
    hass.config_entries.async_update_entry(entry, options=ADDING)
    await live_through(hass, freezer, SEVERAL_POLLS, step=MINUTE)

    assert offers(hass).keys() == {"Shed"}
    assert devices_of(entry).keys() == {HOUSE_ID, FLAT_ID}


@pytest.mark.parametrize("offering", [(HOUSE_ID, FLAT_ID)], indirect=True)
@pytest.mark.parametrize("way", ["archived", "gone", "added"])
async def test_an_offer_closes_when_the_device_is_archived_gone_or_added_otherwise(
    hass: HomeAssistant,
    cloud: LocalCloud,
    offering: MockConfigEntry,
    make_entry: MakeEntry,
    hass_client: ClientSessionGenerator,
    way: str,
) -> None:
    client = await hass_client()
    step = await begin_repair(client, offers(hass)["Shed"])
    match way:
        case "archived":
            await cloud.change(SHED, disabled=True)
        case "gone":
            await cloud.remove(SHED.id)
        case _:
            make_entry(cloud, SHED.id)
    if way != "added":
        await offering.runtime_data.coordinator.async_refresh_for_user()
        assert offers(hass) == {}
    result = await post(client, f"/api/repairs/issues/fix/{step['flow_id']}")
    assert (result["type"], result["reason"]) == ("abort", "not_offered")
    await offering.runtime_data.coordinator.async_refresh_for_user()
    assert offers(hass) == {}
    assert devices_of(offering).keys() == {HOUSE_ID, FLAT_ID}


@pytest.mark.parametrize("options", [{}, ADDING], ids=["offered", "added"])
async def test_what_is_archived_or_in_another_account_is_neither_offered_nor_added(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    options: dict[str, object],
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID, options=options)
    await set_up(hass, freezer, entry)
    garage = DeviceRecord(id="5ba4b0f0-6c1e-4f6a-9d53-0a0a7d1f0004", name="Garage", disabled=True)
    await cloud.add(garage, FLAT_VALUES)
    await hass.config_entries.async_unload(make_entry(cloud, SHED.id).entry_id)
    await cloud.add(SHED, FLAT_VALUES)
    await live_through(hass, freezer, SEVERAL_POLLS, step=MINUTE)
    assert offers(hass) == {}
    assert devices_of(entry).keys() == {HOUSE_ID, FLAT_ID}

    await cloud.change(garage, disabled=False)
    await live_through(hass, freezer, PAST_THE_NEXT_POLL, step=MINUTE)
    assert ("Garage" in offers(hass)) is not bool(options), "it is in use now"
    assert (garage.id in devices_of(entry)) is bool(options)


async def test_an_offer_that_was_ignored_stays_so_when_the_account_is_loaded_again(
    hass: HomeAssistant, one: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(one, HOUSE_ID)
    await set_up(hass, freezer, entry)
    await one.add(SHED, FLAT_VALUES)
    await live_through(hass, freezer, DAY + PAST_THE_NEXT_POLL, step=MINUTE)
    ir.async_ignore_issue(hass, DOMAIN, offers(hass)["Shed"].issue_id, ignore=True)
    await hass.config_entries.async_reload(entry.entry_id)
    await live_through(hass, freezer, SEVERAL_POLLS, step=MINUTE)
    assert offers(hass)["Shed"].dismissed_version is not None

    await one.add(FLAT, FLAT_VALUES)
    await live_through(hass, freezer, DAY + PAST_THE_NEXT_POLL, step=MINUTE)
    assert offers(hass)["Shed"].dismissed_version is not None
    assert offers(hass)["Flat"].dismissed_version is None


async def test_an_offer_is_there_again_at_once_after_a_restart(
    hass: HomeAssistant, one: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(one, HOUSE_ID)
    await set_up(hass, freezer, entry)
    await one.add(SHED, FLAT_VALUES)
    await live_through(hass, freezer, DAY + PAST_THE_NEXT_POLL, step=MINUTE)
    await hass.config_entries.async_unload(entry.entry_id)
    assert offers(hass) == {}
    await hass.config_entries.async_setup(entry.entry_id)

    assert offers(hass).keys() == {"Shed"}


async def test_one_device_asks_for_the_list_once_a_day_and_never_more_often_for_it(
    hass: HomeAssistant, one: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(one, HOUSE_ID, options={"update_interval": 15})
    await hass.config_entries.async_setup(entry.entry_id)
    await live_through(hass, freezer, 3 * DAY, step=MINUTE)

    asked = [request.at for request in one.requests]
    listed = [request.at for request in one.requests if lists(request)]
    assert len(asked) <= 3 * 96 + 1
    assert min(later - earlier for earlier, later in pairwise(asked)) >= timedelta(minutes=10)
    assert len(listed) == 3
    assert min(later - earlier for earlier, later in pairwise(listed)) >= DAY


async def test_a_list_that_cannot_be_had_costs_one_device_no_more_than_a_poll(
    hass: HomeAssistant, one: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    async with FaultyCloud.before(one) as faulty:
        faulty.only = lists
        faulty.fault = Fault.INTERNAL_ERROR
        entry = make_entry(faulty, HOUSE_ID, options={"update_interval": 15})
        await hass.config_entries.async_setup(entry.entry_id)
        for _ in range(4):
            await one.read(HOUSE_ID, {**HOUSE_VALUES, "1_8_0": 12399.5})
            await live_through(hass, freezer, timedelta(hours=6), step=MINUTE)
            assert hass.states.get("sensor.house_energy_import").state == "12399.5"

        assert sum(map(lists, faulty.requests)) == 1


async def test_nothing_is_left_of_what_was_known_when_the_account_is_removed(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    await set_up(hass, freezer, entry)
    await cloud.add(SHED, FLAT_VALUES)
    await live_through(hass, freezer, PAST_THE_NEXT_POLL, step=MINUTE)
    stored = hass_storage[f"onemeter.{entry.entry_id}.devices"]["data"]
    assert stored == {"known": [HOUSE_ID, FLAT_ID], "new": {SHED.id: "Shed"}}
    ir.async_ignore_issue(hass, DOMAIN, offers(hass)["Shed"].issue_id, ignore=True)
    await hass.config_entries.async_remove(entry.entry_id)

    assert [key for key in hass_storage if key.startswith("onemeter.")] == []
    assert ir.async_get(hass).issues == {}


async def test_several_that_join_together_are_all_added(
    hass: HomeAssistant, one: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(one, HOUSE_ID, options=ADDING)
    await set_up(hass, freezer, entry)
    await one.add(FLAT, FLAT_VALUES)
    await one.add(SHED, FLAT_VALUES)
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

    assert devices_of(entry).keys() == {HOUSE_ID, FLAT_ID, SHED.id}
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("sensor.flat_absolute_energy").state == "801.5"
    assert hass.states.get("sensor.shed_absolute_energy").state == "801.5"
