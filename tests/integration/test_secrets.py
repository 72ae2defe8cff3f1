"""No secret of the owner gets out, whatever happens: every one is marked, and looked for."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
from homeassistant.components import system_health
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.json import ExtendedJSONEncoder
from homeassistant.setup import async_setup_component
from starlette.requests import Request
from starlette.responses import Response

from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from tests.serving import serving

from .clockwork import pass_in_one_step, settle
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud
from .meters import quarters, readings
from .registry import registered_device

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
KEY = "SECRET-KEY-of-the-account"
NEXT_KEY = "SECRET-NEXT-KEY-of-the-account"
REFUSED_KEY = "SECRET-REFUSED-KEY"
KEYS: Final = {KEY, NEXT_KEY, REFUSED_KEY}

PERSONAL_FIELDS: Final = {
    "MAC": "SECRET-MAC",
    "info": {
        "GPSCoords": {"latitude": 52.98765431, "longitude": 17.12345679},
        "location": {
            "city": "SECRET-CITY",
            "country": "SECRET-COUNTRY",
            "postal": "SECRET-POSTAL",
            "street": "SECRET-STREET",
        },
    },
    "tags": ["SECRET-TAG"],
    "owner": {"name": "SECRET-OWNER", "email": "SECRET-OWNER@example.com"},
    "users": [{"name": "SECRET-USER", "email": "SECRET-USER@example.com"}],
}
SERIAL_NUMBER = "SECRET-SERIAL"
METER_ID = "SECRET-METER-ID"
METER_SERIAL = "SECRET-METER-SERIAL"
IDENTIFYING: Final = {SERIAL_NUMBER, METER_ID, METER_SERIAL}

RECORD = replace(
    HOUSE, serial_number=SERIAL_NUMBER, meter_id=METER_ID, mac=None, extra=PERSONAL_FIELDS
)
VALUES: Final = {**HOUSE_VALUES, "C_1_0": METER_SERIAL, "S_1_1_2": 1.95}

FAULTS: Final = {
    "refused request": (HTTPStatus.BAD_REQUEST, '{"error": "%s", "message": "No, %s!"}'),
    "no device": (HTTPStatus.NOT_FOUND, '{"error": "%s", "message": "No, %s!"}'),
    "server error": (HTTPStatus.INTERNAL_SERVER_ERROR, '{"error": "%s", "message": "No, %s!"}'),
    "web page": (HTTPStatus.BAD_GATEWAY, "<html>%s %s</html>"),
    "bad JSON": (HTTPStatus.OK, '{"devices": "%s", %s'),
    "other JSON": (HTTPStatus.OK, '{"devices": "%s", "message": "%s"}'),
    "redirect": (HTTPStatus.FOUND, "%s %s"),
    "too many": (HTTPStatus.TOO_MANY_REQUESTS, '{"error": "%s", "message": "No, %s!"}'),
}
REFUSAL: Final = (HTTPStatus.UNAUTHORIZED, '{"error": "%s", "message": "No, %s!"}')


def leaves(tree: Any) -> set[str]:
    """Return the texts and numbers of a JSON tree as they would be found in another."""
    if isinstance(tree, dict | list):
        branches = tree.values() if isinstance(tree, dict) else tree
        return set().union(*(leaves(branch) for branch in branches))
    return {str(tree)}


PERSONAL: Final = leaves(PERSONAL_FIELDS)


class Mirror:
    """Stands before the cloud; with a fault it echoes the caller's key in what it answers."""

    def __init__(self, cloud: LocalCloud) -> None:
        """Hand everything on."""
        self.fault: tuple[HTTPStatus, str] | None = None
        self.keys: set[str] = set()
        self.answers = ""
        self.url = ""
        self._cloud = cloud

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        request = Request(scope)
        key = request.headers.get("Authorization", "")
        self.keys.add(key)
        if self.fault is not None:
            status, body = self.fault
            response = Response(
                body % (key, key), status, {"X-Key": key, "Location": f"{self.url}?{key}"}
            )
        else:
            async with (
                aiohttp.ClientSession(headers={"Authorization": key}) as session,
                session.get(
                    f"{self._cloud.url.removesuffix('/api/')}{request.url.path}",
                    params=dict(request.query_params),
                ) as answer,
            ):
                response = Response(await answer.read(), answer.status)
        self.answers += bytes(response.body).decode()
        await response(scope, receive, send)


@pytest.fixture
async def mirror(empty_cloud: LocalCloud) -> AsyncIterator[Mirror]:
    """A cloud full of secrets that can be made to talk."""
    await empty_cloud.refuse_key()
    await empty_cloud.accept_key(KEY)
    times = quarters(NOW - timedelta(hours=6), NOW)
    await empty_cloud.install(RECORD, readings(times, ("1_8_0", "2_8_0")))
    await empty_cloud.read(HOUSE_ID, VALUES)
    await empty_cloud.add(replace(FLAT, extra=PERSONAL_FIELDS), FLAT_VALUES)
    mirror = Mirror(empty_cloud)
    async with serving(mirror) as mirror.url:
        yield mirror


@pytest.fixture
async def entry(
    recorder_mock: None,
    hass: HomeAssistant,
    mirror: Mirror,
    empty_cloud: LocalCloud,
    make_entry: MakeEntry,
    caplog: pytest.LogCaptureFixture,
) -> MockConfigEntry:
    """The account of the cloud, and everything that is said of it is noted."""
    for name in ("", "custom_components.onemeter", "aiohttp"):
        caplog.set_level(logging.DEBUG, name)
    assert await async_setup_component(hass, "system_health", {})
    entry = make_entry(empty_cloud, HOUSE_ID, FLAT_ID)
    hass.config_entries.async_update_entry(entry, data={"api_key": KEY, "url": mirror.url})
    return entry


class Story:
    """Everything that can happen to an account, and what people get to read of it."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        entry: MockConfigEntry,
        mirror: Mirror,
    ) -> None:
        """Begin with nothing."""
        self.told: list[str] = []
        self.shown: list[str] = []
        self._hass = hass
        self._freezer = freezer
        self._entry = entry
        self._mirror = mirror

    async def live(self, cloud: LocalCloud) -> None:
        """Live through everything."""
        assert await self._hass.config_entries.async_setup(self._entry.entry_id)
        await settle(self._hass, self._freezer)
        await self._look()
        await self._act()
        for fault in FAULTS.values():
            self._mirror.fault = fault
            await self._pass(3)
            await self._act()
            await self._look()
            self._mirror.fault = None
            await self._pass(20)
            assert self._entry.runtime_data.coordinator.answered
        await self._reauthenticate(cloud)
        self._mirror.fault = FAULTS["server error"]
        await self._pass(4)
        await self._act()
        await self._look()

    async def _reauthenticate(self, cloud: LocalCloud) -> None:
        """Have the key refused, enter a wrong one, then a right one."""
        self._mirror.fault = REFUSAL
        await self._pass(4)
        (flow,) = self._hass.config_entries.flow.async_progress()
        configure = self._hass.config_entries.flow.async_configure
        result = await configure(flow["flow_id"], None)
        self._tell({"type": result["type"], "texts": result["description_placeholders"]})
        result = await configure(flow["flow_id"], {"api_key": REFUSED_KEY})
        self._tell({"errors": result["errors"], "texts": result["description_placeholders"]})
        await self._look()
        self._mirror.fault = None
        await cloud.refuse_key()
        await cloud.accept_key(NEXT_KEY)
        result = await configure(flow["flow_id"], {"api_key": NEXT_KEY})
        assert result["reason"] == "reauth_successful"
        await settle(self._hass, self._freezer)
        assert self._entry.state is ConfigEntryState.LOADED

    async def _pass(self, half_hours: int) -> None:
        for _ in range(half_hours):
            await pass_in_one_step(self._hass, self._freezer, timedelta(minutes=30))

    async def _act(self) -> None:
        """Press the button and call the actions; note what comes of it."""
        house = {"device_id": registered_device(self._hass, HOUSE_ID)}
        since = {"start": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
        for domain, service, data, answers in (
            ("button", "press", {"entity_id": "button.house_refresh"}, False),
            (DOMAIN, "import_history", house | since, True),
            (DOMAIN, "import_history", house, True),
            (DOMAIN, "get_readings", house | since | {"codes": ["1_8_0"]}, True),
        ):
            call = self._hass.async_create_background_task(
                self._hass.services.async_call(
                    domain, service, data, blocking=True, return_response=answers
                ),
                name="action",
            )
            await settle(self._hass, self._freezer)
            try:
                self._tell(await call)
            except HomeAssistantError as err:
                self._tell([str(err), err.translation_placeholders])

    async def _look(self) -> None:
        """Note all that Home Assistant can tell of the account now."""
        hass, entry = self._hass, self._entry
        registered = dr.async_get(hass).async_get(registered_device(hass, HOUSE_ID))
        self._tell(await async_get_config_entry_diagnostics(hass, entry))
        self._tell(await async_get_device_diagnostics(hass, entry, registered))
        self._tell((await system_health.get_info(hass))[DOMAIN])
        self._tell([str(issue) for issue in ir.async_get(hass).issues.values()])
        self._tell([entry.title, entry.reason, entry.error_reason_translation_placeholders])
        self._tell(await get_instance(hass).async_add_executor_job(list_statistic_ids, hass))
        self.shown += [
            as_text([state.as_dict() for state in hass.states.async_all()]),
            *(str(device) for device in dr.async_get(hass).devices),
            *(
                str(entity)
                for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
            ),
        ]

    def _tell(self, something: Any) -> None:
        self.told.append(as_text(something))


def as_text(something: Any) -> str:
    return json.dumps(something, cls=ExtendedJSONEncoder, ensure_ascii=False)


def found(secrets: set[str], *texts: str) -> set[str]:
    return {secret for secret in secrets for text in texts if secret.casefold() in text.casefold()}


async def test_no_secret_gets_out_whatever_happens(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    mirror: Mirror,
    empty_cloud: LocalCloud,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    story = Story(hass, freezer, entry, mirror)
    await story.live(empty_cloud)
    assert await hass.config_entries.async_unload(entry.entry_id)
    stored = [as_text(data) for key, data in hass_storage.items() if key.startswith(f"{DOMAIN}.")]

    # All was there to get out, and all places were looked at.
    everything = PERSONAL | IDENTIFYING | KEYS
    assert found(everything, mirror.answers) == everything
    assert mirror.keys >= KEYS
    assert found({SERIAL_NUMBER, METER_SERIAL}, *story.shown) == {SERIAL_NUMBER, METER_SERIAL}
    seen = {"_battery_low_", "InvalidResponseError", "No, ***!", "can_reach_server"}
    assert found(seen, *story.told) == seen
    assert "GET /api/devices/ answered 500" in caplog.text
    assert len(stored) == 3

    assert found(everything, *story.told) == set(), "diagnostics, issues, errors, dialogs"
    assert found(PERSONAL | KEYS, *story.shown) == set(), "states, attributes, registries"
    assert found(PERSONAL | KEYS, *stored) == set(), "stored files"
    assert found(PERSONAL | KEYS, caplog.text) == set(), "logs"
    # Home Assistant's own loggers write down states when they are told to write all.
    ours = [
        caplog.handler.format(record)
        for record in caplog.records
        if record.levelno >= logging.INFO or "onemeter" in record.name or "aiohttp" in record.name
    ]
    assert found(IDENTIFYING, *ours) == set(), "logs"
