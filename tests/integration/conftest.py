"""Home Assistant's test harness beside a real local cloud on a socket."""

import logging
from typing import TYPE_CHECKING

import pytest
from homeassistant.config_entries import ConfigSubentryDataWithId
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.onemeter.const import DOMAIN

from .blocking_calls import detection
from .local_cloud import API_KEY, FLAT, FLAT_VALUES, HOUSE, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    type MakeEntry = Callable[..., MockConfigEntry]

# The databases' statements are very many.
for _noisy in ("aiosqlite", "sqlalchemy.engine"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

NOW = "2026-11-23T10:05:00+00:00"


@pytest.fixture
def freezer(freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    """Let the time stand still, always at the same instant, until a test moves it."""
    freezer.move_to(NOW)
    return freezer


@pytest.fixture(autouse=True)
def _new_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget budgets and answers of other tests, whose clouds may have sat on the same port."""
    monkeypatch.setattr("custom_components.onemeter.onemeter_cloud.account._ACCOUNTS", {})


@pytest.fixture(autouse=True)
def _integration(request: pytest.FixtureRequest) -> None:
    """Stop the time, let Home Assistant find the integration, and let it talk to the loopback."""
    request.getfixturevalue("freezer")
    request.getfixturevalue("socket_enabled")
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")  # which has to come before Home Assistant
    request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def blocking_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fail a test in which the integration blocks the event loop, even if it went on."""
    with detection(monkeypatch) as reports:
        yield reports
    assert reports == []


@pytest.fixture
async def empty_cloud() -> AsyncIterator[LocalCloud]:
    """A cloud whose account has no devices."""
    async with LocalCloud.running() as cloud:
        yield cloud


@pytest.fixture
async def cloud(empty_cloud: LocalCloud) -> LocalCloud:
    """A cloud whose account has a house and a flat."""
    await empty_cloud.add(HOUSE, HOUSE_VALUES)
    await empty_cloud.add(FLAT, FLAT_VALUES)
    return empty_cloud


@pytest.fixture
def make_entry(hass: HomeAssistant) -> MakeEntry:
    """Return a function that stores an account's entry, as the config flow would."""

    def make(
        cloud: LocalCloud, *device_ids: str, options: dict[str, object] | None = None
    ) -> MockConfigEntry:
        entry = MockConfigEntry(
            domain=DOMAIN,
            version=2,
            title="Test cloud",
            data={"api_key": API_KEY, "url": cloud.url},
            options=options or {},
            subentries_data=[
                ConfigSubentryDataWithId(
                    data={"device_id": device_id},
                    subentry_id=f"subentry-{device_id}",
                    subentry_type="device",
                    title=device_id,
                    unique_id=device_id,
                )
                for device_id in device_ids
            ],
        )
        entry.add_to_hass(hass)
        return entry

    return make
