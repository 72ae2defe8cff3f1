"""Entries of older versions, and of other integrations of this domain, become accounts."""

import logging
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from homeassistant import loader
from homeassistant.bootstrap import DATA_REGISTRIES_LOADED
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import category_registry as cr
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers import frame
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers import label_registry as lr
from homeassistant.helpers import restore_state as rs
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    get_system_health_info,
)

from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.counterparts import counterpart
from custom_components.onemeter.diagnostics import async_get_config_entry_diagnostics

from .clockwork import PAST_THE_NEXT_POLL, pass_in_one_step
from .local_cloud import API_KEY, FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry
    from .local_cloud import LocalCloud

NEXT_KEY = "invented-key-of-another-account"

# What others call their sensors: by words, and by numbers in the order of a list.
WORDS: Final = {
    "energy_plus": "12345.67",
    "energy_plus_t2": "4345.5",
    "energy_minus": "120.25",
    "energy_abs": "12465.92",
    "power": "0.41",
    "battery_voltage": "2.83",
    "meter_serial": "11722779",
    "tariff": "G12w",
}
NUMBERS: Final = {"0": "1.9.0", "1": "2026-11-23T10:05:00+00:00", "3": "12465.92"}
WITHOUT_COUNTERPART: Final = ("ir_power", "baud_rate", "6")

BLUETOOTH: Final = {"address": "00:00:5E:00:53:01", "mob_key": "SECRET-MOB-KEY", "iv": "SECRET-IV"}
MQTT: Final = {"device_id": "om0001", "mac": "00005E005301", "topic": "onemeter/s10/v1"}
OWN_BROKER: Final = {"mqtt_broker": "127.0.0.1", "mqtt_user": "u", "mqtt_pass": "SECRET-PASSWORD"}
UNKNOWN: Final = {
    "bluetooth": BLUETOOTH,
    "MQTT": MQTT,
    "MQTT with a key": {**MQTT, "api_key": "SECRET-KEY"},
    "a broker of its own": OWN_BROKER,
    "a user": {"username": "SECRET-USER", "password": "SECRET-PASSWORD"},
    "no device": {"api_key": "SECRET-KEY", "name": "House"},
    "a device of no name": {"api_key": "SECRET-KEY", "device_id": " ", "name": "House"},
    "a device that is a number": {"api_key": "SECRET-KEY", "device_id": 7, "name": "House"},
    "a device with a server": {"api_key": "SECRET-KEY", "device_id": HOUSE_ID, "url": "x"},
    "nothing": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """An entry of another integration, with what it has in Home Assistant's registries."""

    entry: MockConfigEntry
    device: str
    entities: dict[str, str]
    """The ids of its entities, by its own keys."""


@pytest.fixture
async def cloud(empty_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """The vendor's cloud, with a house and a flat."""
    monkeypatch.setattr(
        "custom_components.onemeter.migration.DEFAULT_BASE_URL", f"{empty_cloud.url}"
    )
    await empty_cloud.add(HOUSE, HOUSE_VALUES)
    await empty_cloud.add(FLAT, FLAT_VALUES)
    return empty_cloud


def foreign(
    hass: HomeAssistant,
    device_id: str = HOUSE_ID,
    *,
    keys: Iterable[str] = WORDS,
    by_entry: bool = False,
    options: dict[str, Any] | None = None,
    disabled_by: ConfigEntryDisabler | None = None,
    **data: Any,
) -> Foreign:
    """Make an entry as others do; its device is named by the device's id or by the entry's."""
    name = "House" if device_id == HOUSE_ID else "Flat"
    entry = MockConfigEntry(
        domain=DOMAIN,
        version=1,
        title=f"Old {name}",
        unique_id=None if by_entry else device_id,
        data={"api_key": API_KEY, "device_id": device_id, "name": f"My {name}"} | data,
        options=options or {},
        disabled_by=disabled_by,
    )
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id if by_entry else device_id)},
        connections={("mac", "00:00:5E:00:53:01")},
        entry_type=dr.DeviceEntryType.SERVICE,
        manufacturer="OneMeter",
        name="OneMeter Energy Monitor",
    )
    entities = {
        key: er.async_get(hass)
        .async_get_or_create(
            "sensor",
            DOMAIN,
            f"{entry.entry_id}_{key}",
            config_entry=entry,
            device_id=device.id,
            suggested_object_id=f"old_{name}_{key}",
            original_name=key,
        )
        .entity_id
        for key in keys
    }
    return Foreign(entry=entry, device=device.id, entities=entities)


async def set_up(hass: HomeAssistant, *entries: ConfigEntry) -> None:
    """Set up entries one after the other, or all at once as at a start."""
    if not entries:
        assert await async_setup_component(hass, DOMAIN, {})
    for entry in entries:
        await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


def account(hass: HomeAssistant) -> ConfigEntry:
    """Return the only entry that there is."""
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    return entry


def device_ids(entry: ConfigEntry) -> list[str]:
    return [subentry.data["device_id"] for subentry in entry.subentries.values()]


def states(hass: HomeAssistant, old: Foreign) -> dict[str, str]:
    """Return what the entities of a foreign entry show, by its keys."""
    return {
        key: state.state
        for key, entity_id in old.entities.items()
        if (state := hass.states.get(entity_id)) is not None
    }


def assert_nothing_is_left(hass: HomeAssistant) -> None:
    """Look whether all that the registries hold is of a device of an account."""
    entries = {entry.entry_id: entry for entry in hass.config_entries.async_entries(DOMAIN)}
    devices = {device.id: device for device in dr.async_get(hass).devices}
    for device in devices.values():
        subentry = entries[device.config_entry_id].subentries[device.config_subentry_id or ""]
        assert device.identifiers == {(DOMAIN, subentry.data["device_id"])}
    for entity in er.async_get(hass).entities.values():
        subentry = entries[entity.config_entry_id or ""].subentries[entity.config_subentry_id or ""]
        assert entity.unique_id.startswith(f"{subentry.data['device_id']}_")
        device = devices[entity.device_id or ""]
        assert device.config_subentry_id == subentry.subentry_id


def assert_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """Look whether all that was logged is in words; Home Assistant's details are for debugging.

    From 2026.11 on Home Assistant itself raises and logs an error for an entry that is refused.
    """
    raised = [
        record.getMessage()
        for record in caplog.records
        if record.levelno > logging.DEBUG
        and record.exc_info
        and not isinstance(record.exc_info[1], ConfigEntryError)
    ]
    assert raised == []


@asynccontextmanager
async def started() -> AsyncIterator[HomeAssistant]:
    """Start Home Assistant from what is stored; at the end it is stopped, and all is stored."""
    async with async_test_home_assistant(
        load_registries=False, initial_state=CoreState.not_running
    ) as hass:
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        frame.async_setup(hass)
        dr.async_setup(hass)
        for registry in (ar, cr, dr, er, fr, ir, lr, rs):
            await registry.async_load(hass)
        hass.data[DATA_REGISTRIES_LOADED] = None
        await hass.config_entries.async_initialize()
        hass.set_state(CoreState.starting)
        try:
            yield hass
        finally:
            for entry in hass.config_entries.async_loaded_entries(DOMAIN):
                await hass.config_entries.async_unload(entry.entry_id)
            await hass.async_stop(force=True)


# One entry


@pytest.mark.parametrize(
    ("by_entry", "shown", "data"),
    [
        (False, WORDS, {"refresh_interval": 15}),
        (True, NUMBERS, {"device_name": "My House", "name": "", "scan_interval": 900}),
    ],
    ids=["by words", "by numbers"],
)
async def test_an_entry_of_a_device_becomes_an_account_whose_entities_go_on(
    hass: HomeAssistant,
    cloud: LocalCloud,
    by_entry: bool,  # noqa: FBT001
    shown: dict[str, str],
    data: dict[str, Any],
) -> None:
    old = foreign(hass, by_entry=by_entry, keys=(*shown, *WITHOUT_COUNTERPART), **data)
    await set_up(hass)

    entry = account(hass)
    assert entry.entry_id == old.entry.entry_id
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.version, entry.minor_version, entry.unique_id) == (2, 1, None)
    assert (entry.data, entry.options) == ({"api_key": API_KEY, "url": cloud.url}, {})
    (subentry,) = entry.subentries.values()
    assert (subentry.subentry_type, subentry.unique_id) == ("device", HOUSE_ID)
    assert (subentry.title, subentry.data) == ("My House", {"device_id": HOUSE_ID})
    assert states(hass, old) == shown
    assert_nothing_is_left(hass)


async def test_an_account_is_called_as_one_that_was_just_set_up(hass: HomeAssistant) -> None:
    foreign(hass, api_key="")
    await set_up(hass)

    entry = account(hass)
    assert (entry.title, entry.data["url"]) == (
        "OneMeter Cloud",
        "https://cloud.onemeter.com/api/",
    )


async def test_the_owner_s_settings_of_entities_stay(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    old = foreign(hass)
    entities = er.async_get(hass)
    entities.async_update_entity(old.entities["energy_plus"], name="Mine", icon="mdi:home")
    entities.async_update_entity(
        old.entities["energy_abs"], disabled_by=er.RegistryEntryDisabler.USER
    )
    await set_up(hass)

    mine = entities.async_get(old.entities["energy_plus"])
    assert mine is not None
    assert (mine.name, mine.icon, mine.unique_id) == ("Mine", "mdi:home", f"{HOUSE_ID}_1_8_0")
    disabled = entities.async_get(old.entities["energy_abs"])
    assert disabled is not None
    assert disabled.disabled_by is er.RegistryEntryDisabler.USER
    assert hass.states.get(old.entities["energy_abs"]) is None


@pytest.mark.parametrize("by_entry", [False, True])
async def test_the_device_stays_with_its_area_its_name_and_its_labels(
    hass: HomeAssistant,
    cloud: LocalCloud,
    by_entry: bool,  # noqa: FBT001
) -> None:
    old = foreign(hass, by_entry=by_entry)
    devices = dr.async_get(hass)
    devices.async_update_device(
        old.device, area_id="cellar", labels={"meters"}, name_by_user="Mine"
    )
    await set_up(hass)

    (device,) = devices.devices
    assert (device.id, device.identifiers) == (old.device, {(DOMAIN, HOUSE_ID)})
    assert (device.area_id, device.labels, device.name_by_user) == ("cellar", {"meters"}, "Mine")
    assert (device.name, device.entry_type, device.connections) == ("House", None, set())
    assert_nothing_is_left(hass)


async def test_of_several_old_devices_one_stays_with_what_was_set_of_all(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    old = foreign(hass)
    devices = dr.async_get(hass)
    other = devices.async_get_or_create(
        config_entry_id=old.entry.entry_id, identifiers={(DOMAIN, old.entry.entry_id)}
    )
    devices.async_update_device(old.device, labels={"meters"}, name_by_user="Mine")
    devices.async_update_device(
        other.id, area_id="cellar", labels={"old"}, name_by_user="Not this one"
    )
    await set_up(hass)

    (device,) = devices.devices
    assert device.id == old.device
    assert (device.area_id, device.labels) == ("cellar", {"meters", "old"})
    assert device.name_by_user == "Mine"
    assert states(hass, old) == WORDS


async def test_of_two_entities_that_mean_the_same_the_one_in_use_stays(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    old = foreign(hass, keys=("1_8_0", "energy_plus"))
    er.async_get(hass).async_update_entity(
        old.entities["1_8_0"], disabled_by=er.RegistryEntryDisabler.USER
    )
    await set_up(hass)

    assert states(hass, old) == {"energy_plus": "12345.67"}
    assert er.async_get(hass).async_get(old.entities["1_8_0"]) is None
    assert_nothing_is_left(hass)


async def test_entities_that_are_named_by_the_device_or_are_no_sensors(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    old = foreign(hass, keys=())
    entities = er.async_get(hass)
    kept = entities.async_get_or_create(
        "sensor", DOMAIN, f"{HOUSE_ID}_1_8_0", config_entry=old.entry, suggested_object_id="kept"
    )
    for domain, unique_id in (
        ("button", f"{old.entry.entry_id}_power"),
        ("sensor", "something"),
    ):
        entities.async_get_or_create(domain, DOMAIN, unique_id, config_entry=old.entry)
    await set_up(hass)

    assert hass.states.get(kept.entity_id).state == "12345.67"
    assert_nothing_is_left(hass)


async def test_an_entry_that_never_worked_becomes_an_account_too(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN, title=API_KEY, data={"api_key": f" {API_KEY} ", "device_id": f" {HOUSE_ID} "}
    )
    entry.add_to_hass(hass)
    await set_up(hass)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["api_key"] == API_KEY
    (subentry,) = entry.subentries.values()
    assert (subentry.title, subentry.data) == (HOUSE_ID, {"device_id": HOUSE_ID})
    assert hass.states.get("sensor.house_energy_import").state == "12345.67"


async def test_a_device_that_the_account_has_lost_keeps_its_entities(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    old = foreign(hass)
    await cloud.remove(HOUSE_ID)
    await set_up(hass)

    assert account(hass).state is ConfigEntryState.LOADED
    assert all(er.async_get(hass).async_get(entity_id) for entity_id in old.entities.values())
    assert_nothing_is_left(hass)


@pytest.mark.parametrize("key", ["", "  ", None, "two words", "ключ", 0, ["a"], {"a": 1}, True])
async def test_a_key_that_is_none_is_asked_for(
    hass: HomeAssistant, cloud: LocalCloud, key: Any, caplog: pytest.LogCaptureFixture
) -> None:
    old = foreign(hass, api_key=key)
    await set_up(hass)

    entry = account(hass)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key in {"invalid_key", "key_refused_with_words"}
    assert_no_traceback(caplog)
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH

    await hass.config_entries.flow.async_configure(flow["flow_id"], {"api_key": API_KEY})
    await hass.async_block_till_done()
    assert states(hass, old) == WORDS


# Intervals

INTERVALS: Final = [
    ({}, None),
    ({"refresh_interval": 1}, 1),
    ({"refresh_interval": 5}, 5),
    ({"refresh_interval": 15}, None),  # what the other integration takes by itself
    ({"refresh_interval": 900}, None),
    ({"refresh_interval": 300}, 5),
    ({"refresh_interval": 86400}, 60),
    ({"refresh_interval": "5"}, 5),
    ({"scan_interval": 30}, 1),
    ({"scan_interval": 60}, 1),
    ({"scan_interval": 90}, 2),
    ({"scan_interval": 300}, 5),
    ({"scan_interval": 900}, None),
    ({"scan_interval": 3600}, 60),
    ({"scan_interval": 86400}, 60),
    ({"scan_interval": 5}, 5),
    ({"scan_interval": 15}, None),
    ({"scan_interval": 0}, None),
    ({"scan_interval": -5}, None),
    ({"scan_interval": 1e300}, 60),
    ({"scan_interval": float("nan")}, None),
    ({"refresh_interval": "often"}, None),
    ({"refresh_interval": None, "scan_interval": 300}, 5),
]


@pytest.mark.parametrize(("stored", "minutes"), INTERVALS)
async def test_an_interval_that_was_chosen_becomes_whole_minutes(
    hass: HomeAssistant, stored: dict[str, Any], minutes: int | None
) -> None:
    foreign(hass, api_key="", **stored)
    await set_up(hass)

    expected = {} if minutes is None else {"update_interval": minutes}
    assert account(hass).options == expected


async def test_an_interval_among_the_options_counts_more(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    foreign(hass, refresh_interval=1, options={"refresh_interval": 5})
    await set_up(hass)

    assert account(hass).options == {"update_interval": 5}


@pytest.mark.parametrize("swapped", [False, True])
async def test_of_the_intervals_of_several_entries_the_shortest_counts_in_any_order(
    hass: HomeAssistant,
    cloud: LocalCloud,
    swapped: bool,  # noqa: FBT001
) -> None:
    for device_id, minutes in sorted({HOUSE_ID: 15, FLAT_ID: 5}.items(), reverse=swapped):
        foreign(hass, device_id, refresh_interval=minutes)
    foreign(hass, "a-third", scan_interval=600)
    await set_up(hass)

    assert account(hass).options == {"update_interval": 5}


# Several entries


@pytest.mark.parametrize("swapped", [False, True])
async def test_entries_of_one_key_become_one_account(
    hass: HomeAssistant,
    cloud: LocalCloud,
    swapped: bool,  # noqa: FBT001
) -> None:
    house_first = [(HOUSE_ID, WORDS, False), (FLAT_ID, ("3", "battery"), True)]
    made = {
        device_id: foreign(hass, device_id, keys=keys, by_entry=by_entry)
        for device_id, keys, by_entry in house_first[:: -1 if swapped else 1]
    }
    await set_up(hass)

    entry = account(hass)
    assert entry.entry_id == next(iter(made.values())).entry.entry_id, "the first stays"
    assert device_ids(entry) == list(made)
    assert entry.state is ConfigEntryState.LOADED
    assert states(hass, made[HOUSE_ID]) == WORDS
    assert states(hass, made[FLAT_ID]) == {"3": "801.5", "battery": "54.0"}
    assert {device.id for device in dr.async_get(hass).devices} == {
        made[HOUSE_ID].device,
        made[FLAT_ID].device,
    }
    assert_nothing_is_left(hass)


@pytest.mark.parametrize("swapped", [False, True])
async def test_entries_that_are_set_up_one_after_the_other_become_one_account(
    hass: HomeAssistant,
    cloud: LocalCloud,
    swapped: bool,  # noqa: FBT001
) -> None:
    await set_up(hass)
    house, flat = foreign(hass, keys=WORDS), foreign(hass, FLAT_ID, keys=("energy_abs",))
    order = [house, flat][:: -1 if swapped else 1]
    await set_up(hass, *(old.entry for old in order))

    entry = account(hass)
    assert entry.entry_id == order[0].entry.entry_id
    assert states(hass, house) == WORDS
    assert states(hass, flat) == {"energy_abs": "801.5"}
    assert_nothing_is_left(hass)


async def test_one_request_at_a_start_is_enough_for_many_entries(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    ids = [HOUSE_ID, FLAT_ID, *(f"lost-{number}" for number in range(5))]
    for device_id in ids:
        foreign(hass, device_id)
    await set_up(hass)

    assert device_ids(account(hass)) == ids
    assert [request.path for request in cloud.requests] == ["/api/devices/"]


async def test_entries_of_different_keys_stay_different_accounts(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    await cloud.accept_key(NEXT_KEY, "next")
    house, flat = foreign(hass), foreign(hass, FLAT_ID, keys=("energy_abs",), api_key=NEXT_KEY)
    await set_up(hass)

    assert len(hass.config_entries.async_entries(DOMAIN)) == 2
    assert {device_ids(old.entry)[0] for old in (house, flat)} == {HOUSE_ID, FLAT_ID}
    assert states(hass, house) == WORDS
    assert states(hass, flat) == {"energy_abs": "801.5"}
    assert_nothing_is_left(hass)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("version", [1, 2])
async def test_a_device_joins_the_account_of_its_key(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    at_once: bool,  # noqa: FBT001
    version: int,
) -> None:
    ours = make_entry(cloud, HOUSE_ID, options={"update_interval": 30})
    hass.config_entries.async_update_entry(ours, version=version)
    if not at_once:
        await set_up(hass)
        assert ours.state is ConfigEntryState.LOADED
    flat = foreign(hass, FLAT_ID, keys=("energy_abs",), refresh_interval=1)
    await set_up(hass, *([] if at_once else [flat.entry]))
    if not at_once:
        await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

    assert account(hass) is ours
    assert ours.version == 2
    assert ours.options == {"update_interval": 30}, "an account keeps what was set here"
    assert device_ids(ours) == [HOUSE_ID, FLAT_ID]
    assert states(hass, flat) == {"energy_abs": "801.5"}
    assert hass.states.get("sensor.house_energy_import").state == "12345.67"
    assert_nothing_is_left(hass)


async def test_a_device_joins_an_account_that_is_just_being_set_up(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await set_up(hass)
    ours = make_entry(cloud, HOUSE_ID)
    setting_up = hass.async_create_task(hass.config_entries.async_setup(ours.entry_id))
    flat = foreign(hass, FLAT_ID, keys=("energy_abs",))
    await hass.config_entries.async_setup(flat.entry.entry_id)
    assert ours.state is ConfigEntryState.SETUP_IN_PROGRESS
    await setting_up
    await hass.async_block_till_done()
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)

    assert account(hass) is ours
    assert states(hass, flat) == {"energy_abs": "801.5"}
    assert_nothing_is_left(hass)


async def test_a_device_does_not_join_the_account_of_another_server(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    ours = make_entry(cloud, HOUSE_ID)
    hass.config_entries.async_update_entry(
        ours, data={"api_key": API_KEY, "url": cloud.url.replace("127.0.0.1", "localhost")}
    )
    flat = foreign(hass, FLAT_ID, keys=("energy_abs",))
    await set_up(hass)

    assert (device_ids(ours), device_ids(flat.entry)) == ([HOUSE_ID], [FLAT_ID])


async def test_what_an_account_has_of_a_device_already_stays(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    ours = make_entry(cloud, HOUSE_ID)
    await set_up(hass)
    old = foreign(hass, keys=("energy_plus", "meter_error"), api_key=NEXT_KEY)
    dr.async_get(hass).async_update_device(old.device, area_id="cellar")
    await set_up(hass, old.entry)

    assert account(hass) is ours
    assert device_ids(ours) == [HOUSE_ID]
    assert hass.states.get("sensor.house_energy_import").state == "12345.67"
    assert er.async_get(hass).async_get(old.entities["energy_plus"]) is None
    (device,) = dr.async_get(hass).devices
    assert device.area_id == "cellar"
    assert_nothing_is_left(hass)


async def test_our_own_entries_get_the_number_of_the_version_and_nothing_else(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    ours = make_entry(cloud, HOUSE_ID, FLAT_ID, options={"update_interval": 7})
    hass.config_entries.async_update_entry(ours, version=1)
    before = ours.as_dict()
    await set_up(hass)

    changed = {"version", "modified_at"}
    assert ours.state is ConfigEntryState.LOADED
    assert ours.version == 2
    assert {key: value for key, value in ours.as_dict().items() if key not in changed} == {
        key: value for key, value in before.items() if key not in changed
    }


async def test_an_entry_of_a_later_minor_version_is_used_as_it_is(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    ours = make_entry(cloud, HOUSE_ID)
    hass.config_entries.async_update_entry(ours, minor_version=5)
    await set_up(hass)

    assert ours.state is ConfigEntryState.LOADED
    assert (ours.version, ours.minor_version) == (2, 5)


# Disabled entries


@pytest.mark.parametrize("first_is_disabled", [False, True])
async def test_a_disabled_entry_waits_until_it_is_enabled(
    hass: HomeAssistant,
    cloud: LocalCloud,
    freezer: FrozenDateTimeFactory,
    first_is_disabled: bool,  # noqa: FBT001
) -> None:
    disabled = {HOUSE_ID: first_is_disabled, FLAT_ID: not first_is_disabled}
    made = {
        device_id: foreign(
            hass,
            device_id,
            keys=("energy_abs",),
            disabled_by=ConfigEntryDisabler.USER if disabled[device_id] else None,
        )
        for device_id in (HOUSE_ID, FLAT_ID)
    }
    (waiting,) = (made[device_id] for device_id in made if disabled[device_id])
    (running,) = (made[device_id] for device_id in made if not disabled[device_id])
    stored = dict(waiting.entry.data)
    await set_up(hass)

    assert waiting.entry.version == 1
    assert waiting.entry.data == stored
    assert len(states(hass, running)) == 1

    await hass.config_entries.async_set_disabled_by(waiting.entry.entry_id, None)
    await hass.async_block_till_done()
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
    assert account(hass) is running.entry
    assert states(hass, made[HOUSE_ID]) == {"energy_abs": "12465.92"}
    assert states(hass, made[FLAT_ID]) == {"energy_abs": "801.5"}
    assert_nothing_is_left(hass)


@pytest.mark.parametrize("at_once", [False, True])
async def test_an_account_that_was_disabled_runs_for_the_device_that_joins(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    at_once: bool,  # noqa: FBT001
) -> None:
    ours = make_entry(cloud, HOUSE_ID)
    ours.disabled_by = ConfigEntryDisabler.USER
    if not at_once:
        await set_up(hass)
    flat = foreign(hass, FLAT_ID, keys=("energy_abs",))
    await set_up(hass, *([] if at_once else [flat.entry]))

    assert account(hass) is ours
    assert ours.state is ConfigEntryState.LOADED
    assert states(hass, flat) == {"energy_abs": "801.5"}
    assert hass.states.get("sensor.house_energy_import").state == "12345.67"
    assert_nothing_is_left(hass)


# Home Assistant stops in the middle


ENTRIES: Final = "core.config_entries"
REGISTRIES: Final = ("core.device_registry", "core.entity_registry")

type Stored = dict[str, Any]


@pytest.fixture
async def before(hass: HomeAssistant, cloud: LocalCloud, hass_storage: Stored) -> Stored:
    """What is stored before two entries become an account."""
    async with started() as first:
        for device_id, by_entry in ((HOUSE_ID, False), (FLAT_ID, True)):
            old = foreign(first, device_id, keys=("energy_abs", "ir_power"), by_entry=by_entry)
            first.config_entries.async_update_entry(old.entry, title="Old")  # is stored then
    return deepcopy(hass_storage)


@pytest.fixture
async def after(before: Stored, hass_storage: Stored, freezer: FrozenDateTimeFactory) -> Stored:
    """What is stored after two entries have become an account."""
    async with started() as second:
        await come_up(second, freezer)
        assert_both_go_on(second)
    return deepcopy(hass_storage)


async def come_up(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Set all up as at a start, and let Home Assistant clean its registries after it."""
    await set_up(hass)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await pass_in_one_step(hass, freezer, timedelta(seconds=15))


def assert_both_go_on(hass: HomeAssistant) -> None:
    entry = account(hass)
    assert device_ids(entry) == [HOUSE_ID, FLAT_ID]
    assert {
        entity_id: state.state
        for entity_id in ("sensor.old_house_energy_abs", "sensor.old_flat_energy_abs")
        if (state := hass.states.get(entity_id)) is not None
    } == {"sensor.old_house_energy_abs": "12465.92", "sensor.old_flat_energy_abs": "801.5"}
    assert len(dr.async_get(hass).devices) == 2
    assert_nothing_is_left(hass)


async def test_an_account_goes_on_after_a_restart(
    after: Stored, freezer: FrozenDateTimeFactory
) -> None:
    async with started() as hass:
        await come_up(hass, freezer)
        assert_both_go_on(hass)


@pytest.mark.parametrize("lost", [(ENTRIES,), REGISTRIES, *((name,) for name in REGISTRIES)])
async def test_whichever_file_was_not_written_before_the_power_went_off(
    before: Stored,
    after: Stored,
    hass_storage: Stored,
    freezer: FrozenDateTimeFactory,
    lost: tuple[str, ...],
) -> None:
    hass_storage.update({name: before[name] for name in lost})
    async with started() as hass:
        await come_up(hass, freezer)
        assert_both_go_on(hass)


@pytest.mark.parametrize("lost", [(), REGISTRIES])
async def test_only_the_first_entry_was_done_before_the_power_went_off(
    before: Stored,
    after: Stored,
    hass_storage: Stored,
    freezer: FrozenDateTimeFactory,
    lost: tuple[str, ...],
) -> None:
    (first,) = after[ENTRIES]["data"]["entries"]
    _, second = before[ENTRIES]["data"]["entries"]
    (_, joined) = first["subentries"]
    assert joined["subentry_id"] == second["entry_id"]
    hass_storage[ENTRIES]["data"]["entries"] = [
        first | {"subentries": first["subentries"][:1]},
        second,
    ]
    hass_storage.update({name: before[name] for name in lost})
    async with started() as hass:
        await come_up(hass, freezer)
        assert_both_go_on(hass)


async def test_the_second_entry_was_not_removed_before_the_power_went_off(
    before: Stored, after: Stored, hass_storage: Stored, freezer: FrozenDateTimeFactory
) -> None:
    hass_storage[ENTRIES]["data"]["entries"].append(before[ENTRIES]["data"]["entries"][1])
    async with started() as hass:
        await come_up(hass, freezer)
        assert_both_go_on(hass)


# What other integrations store


@pytest.mark.parametrize(
    ("foreign_key", "key"),
    [
        ("energy_plus", "1_8_0"),
        ("energy_plus_t1", "1_8_1"),
        ("energy_minus_t4", "2_8_4"),
        ("energy_r1_t2", "5_8_2"),
        ("energy_r4", "8_8_0"),
        ("energy_abs", "15_8_0"),
        ("energy", "15_8_0"),
        ("energy_phase1", "15_8_1"),
        ("power", "16_7_0"),
        ("voltage", "S_1_1_2"),
        ("battery_level", "battery"),
        ("battery_percentage", "battery"),
        ("this_month", "usage_this_month"),
        ("thisMonth", "usage_this_month"),
        ("previous_month", "usage_previous_month"),
        ("usage_previous_month", "usage_previous_month"),
        ("firmware_version", "firmware"),
        ("last_update", "last_reading"),
        ("physical_address", "0_0_0"),
        ("optical_port_serial", "C_90_1"),
        ("device_status", "S_1_1_16"),
        ("failed_readings_2", "S_1_1_19"),
        ("reader_temperature", "S_1_1_9"),
        ("voltage_phase_2", "52_7_0"),
        ("1_8_0", "1_8_0"),
        ("1.8.0", "1_8_0"),
        ("1-0:1.8.0", "1_8_0"),
        ("obis_15_8_0", "15_8_0"),
        ("s_1_1_2", "S_1_1_2"),
        ("S_1_2_0", "S_1_2_0"),
        ("f_f_0", "F_F_0"),
        ("5", "usage_previous_month"),
        ("6", None),
        ("ir_power", None),
        ("last_api_refresh", None),
        ("", None),
    ],
)
def test_a_key_means_one_of_ours_or_none(foreign_key: str, key: str | None) -> None:
    assert counterpart(foreign_key) == key


@pytest.mark.parametrize("data", UNKNOWN.values(), ids=UNKNOWN)
async def test_an_entry_of_a_kind_that_is_not_known_is_left_as_it_is_and_told(
    hass: HomeAssistant, data: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=1, title="Garage", data=data, options={"a": 1})
    entry.add_to_hass(hass)
    before = entry.as_dict()
    await set_up(hass)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert entry.as_dict() == before
    (line,) = [record for record in caplog.records if "onemeter" in record.name]
    assert "another integration" in line.getMessage()
    assert_no_traceback(caplog)
    assert "SECRET" not in caplog.text
    ((key, issue),) = ir.async_get(hass).issues.items()
    assert key == (DOMAIN, f"{entry.entry_id}_foreign_entry")
    assert issue.translation_placeholders == {"entry": "Garage"}
    assert not issue.is_fixable

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert ir.async_get(hass).issues == {}


async def test_entries_that_are_not_known_do_not_disturb_the_others(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    for number, data in enumerate(UNKNOWN.values()):
        MockConfigEntry(domain=DOMAIN, version=1, title=str(number), data=data).add_to_hass(hass)
    old = foreign(hass)
    await set_up(hass)

    assert states(hass, old) == WORDS


async def test_the_message_goes_away_when_the_entry_is_recognised(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    old = foreign(hass, mac="00005E005301")
    await set_up(hass)
    assert len(ir.async_get(hass).issues) == 1

    hass.config_entries.async_update_entry(
        old.entry, data={"api_key": API_KEY, "device_id": HOUSE_ID}
    )
    await hass.config_entries.async_retry_migration(old.entry.entry_id)
    await hass.async_block_till_done()
    assert ir.async_get(hass).issues == {}
    assert states(hass, old) == WORDS


async def test_an_unknown_entry_of_our_version_is_told_as_well(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=2, title="Garage", data=BLUETOOTH)
    entry.add_to_hass(hass)
    await set_up(hass)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.data == BLUETOOTH
    assert len(ir.async_get(hass).issues) == 1
    assert_no_traceback(caplog)


async def test_an_entry_of_a_newer_version_is_refused(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=3, data=BLUETOOTH)
    entry.add_to_hass(hass)
    await set_up(hass)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert entry.data == BLUETOOTH


async def test_nothing_can_be_changed_of_an_entry_that_is_not_known(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=1, data=BLUETOOTH)
    entry.add_to_hass(hass)
    await set_up(hass)

    result = await entry.start_reconfigure_flow(hass)
    assert (result["type"], result["reason"]) == ("abort", "foreign_entry")
    assert not entry.supports_options
    assert entry.supported_subentry_types == {}


async def test_diagnostics_and_system_information_know_entries_that_are_not_known(
    hass: HomeAssistant, cloud: LocalCloud
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=1, data=BLUETOOTH)
    entry.add_to_hass(hass)
    foreign(hass)
    assert await async_setup_component(hass, "system_health", {})
    await set_up(hass)

    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    assert (diagnostics["state"], diagnostics["server"]) == ("migration_error", None)
    assert "SECRET" not in str(diagnostics)
    told = await get_system_health_info(hass, DOMAIN)
    assert (told["accounts"], await told["can_reach_server"]) == (1, "ok")


async def test_no_key_is_in_any_log(
    hass: HomeAssistant, cloud: LocalCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.onemeter")
    for device_id in (HOUSE_ID, FLAT_ID):
        foreign(hass, device_id)
    foreign(hass, "another", api_key="SECRET-KEY two words")
    foreign(hass, "unknown", api_key="SECRET-KEY", mac="SECRET-MAC")
    await set_up(hass)

    ours = [record for record in caplog.records if "onemeter" in record.name]
    assert {record.levelname for record in ours} >= {"INFO", "ERROR"}
    assert API_KEY not in caplog.text
    assert "SECRET" not in caplog.text
