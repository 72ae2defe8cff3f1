"""The actions: reading the history again, getting readings."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .clockwork import settle
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, LocalCloud
from .meters import assert_rows, expected_rows, quarters, readings, recorded
from .registry import registered_device

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
INSTALLED = NOW - timedelta(days=10)
TIMES = quarters(INSTALLED, NOW)
DAY = {"start": "2026-11-20T00:00:00+00:00", "end": "2026-11-20T01:00:00+00:00"}


async def call(hass: HomeAssistant, name: str, **data: Any) -> dict[str, Any]:
    """Call an action on the house, unless it is told otherwise."""
    data.setdefault("device_id", registered_device(hass, HOUSE_ID))
    return await hass.services.async_call(
        "onemeter", name, data, blocking=True, return_response=True
    )


@pytest.fixture
async def entry(
    recorder_mock: None,
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
) -> MockConfigEntry:
    """An account with a house that has been read for ten days."""
    await empty_cloud.install(HOUSE, readings(TIMES, ("1_8_0", "2_8_0")))
    entry = make_entry(empty_cloud, HOUSE_ID)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)
    freezer.tick(timedelta(minutes=3))
    return entry


@pytest.mark.usefixtures("entry")
async def test_importing_again_tells_how_much_it_read_and_that_nothing_changed(
    hass: HomeAssistant,
) -> None:
    assert await call(hass, "import_history") == {"readings": len(TIMES), "rows_changed": 0}


@pytest.mark.usefixtures("entry")
async def test_importing_a_part_reads_that_part(hass: HomeAssistant) -> None:
    response = await call(
        hass,
        "import_history",
        start="2026-11-18T06:00:00+00:00",
        end="2026-11-19T06:00:00+00:00",
    )
    assert response == {"readings": 97, "rows_changed": 0}


@pytest.mark.usefixtures("entry")
async def test_importing_corrects_what_the_cloud_knows_better_now(
    hass: HomeAssistant, empty_cloud: LocalCloud, freezer: FrozenDateTimeFactory
) -> None:
    start = TIMES[300]
    await empty_cloud.withheld.withhold(HOUSE_ID, start, start + 86400)
    with_hole = await call(hass, "import_history")
    assert with_hole["rows_changed"] > 0
    await empty_cloud.withheld.release(HOUSE_ID)
    freezer.tick(timedelta(minutes=3))
    whole = await call(hass, "import_history", start=datetime.fromtimestamp(start, UTC).isoformat())

    assert whole["rows_changed"] == with_hole["rows_changed"]
    assert_rows(await recorded(hass, HOUSE_ID), expected_rows(TIMES[0], TIMES[-1]))


@pytest.mark.usefixtures("entry")
async def test_readings_are_those_that_the_cloud_has(hass: HomeAssistant) -> None:
    response = await call(hass, "get_readings", **DAY, codes=["1_8_0"])

    start = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
    assert response == {
        "readings": [
            {"date": f"2026-11-20T{hour:02}:{minute:02}:00.000Z", "1_8_0": values["1_8_0"]}
            for (hour, minute), (_, values) in zip(
                [(0, 0), (0, 15), (0, 30), (0, 45), (1, 0)],
                readings(range(start, start + 3601, 900)),
                strict=True,
            )
        ]
    }


@pytest.mark.usefixtures("entry")
async def test_times_without_a_zone_are_those_of_the_home(hass: HomeAssistant) -> None:
    await hass.config.async_set_time_zone("Europe/Warsaw")
    response = await call(
        hass, "get_readings", start="2026-11-20 01:00:00", end="2026-11-20 01:00:00.5"
    )

    assert [reading["date"] for reading in response["readings"]] == ["2026-11-20T00:00:00.000Z"]


@pytest.mark.usefixtures("entry")
async def test_without_readings_the_answer_is_empty(hass: HomeAssistant) -> None:
    response = await call(
        hass, "get_readings", start="2020-01-01T00:00:00+00:00", end="2020-01-02T00:00:00+00:00"
    )
    assert response == {"readings": []}


@pytest.mark.usefixtures("entry")
async def test_a_spent_budget_is_told_instead_of_waiting_for_more_than_two_minutes(
    hass: HomeAssistant, empty_cloud: LocalCloud
) -> None:
    for _ in range(3):
        await call(hass, "get_readings", **DAY)
    sent = len(empty_cloud.requests)
    coordinator = hass.config_entries.async_entries("onemeter")[0].runtime_data.coordinator
    coordinator.cloud._account.limiter.refused(600)  # noqa: SLF001
    for name in ("get_readings", "import_history"):
        with pytest.raises(HomeAssistantError, match=r"has to wait.*600 s") as raised:
            await call(hass, name, **DAY)
        assert raised.value.translation_key == "budget_spent"
    assert len(empty_cloud.requests) == sent


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"start": "2026-11-20T00:00:00", "end": "2026-11-19T00:00:00"}, "start_after_end"),
        ({"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}, "start_in_future"),
        ({"device_id": "unknown"}, "service_device_not_found"),
    ],
)
@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize("name", ["get_readings", "import_history"])
async def test_what_makes_no_sense_is_refused(
    hass: HomeAssistant, name: str, data: dict[str, str], key: str
) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, name, **{**DAY, **data})
    assert raised.value.translation_key == key


@pytest.mark.usefixtures("entry")
async def test_an_end_needs_a_start(hass: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, "import_history", end=DAY["end"])
    assert raised.value.translation_key == "start_after_end"


@pytest.mark.usefixtures("entry")
async def test_a_device_of_another_integration_is_refused(hass: HomeAssistant) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", HOUSE_ID)}
    )
    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, "get_readings", **DAY, device_id=device.id)
    assert raised.value.translation_key == "service_device_wrong_domain"


async def test_a_device_of_an_account_that_is_not_loaded_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, "get_readings", **DAY)
    assert raised.value.translation_key == "service_config_entry_not_loaded"


async def test_a_device_that_left_the_account_is_refused(
    hass: HomeAssistant, empty_cloud: LocalCloud, entry: MockConfigEntry
) -> None:
    await empty_cloud.remove(HOUSE_ID)
    await entry.runtime_data.coordinator.async_refresh()
    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, "get_readings", **DAY)
    assert raised.value.translation_key == "device_gone"


async def test_without_a_recorder_there_is_no_history_and_all_else_works(
    hass: HomeAssistant,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await empty_cloud.add(HOUSE, {"1_8_0": 1.5})
    await empty_cloud.add(FLAT, FLAT_VALUES)
    assert await hass.config_entries.async_setup(
        make_entry(empty_cloud, HOUSE_ID, FLAT_ID).entry_id
    )
    assert hass.states.get("sensor.house_energy_import").state == "1.5"
    assert hass.states.get("sensor.house_history_import") is None
    assert caplog.text.count("Without Home Assistant's recorder there is no energy history") == 1
    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, "import_history")
    assert raised.value.translation_key == "no_recorder"
    assert await call(hass, "get_readings", start="2026-11-23T00:00:00+00:00")
