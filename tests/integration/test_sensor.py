"""What owners see of their meters: every sensor, from what a real cloud serves."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.onemeter_cloud import REGISTERS
from custom_components.onemeter.sensor import SENSORS

from .clockwork import PAST_THE_NEXT_POLL, pass_in_one_step
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant, State
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def let_poll(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Move the time past the next poll."""
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)


def state_of(hass: HomeAssistant, device_id: str, key: str) -> State | None:
    """Return the state of a device's sensor by its OBIS code or key."""
    entity_id = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, f"{device_id}_{key}")
    return hass.states.get(entity_id) if entity_id else None


@pytest.fixture
def enable_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every entity be enabled from the start."""
    monkeypatch.setattr("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", True)


ENERGY = ("energy", "total_increasing", "kWh")
EXACT = ("energy", None, "kWh")  # the Energy dashboard is to take the statistic
REACTIVE = ("reactive_energy", "total_increasing", "kvarh")
POWER = ("power", "measurement", "kW")
VOLTAGE = ("voltage", "measurement", "V")
CURRENT = ("current", "measurement", "A")
COUNT = (None, "total_increasing", None)
TEXT = (None, None, None)

# (code, value in the API, state, (device class, state class, unit))
REGISTER_CASES = [
    *((f"1_8_{n}", 100.25 + n, str(100.25 + n), EXACT) for n in range(5)),
    ("2_8_0", 200.25, "200.25", EXACT),
    *((f"2_8_{n}", 200.25 + n, str(200.25 + n), ENERGY) for n in range(1, 5)),
    *((f"15_8_{n}", 300.25 + n, str(300.25 + n), EXACT) for n in range(5)),
    *((f"F_8_{n}", 400.25 + n, str(400.25 + n), EXACT) for n in range(5)),
    *(
        (f"{group}_8_{n}", group * 10.5 + n, str(group * 10.5 + n), REACTIVE)
        for group in range(3, 9)
        for n in range(5)
    ),
    ("16_7_0", -1.25, "-1.25", POWER),
    ("1_7_0", 0.5, "0.5", POWER),
    ("2_7_0", 1.75, "1.75", POWER),
    ("15_7_0", 2.25, "2.25", POWER),
    ("1_4_0", 3.5, "3.5", POWER),
    ("15_4_0", 3.75, "3.75", POWER),
    ("1_6_0", 7.5, "7.5", POWER),
    ("15_6_0", 7.75, "7.75", POWER),
    ("1_2_1", 99.5, "99.5", ("power", None, "kW")),
    ("32_7_0", 230.1, "230.1", VOLTAGE),
    ("52_7_0", 231.2, "231.2", VOLTAGE),
    ("72_7_0", 232.3, "232.3", VOLTAGE),
    ("31_7_0", 1.1, "1.1", CURRENT),
    ("51_7_0", 2.2, "2.2", CURRENT),
    ("71_7_0", 3.3, "3.3", CURRENT),
    ("0_2_2", "G12w", "G12w", TEXT),
    ("0_0_0", 11722779, "11722779", TEXT),
    ("C_1_0", "0011722779", "0011722779", TEXT),
    ("C_90_1", "00000001", "00000001", TEXT),
    ("0_9_1", 3723, "01:02:03", TEXT),
    ("0_9_2", "2026-11-23", "2026-11-23", TEXT),
    ("F_F_0", "00", "00", TEXT),
    ("S_1_1_1", "ZPA", "ZPA", TEXT),
    ("S_1_1_2", 2.83, "2.83", VOLTAGE),
    ("S_1_1_4", "2026-11-23T10:15:00.000Z", "2026-11-23T10:15:00+00:00", ("timestamp", None, None)),
    ("S_1_1_10", 1795428900, "2026-11-23T10:15:00+00:00", ("timestamp", None, None)),
    ("S_1_1_5", 7, "7", TEXT),
    ("S_1_1_14", "abc", "abc", TEXT),
    ("S_1_1_6", 1234, "1234.0", COUNT),
    ("S_1_1_7", [3, 1], "3, 1", TEXT),
    ("S_1_1_19", 2, "2.0", COUNT),
    ("S_1_1_8", [50, 9600], "50, 9600", TEXT),
    ("S_1_1_9", 21.5, "21.5", ("temperature", "measurement", "°C")),
    ("S_1_1_12", 0.75, "0.75", ENERGY),
    ("S_1_1_16", ["OK", "SYNC"], "OK, SYNC", TEXT),
]


def test_the_cases_are_all_registers() -> None:
    assert {code for code, *_ in REGISTER_CASES} == set(REGISTERS)


@pytest.mark.usefixtures("enable_all")
async def test_every_register_is_a_sensor(
    hass: HomeAssistant, empty_cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await empty_cloud.add(HOUSE, {code: value for code, value, *_ in REGISTER_CASES})
    await set_up(hass, make_entry(empty_cloud, HOUSE_ID))

    shown = {}
    for code, *_ in REGISTER_CASES:
        state = state_of(hass, HOUSE_ID, code)
        assert state is not None, code
        attributes = state.attributes
        shown[code] = (
            state.state,
            (
                attributes.get("device_class"),
                attributes.get("state_class"),
                attributes.get("unit_of_measurement"),
            ),
        )
    assert shown == {code: (state, kind) for code, _, state, kind in REGISTER_CASES}


def test_no_register_of_an_exact_statistic_is_offered_by_its_sensor_as_well() -> None:
    offered = {
        description.key
        for description in SENSORS
        if description.device_class == "energy" and description.state_class is not None
    }
    assert offered == {
        *(f"2_8_{tariff}" for tariff in "1234"),
        "S_1_1_12",
        "production_this_month",
        "usage_this_month",
    }


@pytest.mark.usefixtures("enable_all")
@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("1_8_0", "12345.67", "12345.67"),
        ("1_8_0", None, STATE_UNKNOWN),
        ("1_8_0", "fault", STATE_UNKNOWN),
        ("1_8_0", [1, 2], STATE_UNKNOWN),
        ("1_8_0", "NaN", STATE_UNKNOWN),
        ("0_2_2", None, STATE_UNKNOWN),
        ("0_2_2", "x" * 300, "x" * 255),
        ("0_9_1", 86400, "86400"),
        ("0_9_1", "12:00:00", "12:00:00"),
        ("S_1_1_4", "yesterday", STATE_UNKNOWN),
        ("S_1_1_4", 12, STATE_UNKNOWN),
        ("S_1_1_16", [], STATE_UNKNOWN),
    ],
)
async def test_what_cannot_be_read_is_unknown(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    code: str,
    value: Any,
    expected: str,
) -> None:
    await empty_cloud.add(HOUSE, {code: value})
    await set_up(hass, make_entry(empty_cloud, HOUSE_ID))

    state = state_of(hass, HOUSE_ID, code)
    assert state is not None
    assert state.state == expected


async def test_names_are_those_that_owners_read(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID))

    for key, entity_id, name in (
        ("1_8_0", "sensor.house_energy_import", "House Energy import"),
        ("1_8_2", "sensor.house_energy_import_tariff_2", "House Energy import tariff 2"),
        ("battery", "sensor.house_battery", "House Battery"),
    ):
        state = state_of(hass, HOUSE_ID, key)
        assert state is not None
        assert (state.entity_id, state.name) == (entity_id, name)


async def test_less_useful_registers_are_disabled_at_first(
    hass: HomeAssistant, empty_cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await empty_cloud.add(HOUSE, {code: value for code, value, *_ in REGISTER_CASES})
    await set_up(hass, make_entry(empty_cloud, HOUSE_ID))

    registry = er.async_get(hass)
    enabled = {
        entry.unique_id.removeprefix(f"{HOUSE_ID}_")
        for entry in registry.entities.values()
        if entry.disabled_by is None
    }
    assert {"1_8_0", "1_8_2", "2_8_0", "15_8_0", "5_8_0", "8_8_0", "16_7_0", "0_2_2"} <= enabled
    assert enabled.isdisjoint({"5_8_1", "6_8_0", "S_1_1_5", "S_1_1_8", "0_9_1", "1_2_1"})


async def test_a_meter_has_only_what_it_reports(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await set_up(hass, make_entry(cloud, FLAT_ID))

    registers = {
        entry.unique_id.removeprefix(f"{FLAT_ID}_")
        for entry in er.async_get(hass).entities.values()
        if entry.unique_id.removeprefix(f"{FLAT_ID}_") in REGISTERS
    }
    assert registers == {"15_8_0", "S_1_1_2"}


async def test_a_register_that_only_meta_knows_becomes_a_sensor(
    hass: HomeAssistant, empty_cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    meta = {
        "9_8_0": {"unit": "kVAh", "description": {"short": "Apparent energy", "long": "S+"}},
        "96_1_0": {"unit": "", "description": {"short": "Firmware of the meter"}},
    }
    await empty_cloud.add(HOUSE, {**HOUSE_VALUES, "9_8_0": 55.5, "96_1_0": "V 2.1", "99_9_9": 1})
    await empty_cloud.change(HOUSE, extra={"meta": meta})
    entry = make_entry(empty_cloud, HOUSE_ID)
    await set_up(hass, entry)
    registry = er.async_get(hass)
    names = {}
    for code in ("9_8_0", "96_1_0", "99_9_9"):
        entity_id = registry.async_get_entity_id("sensor", DOMAIN, f"{HOUSE_ID}_{code}")
        assert entity_id is not None
        registered = registry.async_get(entity_id)
        assert registered.disabled_by is er.RegistryEntryDisabler.INTEGRATION
        names[code] = registered.original_name
        registry.async_update_entity(entity_id, disabled_by=None)
    assert names == {
        "9_8_0": "Apparent energy",
        "96_1_0": "Firmware of the meter",
        "99_9_9": "99_9_9",
    }

    await hass.config_entries.async_reload(entry.entry_id)
    apparent = state_of(hass, HOUSE_ID, "9_8_0")
    assert (apparent.state, apparent.attributes["unit_of_measurement"]) == ("55.5", "kVAh")
    firmware = state_of(hass, HOUSE_ID, "96_1_0")
    assert firmware.state == "V 2.1"
    assert "unit_of_measurement" not in firmware.attributes


async def test_a_register_that_appears_later_becomes_a_sensor(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID, FLAT_ID))
    assert state_of(hass, FLAT_ID, "2_8_0") is None

    freezer.tick(timedelta(minutes=5))
    await cloud.read(FLAT_ID, {**FLAT_VALUES, "2_8_0": 1.5})
    await let_poll(hass, freezer)

    assert state_of(hass, FLAT_ID, "2_8_0").state == "1.5"


MULTIPLIED = {"1_8_0": 10.5, "5_8_0": 1.5, "16_7_0": 0.5, "1_6_0": 0.25}


@pytest.mark.parametrize(("apply", "factor"), [(True, 40), (False, 1)])
async def test_the_transformer_ratio_applies_to_energy_demand_and_power(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    apply: bool,  # noqa: FBT001
    factor: int,
) -> None:
    await empty_cloud.add(HOUSE, MULTIPLIED | {"32_7_0": 230.0, "S_1_1_2": 2.8, "S_1_1_9": 20.0})
    await empty_cloud.change(HOUSE, multiplier=40, extra={"usage": {"thisMonth": 2.5}})
    await set_up(hass, make_entry(empty_cloud, HOUSE_ID, options={"apply_multiplier": apply}))

    for code, value in MULTIPLIED.items():
        assert float(state_of(hass, HOUSE_ID, code).state) == value * factor
    assert float(state_of(hass, HOUSE_ID, "usage_this_month").state) == 2.5 * factor
    for code, value in {"32_7_0": "230.0", "S_1_1_2": "2.8", "S_1_1_9": "20.0"}.items():
        assert state_of(hass, HOUSE_ID, code).state == value


async def test_the_figures_of_the_cloud_are_sensors(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    usage = {
        "thisMonth": 123.45,
        "previousMonth": 456.78,
        "lastHour": 0.31,
        "fullTime": 9000.0,
        "projection": 150.5,
    }
    production = {"thisMonth": 5.5, "previousMonth": None, "lastHour": None, "fullTime": None}
    await cloud.change(HOUSE, extra={"usage": usage, "production": production})
    await cloud.change(FLAT, omit=["usage", "production"])
    await set_up(hass, make_entry(cloud, HOUSE_ID, FLAT_ID))

    for key, expected in (
        ("usage_this_month", "123.45"),
        ("usage_previous_month", "456.78"),
        ("usage_last_hour", "0.31"),
        ("usage_projection", "150.5"),
        ("production_this_month", "5.5"),
    ):
        state = state_of(hass, HOUSE_ID, key)
        assert state is not None, key
        assert (state.state, state.attributes["unit_of_measurement"]) == (expected, "kWh")
    assert state_of(hass, HOUSE_ID, "production_last_hour") is None
    assert state_of(hass, FLAT_ID, "usage_this_month") is None


async def test_the_last_reading_is_a_time(
    hass: HomeAssistant, empty_cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await empty_cloud.add(HOUSE, HOUSE_VALUES, at=datetime(2026, 11, 20, 7, 15, tzinfo=UTC))
    await set_up(hass, make_entry(empty_cloud, HOUSE_ID))

    assert state_of(hass, HOUSE_ID, "last_reading").state == "2026-11-20T07:15:00+00:00"


@pytest.mark.parametrize(
    ("last_reading", "percent"),
    [
        ({"BATTERY_PC": 64}, "64.0"),
        ({"BATTERY_PC": None, "BATTERY_VOLTAGE": 2.46}, "50.0"),
        ({"BATTERY_PC": None, "BATTERY_VOLTAGE": 1.5}, "0.0"),
        ({"BATTERY_PC": None, "BATTERY_VOLTAGE": None}, "100.0"),
    ],
)
async def test_the_battery_is_a_percentage(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    last_reading: dict[str, float | None],
    percent: str,
) -> None:
    await empty_cloud.add(HOUSE, {"S_1_1_2": 3.05})
    await empty_cloud.change(HOUSE, extra={"lastReading": last_reading})
    await set_up(hass, make_entry(empty_cloud, HOUSE_ID))

    assert float(state_of(hass, HOUSE_ID, "battery").state) == pytest.approx(float(percent))


async def test_average_power_is_that_between_the_two_newest_readings(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    start = dt_util.utcnow()
    await cloud.read(FLAT_ID, {"15_8_0": 801.5}, at=start)
    await set_up(hass, make_entry(cloud, HOUSE_ID, FLAT_ID))
    assert state_of(hass, FLAT_ID, "average_power").state == STATE_UNKNOWN
    assert state_of(hass, HOUSE_ID, "average_power") is None, "it has a register of its power"

    await cloud.read(FLAT_ID, {"15_8_0": 801.75}, at=start + timedelta(minutes=15))
    await let_poll(hass, freezer)
    assert float(state_of(hass, FLAT_ID, "average_power").state) == 1.0

    # Nothing new: still the two newest readings.
    await let_poll(hass, freezer)
    assert float(state_of(hass, FLAT_ID, "average_power").state) == 1.0

    # Another meter has taken its place: nobody knows what was used between.
    await cloud.read(FLAT_ID, {"15_8_0": 0.25}, at=start + timedelta(minutes=45))
    await let_poll(hass, freezer)
    assert state_of(hass, FLAT_ID, "average_power").state == STATE_UNKNOWN


async def test_a_device_says_what_it_is(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await set_up(hass, entry)

    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, HOUSE_ID), entry.entry_id)
    assert device is not None
    assert (
        device.name,
        device.manufacturer,
        device.model,
        device.serial_number,
        device.hw_version,
        device.sw_version,
        device.configuration_url,
    ) == (
        "House",
        "OneMeter",
        "Optical meter reader",
        HOUSE.serial_number,
        "3.1",
        "1.9.0",
        cloud.url.removesuffix("/api/"),
    )
    assert device.config_subentry_id == f"subentry-{HOUSE_ID}"
    assert state_of(hass, HOUSE_ID, "firmware").state == "1.9.0"


async def test_the_vendors_short_example_works(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await cloud.change(
        HOUSE,
        omit=[
            *("SN", "MAC", "info", "meteringPoint", "config", "initialReading", "firstReading"),
            *("production", "firmware", "hardware", "timezone", "meta", "owner", "users", "type"),
            *("lastReading.date", "lastReading.updatedAt", "lastReading.flags"),
        ],
    )
    await set_up(hass, make_entry(cloud, HOUSE_ID))

    assert state_of(hass, HOUSE_ID, "1_8_0").state == "12345.67"
    assert state_of(hass, HOUSE_ID, "C_1_0").state == "11722779"


async def test_a_device_that_leaves_the_account_is_unavailable_and_others_are_not(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID, FLAT_ID))
    await cloud.remove(FLAT_ID)
    for _ in range(3):
        await let_poll(hass, freezer)

    assert state_of(hass, FLAT_ID, "15_8_0").state == STATE_UNAVAILABLE
    assert state_of(hass, HOUSE_ID, "1_8_0").state == "12345.67"
    assert caplog.text.count(f"Device {FLAT_ID} is not in the account") == 1

    await cloud.add(FLAT, FLAT_VALUES)
    await let_poll(hass, freezer)
    assert state_of(hass, FLAT_ID, "15_8_0").state == "801.5"
    assert caplog.text.count(f"Device {FLAT_ID} is in the account again") == 1


async def test_an_only_device_that_leaves_the_account_is_unavailable(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID))
    await cloud.remove(HOUSE_ID)
    for _ in range(3):
        await let_poll(hass, freezer)

    assert state_of(hass, HOUSE_ID, "1_8_0").state == STATE_UNAVAILABLE
