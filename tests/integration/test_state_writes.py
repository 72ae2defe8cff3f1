"""What a poll writes to Home Assistant's state machine: what has news, and nothing else."""

from typing import TYPE_CHECKING

import pytest
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er

from .clockwork import PAST_THE_NEXT_POLL, pass_in_one_step, settle
from .local_cloud import FLAT_ID, HOUSE_ID, HOUSE_VALUES, LocalCloud
from .registry import registered_device

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import (
        Event,
        EventStateChangedData,
        EventStateReportedData,
        HomeAssistant,
    )
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

pytestmark = pytest.mark.usefixtures("recorder_mock")


class Writes:
    """The entities that have been written, and those of them whose state was another than before.

    A state that is written as it was is not a change, but an event and work all the same.
    """

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        """Listen from now on to the entities of an account."""
        self.written: set[str] = set()
        self.changed: set[str] = set()
        ours = {
            registered.entity_id
            for registered in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        }

        @callback
        def is_ours(data: EventStateChangedData | EventStateReportedData) -> bool:
            return data["entity_id"] in ours

        @callback
        def note_change(event: Event[EventStateChangedData]) -> None:
            self.written.add(event.data["entity_id"])
            self.changed.add(event.data["entity_id"])

        @callback
        def note_report(event: Event[EventStateReportedData]) -> None:
            self.written.add(event.data["entity_id"])

        hass.bus.async_listen(EVENT_STATE_CHANGED, note_change, event_filter=is_ours)
        hass.bus.async_listen(EVENT_STATE_REPORTED, note_report, event_filter=is_ours)


def entities_of(hass: HomeAssistant, device_id: str) -> set[str]:
    """Return the entities of a device that have a state."""
    return {
        registered.entity_id
        for registered in er.async_entries_for_device(
            er.async_get(hass), registered_device(hass, device_id)
        )
        if hass.states.get(registered.entity_id) is not None
    }


def polls(cloud: LocalCloud) -> int:
    """Return how often the cloud has been asked for the newest of all devices."""
    return sum(request.path.endswith("/devices/") for request in cloud.requests)


async def poll(hass: HomeAssistant, cloud: LocalCloud, freezer: FrozenDateTimeFactory) -> None:
    """Move the time past the next poll, which has to be answered."""
    cloud.requests.clear()
    await pass_in_one_step(hass, freezer, PAST_THE_NEXT_POLL)
    assert polls(cloud) == 1


@pytest.fixture
async def writes(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> Writes:
    """What is written once the house and the flat are set up and their history is imported."""
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)
    return Writes(hass, entry)


async def test_a_poll_without_news_writes_no_state(
    hass: HomeAssistant, cloud: LocalCloud, freezer: FrozenDateTimeFactory, writes: Writes
) -> None:
    await poll(hass, cloud, freezer)
    assert writes.written == set()


async def test_a_new_reading_writes_the_entities_of_its_device_only(
    hass: HomeAssistant, cloud: LocalCloud, freezer: FrozenDateTimeFactory, writes: Writes
) -> None:
    await cloud.read(HOUSE_ID, HOUSE_VALUES | {"1_8_0": 12345.99})
    await poll(hass, cloud, freezer)

    assert {"sensor.house_energy_import", "sensor.house_last_reading"} <= writes.changed
    assert writes.written <= entities_of(hass, HOUSE_ID)


async def test_after_news_a_poll_without_news_writes_no_state_again(
    hass: HomeAssistant, cloud: LocalCloud, freezer: FrozenDateTimeFactory, writes: Writes
) -> None:
    await cloud.read(HOUSE_ID, HOUSE_VALUES | {"1_8_0": 12345.99})
    await poll(hass, cloud, freezer)
    assert writes.written
    writes.written.clear()
    await poll(hass, cloud, freezer)
    assert writes.written == set()


async def test_a_device_that_is_gone_writes_that_it_is_unavailable(
    hass: HomeAssistant, cloud: LocalCloud, freezer: FrozenDateTimeFactory, writes: Writes
) -> None:
    await cloud.remove(FLAT_ID)
    flat = entities_of(hass, FLAT_ID)
    for _ in range(4):
        await poll(hass, cloud, freezer)
    buttons = {entity_id for entity_id in flat if entity_id.startswith("button.")}
    assert writes.changed == writes.written == flat - buttons
