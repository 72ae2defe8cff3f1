"""Every fault of a cloud: what the owner sees, how often it is asked, and that it passes.

While an account is in use, when Home Assistant starts without anything stored, and while an owner
enters an account.
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.data_entry_flow import section
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import ssl

from custom_components.onemeter.const import DOMAIN

from .clockwork import PAST_THE_NEXT_POLL, live_through, settle
from .faults import Fault, FaultyCloud
from .local_cloud import API_KEY, FLAT_ID, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import probatio
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry

OURS = "custom_components.onemeter"
ENERGY = "sensor.house_energy_import"
LAST_READING = "sensor.house_last_reading"
TARIFF = "sensor.house_tariff"
BEFORE = {ENERGY: "12345.67", LAST_READING: "2026-11-23T10:05:00+00:00", TARIFF: "G12w"}

HOUR = timedelta(hours=1)
OVER_TWO_POLLS = timedelta(minutes=80)
LONGEST_PAUSE = timedelta(hours=6, minutes=45)
# How often Home Assistant sets up in an hour what could not be set up.
MOST_RETRIES = 12


class Then(Enum):
    """What the entities do about a fault."""

    KEEP = auto()
    """They stay as they were, until what they show is older than two polls."""

    STAY = auto()
    """They stay as they were for hours."""

    GO = auto()
    """They are unavailable at once."""

    SHOW = auto()
    """They show what the answer says, as far as it says something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a fault leads to.

    `requests`: the most in its first hour. `lines`: those in the log when it begins and when it
    ends, `lines_alone` where that differs for an account's only device. `shows`: states that
    differ while it lasts. `at_start`: what becomes of an account that starts with it,
    `alone_at_start` where that differs if this device is its only one. `in_form`: the error of
    the form in which an account is entered; `None`: none.
    """

    then: Then
    requests: int = 6
    lines: tuple[int, int] = (1, 1)
    lines_alone: tuple[int, int] | None = None
    asks_for_key: bool = False
    recovers_within: timedelta = PAST_THE_NEXT_POLL
    shows: Mapping[str, str] = field(default_factory=dict)
    at_start: ConfigEntryState = ConfigEntryState.LOADED
    alone_at_start: ConfigEntryState | None = None
    in_form: str | None = None


AWAY = Case(then=Then.KEEP, at_start=ConfigEntryState.SETUP_RETRY, in_form="cannot_connect")
NO_API = replace(AWAY, in_form="invalid_response")
LIMITED = Case(then=Then.STAY, at_start=ConfigEntryState.SETUP_RETRY, in_form="rate_limited")
LIMITED_WITHOUT_A_WORD = replace(LIMITED, recovers_within=timedelta(hours=2))
REFUSED = Case(
    then=Then.GO,
    requests=1,
    asks_for_key=True,
    at_start=ConfigEntryState.SETUP_ERROR,
    in_form="invalid_auth",
)
GONE = Case(then=Then.KEEP)
NO_NUMBERS = Case(then=Then.SHOW, lines=(0, 0), shows={ENERGY: STATE_UNKNOWN})
NO_READING = Case(
    then=Then.SHOW,
    lines=(0, 0),
    shows={ENERGY: STATE_UNKNOWN, LAST_READING: STATE_UNKNOWN, TARIFF: STATE_UNKNOWN},
)
NO_DATE = Case(then=Then.SHOW, lines=(0, 0), shows={LAST_READING: STATE_UNKNOWN})

CASES: Mapping[Fault, Case] = {
    Fault.UNAUTHORIZED: REFUSED,
    Fault.FORBIDDEN: REFUSED,
    Fault.UNAUTHORIZED_WITH_THE_KEY: REFUSED,
    Fault.TOO_MANY: LIMITED_WITHOUT_A_WORD,
    Fault.TOO_MANY_FOR_SECONDS: LIMITED,
    Fault.TOO_MANY_UNTIL_A_DATE: LIMITED,
    Fault.TOO_MANY_SOON: LIMITED_WITHOUT_A_WORD,
    Fault.TOO_MANY_NEGATIVE: LIMITED_WITHOUT_A_WORD,
    Fault.TOO_MANY_FOR_AGES: replace(LIMITED, requests=1, recovers_within=LONGEST_PAUSE),
    Fault.INTERNAL_ERROR: AWAY,
    Fault.INTERNAL_ERROR_WITH_THE_KEY: AWAY,
    Fault.BAD_GATEWAY: AWAY,
    Fault.UNAVAILABLE: AWAY,
    Fault.UNAVAILABLE_FOR_SECONDS: AWAY,
    Fault.REFUSED: AWAY,
    Fault.UNTRUSTED_CERTIFICATE: AWAY,
    Fault.RESET_IN_THE_BODY: AWAY,
    Fault.STALL: AWAY,
    Fault.STALL_IN_THE_BODY: AWAY,
    Fault.SLOW_DRIP: AWAY,
    Fault.REDIRECT_302: NO_API,
    Fault.REDIRECT_307: NO_API,
    Fault.REDIRECT_308: NO_API,
    Fault.TRUNCATED: AWAY,
    Fault.LENGTH_TOO_LARGE: AWAY,
    Fault.LENGTH_TOO_SMALL: NO_API,
    Fault.HUGE_BODY: NO_API,
    Fault.GZIP_BOMB: NO_API,
    Fault.EMPTY_BODY: NO_API,
    Fault.WEB_PAGE: NO_API,
    Fault.EMPTY_OBJECT: NO_API,
    Fault.EMPTY_LIST: NO_API,
    Fault.OTHER_OBJECT: NO_API,
    Fault.OTHER_LIST: NO_API,
    Fault.NUMBER: NO_API,
    Fault.DEVICE_GONE: GONE,
    Fault.DEVICE_RENAMED: GONE,
    # It is not in the list that is asked for once a day, and its own answer makes no sense.
    Fault.ANOTHER_DEVICE: replace(
        GONE, alone_at_start=ConfigEntryState.SETUP_RETRY, lines_alone=(2, 2)
    ),
    Fault.NO_LAST_READING: NO_READING,
    Fault.NULL_LAST_READING: NO_READING,
    Fault.NULL_FOR_NUMBERS: NO_NUMBERS,
    Fault.TEXT_FOR_NUMBERS: NO_NUMBERS,
    Fault.READ_IN_TWO_DAYS: NO_DATE,
    Fault.READ_IN_70_YEARS: NO_DATE,
    Fault.READ_IN_1970: NO_DATE,
    Fault.REGISTERS_FALL: Case(then=Then.SHOW, lines=(0, 0), shows={ENERGY: "6172.835"}),
    Fault.PERSONAL_DATA: Case(then=Then.SHOW, lines=(0, 0)),
}


def test_every_fault_has_its_case() -> None:
    assert CASES.keys() == set(Fault)


@pytest.fixture
async def faulty(
    cloud: LocalCloud,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[FaultyCloud]:
    """The cloud behind one that can go wrong; time passes while an answer is held back."""
    async with FaultyCloud.before(cloud, https=fault.needs_https, pass_time=freezer.tick) as faulty:
        faulty.devices = {HOUSE_ID}
        if faulty.certificate is not None:
            context = await asyncio.to_thread(faulty.certificate.client)
            monkeypatch.setattr(ssl, "client_context", lambda *_: context)
        yield faulty


def lines_since(caplog: pytest.LogCaptureFixture, first: int) -> list[str]:
    """Return what the integration has logged for people since then, without what is debugging."""
    return [
        record.getMessage()
        for record in caplog.records[first:]
        if record.name.startswith(OURS) and record.levelno >= logging.INFO
    ]


def states(hass: HomeAssistant) -> dict[str, str]:
    """Return the states that the cases speak of."""
    return {entity_id: hass.states.get(entity_id).state for entity_id in BEFORE}


async def answer_reauth(hass: HomeAssistant) -> None:
    """Enter the key again, as the owner would."""
    (flow,) = hass.config_entries.flow.async_progress()
    await hass.config_entries.flow.async_configure(flow["flow_id"], {"api_key": API_KEY})
    await hass.async_block_till_done()


def suggested(schema: probatio.Schema) -> dict[str, Any]:
    """Return what a form shows in its fields."""
    return {
        str(key): suggested(value.schema)
        if isinstance(value, section)
        else key.description["suggested_value"]
        for key, value in schema.schema.items()
    }


@pytest.mark.parametrize("ids", [(HOUSE_ID,), (HOUSE_ID, FLAT_ID)], ids=["device", "list"])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_a_fault(
    hass: HomeAssistant,
    cloud: LocalCloud,
    faulty: FaultyCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    ids: tuple[str, ...],
) -> None:
    case = CASES[fault]
    lines = case.lines_alone if len(ids) == 1 and case.lines_alone else case.lines
    entry = make_entry(faulty, *ids)
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass) == BEFORE
    faulty.requests.clear()
    first_line = len(caplog.records)

    faulty.fault = fault
    await live_through(hass, freezer, timedelta(minutes=20))
    unavailable = dict.fromkeys(BEFORE, STATE_UNAVAILABLE)
    assert states(hass) == (unavailable if case.then is Then.GO else BEFORE | case.shows)
    await live_through(hass, freezer, HOUR - timedelta(minutes=20))
    assert len(faulty.requests) <= case.requests
    await live_through(hass, freezer, OVER_TWO_POLLS - HOUR)
    if case.then in {Then.KEEP, Then.GO}:
        assert states(hass) == unavailable
    else:
        assert states(hass) == BEFORE | case.shows
    assert len(lines_since(caplog, first_line)) == lines[0]
    flows = [flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()]
    assert flows == ([SOURCE_REAUTH] if case.asks_for_key else [])

    first_line = len(caplog.records)
    faulty.fault = None
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "1_8_0": 12399.5})
    if case.asks_for_key:
        await answer_reauth(hass)
    await live_through(hass, freezer, case.recovers_within)
    assert hass.states.get(ENERGY).state == "12399.5"
    assert hass.states.get(TARIFF).state == "G12w"
    assert entry.state is ConfigEntryState.LOADED
    if not case.asks_for_key:
        assert len(lines_since(caplog, first_line)) == lines[1]
    issues = [key for key, _ in ir.async_get(hass).issues.items() if key[0] == "onemeter"]
    assert issues == []
    assert hass.config_entries.flow.async_progress() == []
    assert API_KEY not in caplog.text
    assert faulty.elsewhere.requests == []


@pytest.mark.parametrize("ids", [(HOUSE_ID,), (HOUSE_ID, FLAT_ID)], ids=["device", "list"])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_a_fault_at_the_first_start(
    hass: HomeAssistant,
    faulty: FaultyCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    ids: tuple[str, ...],
) -> None:
    case = CASES[fault]
    faulty.fault = fault
    entry = make_entry(faulty, *ids)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, freezer)
    expected = case.alone_at_start if len(ids) == 1 and case.alone_at_start else case.at_start
    assert entry.state is expected
    await live_through(hass, freezer, HOUR)
    assert len(faulty.requests) <= max(case.requests, MOST_RETRIES)
    assert entry.state is expected

    faulty.fault = None
    if case.asks_for_key:
        await answer_reauth(hass)
    await live_through(hass, freezer, case.recovers_within)
    assert entry.state is ConfigEntryState.LOADED
    assert states(hass) == BEFORE
    assert hass.config_entries.flow.async_progress() == []
    assert API_KEY not in caplog.text
    assert faulty.elsewhere.requests == []


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_a_fault_while_an_account_is_entered(
    hass: HomeAssistant,
    faulty: FaultyCloud,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    case = CASES[fault]
    faulty.fault = fault
    entered = {"api_key": API_KEY, "advanced": {"url": faulty.url}}
    form = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await hass.config_entries.flow.async_configure(form["flow_id"], entered)
    if case.in_form is not None:
        assert form["errors"] == {"base": case.in_form}
        assert form["step_id"] == "user"
        assert suggested(form["data_schema"]) == entered
        faulty.fault = None
        await live_through(hass, freezer, case.recovers_within)
        form = await hass.config_entries.flow.async_configure(form["flow_id"], entered)

    assert form["step_id"] == "devices"
    assert API_KEY not in caplog.text
    assert faulty.elsewhere.requests == []
