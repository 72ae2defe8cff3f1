"""What a maintainer gets to see, and what not."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)

from custom_components.onemeter.diagnostics import async_get_config_entry_diagnostics

from .clockwork import pass_in_one_step, settle
from .local_cloud import FLAT_ID, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud
from .registry import registered_device

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

    from .conftest import MakeEntry


async def set_up(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)


async def of_entry(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> dict[str, Any]:
    diagnostics: dict[str, Any] = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    return diagnostics


@pytest.mark.usefixtures("recorder_mock")
async def test_an_account_that_works(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID, options={"apply_multiplier": False})
    await set_up(hass, freezer, entry)
    diagnostics = await of_entry(hass, hass_client, entry)
    house, flat = diagnostics.pop("devices")
    polling = diagnostics.pop("polling")

    assert diagnostics == {
        "version": "0.1.0",
        "state": "loaded",
        "reason": None,
        "options": {
            "add_new_devices": None,
            "apply_multiplier": False,
            "update_interval": None,
        },
        "server": {
            "vendor": False,
            "host": None,
            "scheme": "http",
            "port": int(cloud.url.rstrip("/").removesuffix("/api").rpartition(":")[2]),
        },
        "number_of_devices": 2,
    }
    assert polling["answered"] is True
    assert polling["last_success"].startswith("2026-11-23T10:05")
    assert polling["last_error"] is polling["limited_since"] is None
    assert polling["interval_seconds"] > 0
    assert polling["requests_in_last_hour"] == len(cloud.requests) == 3
    assert polling["seconds_until_allowed"].keys() == {"user", "background"}
    assert polling["missing_devices"] == 0
    assert isinstance(polling["learned"], dict)

    assert house["id_hash"] != flat["id_hash"]
    assert house["is_fresh"] is True
    assert house["is_missing"] is False
    assert house["history"].keys() == {
        "percent",
        "recent_at",
        "deep_at",
        "failing_since",
        "newest_readings",
        "meters",
    }
    assert house["history"]["percent"] == 100
    assert house["history"]["meters"] == dict.fromkeys(
        ("energy_import", "energy_import_t1", "energy_import_t2", "energy_export"), 1
    )
    assert flat["known"]["main_register"] == "15_8_0"


async def test_what_is_shown_of_a_device(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    freezer.tick(timedelta(seconds=90))
    await set_up(hass, freezer, entry)
    registered = dr.async_get(hass).async_get(registered_device(hass, HOUSE_ID))
    diagnostics: Any = await get_diagnostics_for_device(hass, hass_client, entry, registered)
    known = diagnostics["device"]["known"]
    reading = known.pop("reading")
    registers = reading.pop("registers")

    assert "devices" not in diagnostics
    assert diagnostics["state"] == "loaded"
    assert diagnostics["device"]["history"] is None
    assert known == {
        "main_register": "1_8_0",
        "multiplier": 1,
        "contracted_power_known": False,
        "archived": False,
        "firmware": "1.9.0",
        "hardware": "3.1",
        "timezone": "Europe/Warsaw",
        "battery_percent": 85,
        "battery_low": False,
        "readout_failed": False,
        "synchronization_needed": False,
        "on_wrong_meter": False,
        "average_power_known": False,
    }
    assert reading.pop("age_seconds") == pytest.approx(90, abs=1)
    assert reading == {
        "date": "2026-11-23T10:05:00+00:00",
        "source": reading["source"],
        "flags": {},
    }
    assert registers.keys() == HOUSE_VALUES.keys()
    assert registers["1_8_0"] == {"quantity": "energy", "type": "number"}
    assert registers["C_1_0"] == {"quantity": "text", "type": "text"}
    entities = diagnostics["device"]["entities"]
    assert entities["1_8_0"] == {"enabled": True, "available": True}
    assert entities["C_1_0"]["enabled"] in {True, False}


async def test_no_name_number_or_value_of_a_device_is_shown(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await set_up(hass, freezer, entry)
    text = json.dumps(await of_entry(hass, hass_client, entry))

    hidden = [HOUSE.id, HOUSE.name, HOUSE.serial_number, HOUSE.mac, HOUSE.meter_id, "127.0.0.1"]
    values = [str(value) for value in HOUSE_VALUES.values() if len(str(value)) > 4]
    assert [word for word in hidden + values if f'"{word}"' in text or f" {word}," in text] == []
    assert [word for word in hidden if word != "House" and word in text] == []


async def test_what_the_server_words_freely_is_not_shown(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    await cloud.change(HOUSE, firmware="anna@example.com", hardware="Long Street 5")
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "Anna's register": 5, "OLD_1": [], "NEW_2": {}})
    entry = make_entry(cloud, HOUSE_ID)
    await set_up(hass, freezer, entry)
    (house,) = (await of_entry(hass, hass_client, entry))["devices"]

    assert house["known"]["firmware"] is house["known"]["hardware"] is None
    registers = house["known"]["reading"]["registers"]
    assert registers["OLD_1"] == {"quantity": None, "type": "list"}
    assert registers["NEW_2"] == {"quantity": None, "type": "object"}
    assert "Anna's register" not in registers


async def test_a_cloud_that_went_away_is_named_by_the_kind_of_error_alone(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with LocalCloud.running() as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID)
        await set_up(hass, freezer, entry)
    for _ in range(4):
        await pass_in_one_step(hass, freezer, timedelta(minutes=30))
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)

    assert diagnostics["polling"]["answered"] is False
    assert diagnostics["polling"]["last_error"] == {
        "type": "CannotConnectError",
        "kind": "no_connection",
        "is_over": False,
    }
    assert diagnostics["devices"][0]["is_fresh"] is False


async def test_an_account_that_cannot_start(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    async with LocalCloud.running() as cloud:
        entry = make_entry(cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    diagnostics = await of_entry(hass, hass_client, entry)

    assert diagnostics["state"] == "setup_retry"
    assert diagnostics["reason"] == "no_connection"
    assert diagnostics.keys().isdisjoint({"devices", "polling"})


async def test_the_vendors_server_is_named(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "url": "https://cloud.onemeter.com/api/"}
    )
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)

    assert diagnostics["server"] == {
        "vendor": True,
        "host": "cloud.onemeter.com",
        "scheme": "https",
        "port": 443,
    }
