"""Setting up an account through Home Assistant's own flows, against a real cloud."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType, InvalidData

from custom_components.onemeter.const import DOMAIN
from onemeter_server.models.records import DeviceRecord

from .local_cloud import (
    API_KEY,
    FLAT,
    FLAT_ID,
    FLAT_VALUES,
    HOUSE,
    HOUSE_ID,
    HOUSE_VALUES,
    LocalCloud,
)

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigFlowResult
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry


def account(url: str, api_key: str = API_KEY) -> dict[str, Any]:
    return {"api_key": api_key, "advanced": {"url": url}}


async def start(hass: HomeAssistant) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def enter(
    hass: HomeAssistant, result: ConfigFlowResult, user_input: dict[str, Any]
) -> ConfigFlowResult:
    return await hass.config_entries.flow.async_configure(result["flow_id"], user_input)


def choices(result: ConfigFlowResult, field: str) -> dict[str, str]:
    """Return the options of a form's selector: value to label."""
    assert result["data_schema"] is not None
    selector = result["data_schema"].schema[field]
    return {option["value"]: option["label"] for option in selector.config["options"]}


async def test_an_account_is_set_up_with_all_its_devices(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    result = await start(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")

    result = await enter(hass, result, account(cloud.url))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "devices")
    assert set(choices(result, "devices")) == {HOUSE_ID, FLAT_ID}

    preselected = result["data_schema"]({})
    assert set(preselected["devices"]) == {HOUSE_ID, FLAT_ID}
    result = await enter(hass, result, preselected)
    await hass.async_block_till_done()

    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert dict(entry.data) == {"api_key": API_KEY, "url": cloud.url}
    assert entry.title == cloud.url.removeprefix("http://").removesuffix("/api/")
    assert {
        (subentry.subentry_type, subentry.unique_id, subentry.title, subentry.data["device_id"])
        for subentry in entry.subentries.values()
    } == {("device", HOUSE_ID, "House", HOUSE_ID), ("device", FLAT_ID, "Flat", FLAT_ID)}


@pytest.mark.parametrize("picked", [[HOUSE_ID, FLAT_ID], [FLAT_ID]])
async def test_setting_up_costs_one_request(
    hass: HomeAssistant, cloud: LocalCloud, picked: list[str]
) -> None:
    result = await enter(hass, await start(hass), account(cloud.url))
    result = await enter(hass, result, {"devices": picked})
    await hass.async_block_till_done()

    assert result["result"].state is ConfigEntryState.LOADED
    assert len(result["result"].subentries) == len(picked)
    assert [request.path for request in cloud.requests] == ["/api/devices/"]


async def test_a_device_is_told_by_name_meter_and_last_reading(
    hass: HomeAssistant, empty_cloud: LocalCloud
) -> None:
    await hass.config.async_set_time_zone("Europe/Warsaw")
    await empty_cloud.add(HOUSE, {}, at=datetime.fromisoformat("2026-07-01T08:15:00Z"))
    result = await enter(hass, await start(hass), account(empty_cloud.url))

    assert choices(result, "devices") == {HOUSE_ID: "House · PAF00000001 · 2026-07-01 10:15"}


async def test_archived_devices_are_left_out(hass: HomeAssistant, cloud: LocalCloud) -> None:
    await cloud.change(FLAT, disabled=True)
    result = await enter(hass, await start(hass), account(cloud.url))

    assert set(choices(result, "devices")) == {HOUSE_ID}


async def test_a_server_without_a_path_is_asked_below_api(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    result = await enter(hass, await start(hass), account(cloud.url.removesuffix("/api/")))
    result = await enter(hass, result, {"devices": [HOUSE_ID]})

    assert result["result"].data["url"] == cloud.url


async def test_at_least_one_device_has_to_be_picked(hass: HomeAssistant, cloud: LocalCloud) -> None:
    result = await enter(hass, await start(hass), account(cloud.url))
    result = await enter(hass, result, {"devices": []})
    assert result["errors"] == {"devices": "nothing_picked"}

    result = await enter(hass, result, {"devices": [HOUSE_ID]})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_only_offered_devices_can_be_picked(hass: HomeAssistant, cloud: LocalCloud) -> None:
    result = await enter(hass, await start(hass), account(cloud.url))
    with pytest.raises(InvalidData):
        await enter(hass, result, {"devices": ["somebody-elses"]})


@pytest.mark.parametrize("key", ["wrong-key", "", "key with spaces"])
async def test_a_wrong_key_can_be_corrected(
    hass: HomeAssistant, cloud: LocalCloud, key: str
) -> None:
    result = await enter(hass, await start(hass), account(cloud.url, key))
    assert (result["step_id"], result["errors"]) == ("user", {"base": "invalid_auth"})

    result = await enter(hass, result, account(cloud.url))
    assert result["step_id"] == "devices"


async def test_a_server_that_is_not_there_can_be_corrected(
    hass: HomeAssistant, cloud: LocalCloud, unused_tcp_port: int
) -> None:
    result = await enter(hass, await start(hass), account(f"http://127.0.0.1:{unused_tcp_port}"))
    assert result["errors"] == {"base": "cannot_connect"}

    result = await enter(hass, result, account(cloud.url))
    assert result["step_id"] == "devices"


@pytest.mark.parametrize(
    "url", ["", "cloud.onemeter.com", "ftp://127.0.0.1/", "http://", "http://user:pw@127.0.0.1/"]
)
async def test_an_address_that_is_none_can_be_corrected(
    hass: HomeAssistant, cloud: LocalCloud, url: str
) -> None:
    result = await enter(hass, await start(hass), account(url))
    assert result["errors"] == {"base": "invalid_url"}
    assert cloud.requests == []

    result = await enter(hass, result, account(cloud.url))
    assert result["step_id"] == "devices"


async def test_a_server_of_something_else_is_told_from_a_cloud(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    result = await enter(hass, await start(hass), account(f"{cloud.url}elsewhere/"))

    assert result["errors"] == {"base": "invalid_response"}


async def test_a_rate_limited_account_is_told_so(hass: HomeAssistant) -> None:
    async with LocalCloud.running(rate_limit_per_minute=1) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await cloud.use_up_limit()
        result = await enter(hass, await start(hass), account(cloud.url))
        assert result["errors"] == {"base": "rate_limited"}

        # The next try keeps to what the server asked for: it is not sent.
        result = await enter(hass, result, account(cloud.url))
        assert result["errors"] == {"base": "rate_limited"}
        assert len(cloud.requests) == 1


async def test_an_account_without_devices_is_told_so(
    hass: HomeAssistant, empty_cloud: LocalCloud
) -> None:
    result = await enter(hass, await start(hass), account(empty_cloud.url))

    assert result["errors"] == {"base": "no_devices"}


async def test_an_account_is_set_up_once(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    make_entry(cloud, HOUSE_ID)
    result = await enter(hass, await start(hass), account(cloud.url))

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert cloud.requests == []


async def test_a_device_of_another_account_is_not_offered_again(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    other = make_entry(cloud, HOUSE_ID)
    hass.config_entries.async_update_entry(other, data={**other.data, "api_key": "another-key"})
    result = await enter(hass, await start(hass), account(cloud.url))

    assert set(choices(result, "devices")) == {FLAT_ID}


async def test_another_device_of_the_account_can_be_added(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    flow = hass.config_entries.subentries
    result = await flow.async_init((entry.entry_id, "device"), context={"source": SOURCE_USER})
    assert set(choices(result, "device_id")) == {FLAT_ID}

    result = await flow.async_configure(result["flow_id"], {"device_id": FLAT_ID})
    await hass.async_block_till_done()

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert {subentry.unique_id for subentry in entry.subentries.values()} == {HOUSE_ID, FLAT_ID}
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("sensor.flat_absolute_energy").state == "801.5"


async def test_without_another_device_there_is_nothing_to_add(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "device"), context={"source": SOURCE_USER}
    )

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_devices")


async def test_adding_a_device_says_why_the_account_cannot_be_asked_and_can_go_on(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await cloud.refuse_key()
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "device"), context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "invalid_auth"}

    await cloud.accept_key()
    result = await hass.config_entries.subentries.async_configure(result["flow_id"], {})
    assert not result["errors"]
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], {"device_id": FLAT_ID}
    )
    await hass.async_block_till_done()

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert {subentry.unique_id for subentry in entry.subentries.values()} == {HOUSE_ID, FLAT_ID}


async def test_removing_a_device_loads_the_account_without_it(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    assert hass.states.get("sensor.flat_absolute_energy") is not None

    hass.config_entries.async_remove_subentry(entry, f"subentry-{FLAT_ID}")
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("sensor.flat_absolute_energy") is None
    assert hass.states.get("sensor.house_energy_import").state == "12345.67"


async def test_a_refused_key_asks_for_a_new_one(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await cloud.refuse_key()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"

    await cloud.accept_key("the-new-key")
    result = await enter(hass, flow, {"api_key": "not-the-new-key"})
    assert result["errors"] == {"base": "invalid_auth"}
    result = await enter(hass, result, {"api_key": "the-new-key"})
    await hass.async_block_till_done()

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.data["api_key"] == "the-new-key"
    assert entry.state is ConfigEntryState.LOADED


async def test_the_same_key_is_taken_back_once_the_server_accepts_it(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await cloud.refuse_key()
    await hass.config_entries.async_setup(entry.entry_id)
    (flow,) = hass.config_entries.flow.async_progress()

    await cloud.accept_key()
    await enter(hass, flow, {"api_key": API_KEY})
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.LOADED


async def test_a_key_of_another_account_is_refused(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, "00000000-0000-4000-8000-000000000000")
    result = await entry.start_reauth_flow(hass)
    result = await enter(hass, result, {"api_key": API_KEY})

    assert result["errors"] == {"base": "other_account"}


async def test_an_account_can_move_to_another_server(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    async with LocalCloud.running() as new_home:
        await new_home.add(HOUSE, {**HOUSE_VALUES, "1_8_0": 12400.0})
        result = await entry.start_reconfigure_flow(hass)
        assert result["step_id"] == "reconfigure"

        result = await enter(hass, result, account("no address"))
        assert result["errors"] == {"base": "invalid_url"}
        result = await enter(hass, result, account(new_home.url))
        await hass.async_block_till_done()

        assert (result["type"], result["reason"]) == (
            FlowResultType.ABORT,
            "reconfigure_successful",
        )
        assert entry.data["url"] == new_home.url
        assert hass.states.get("sensor.house_energy_import").state == "12400.0"


@pytest.mark.parametrize("key", ["the-new-key", API_KEY])
async def test_an_account_is_loaded_once_whether_its_key_is_new_or_the_same(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, key: str
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    await cloud.refuse_key()
    await cloud.accept_key(key)
    states: list[ConfigEntryState] = []
    entry.async_on_state_change(lambda: states.append(entry.state))
    result = await entry.start_reconfigure_flow(hass)
    await enter(hass, result, account(cloud.url, key))
    await hass.async_block_till_done()

    assert states[-1] is ConfigEntryState.LOADED
    assert states.count(ConfigEntryState.LOADED) == 1


async def test_an_account_cannot_become_one_that_is_set_up_already(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    other = make_entry(cloud, FLAT_ID)
    hass.config_entries.async_update_entry(other, data={**other.data, "api_key": "another-key"})
    result = await entry.start_reconfigure_flow(hass)
    result = await enter(hass, result, account(cloud.url, "another-key"))

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_fixed_update_interval_is_an_option(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["data_schema"]({}) == {"apply_multiplier": True, "add_new_devices": False}

    for minutes in (0, 61):
        with pytest.raises(InvalidData):
            await hass.config_entries.options.async_configure(
                result["flow_id"], {"update_interval": minutes}
            )
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"update_interval": 30, "apply_multiplier": False}
    )
    await hass.async_block_till_done()

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(entry.options) == {
        "update_interval": 30,
        "apply_multiplier": False,
        "add_new_devices": False,
    }
    assert entry.state is ConfigEntryState.LOADED


async def test_an_interval_that_is_emptied_becomes_automatic_again(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID, options={"update_interval": 30})
    await hass.config_entries.async_setup(entry.entry_id)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    shown = {str(key): key.description for key in result["data_schema"].schema}
    assert shown["update_interval"] == {"suggested_value": 30}
    await hass.config_entries.options.async_configure(result["flow_id"], {"apply_multiplier": True})
    await hass.async_block_till_done()

    assert dict(entry.options) == {"apply_multiplier": True, "add_new_devices": False}
    assert entry.state is ConfigEntryState.LOADED


async def test_hundreds_of_devices_are_set_up_with_one_request(
    hass: HomeAssistant, empty_cloud: LocalCloud
) -> None:
    ids = [f"5ba4b0f0-6c1e-4f6a-9d53-{number:012x}" for number in range(100)]
    for number, device_id in enumerate(ids):
        await empty_cloud.add(
            DeviceRecord(id=device_id, name=f"Flat {number}", main_register="15_8_0"), FLAT_VALUES
        )
    result = await enter(hass, await start(hass), account(empty_cloud.url))
    result = await enter(hass, result, result["data_schema"]({}))
    await hass.async_block_till_done()

    assert len(result["result"].subentries) == 100
    assert hass.states.get("sensor.flat_99_absolute_energy").state == "801.5"
    assert len(empty_cloud.requests) == 1
