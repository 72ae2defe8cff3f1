"""Every fault of a cloud: what the owner sees, how often it is asked, and that it passes."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

import pytest
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import ssl

from .clockwork import PAST_THE_NEXT_POLL, live_through
from .faults import Fault, FaultyCloud
from .local_cloud import API_KEY, FLAT_ID, HOUSE_ID, HOUSE_VALUES, LocalCloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

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
    ends. `shows`: states that differ while it lasts.
    """

    then: Then
    requests: int = 6
    lines: tuple[int, int] = (1, 1)
    asks_for_key: bool = False
    recovers_within: timedelta = PAST_THE_NEXT_POLL
    shows: Mapping[str, str] = field(default_factory=dict)


AWAY = Case(then=Then.KEEP)
LIMITED = Case(then=Then.STAY)
LIMITED_WITHOUT_A_WORD = Case(then=Then.STAY, recovers_within=timedelta(hours=2))
REFUSED = Case(then=Then.GO, requests=1, asks_for_key=True)
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
    Fault.TOO_MANY_FOR_AGES: Case(then=Then.STAY, requests=1, recovers_within=LONGEST_PAUSE),
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
    Fault.REDIRECT_302: AWAY,
    Fault.REDIRECT_307: AWAY,
    Fault.REDIRECT_308: AWAY,
    Fault.TRUNCATED: AWAY,
    Fault.LENGTH_TOO_LARGE: AWAY,
    Fault.LENGTH_TOO_SMALL: AWAY,
    Fault.HUGE_BODY: AWAY,
    Fault.GZIP_BOMB: AWAY,
    Fault.EMPTY_BODY: AWAY,
    Fault.WEB_PAGE: AWAY,
    Fault.EMPTY_OBJECT: AWAY,
    Fault.EMPTY_LIST: AWAY,
    Fault.OTHER_OBJECT: AWAY,
    Fault.OTHER_LIST: AWAY,
    Fault.NUMBER: AWAY,
    Fault.DEVICE_GONE: GONE,
    Fault.DEVICE_RENAMED: GONE,
    Fault.ANOTHER_DEVICE: GONE,
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
    assert len(lines_since(caplog, first_line)) == case.lines[0]
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
        assert len(lines_since(caplog, first_line)) == case.lines[1]
    issues = [key for key, _ in ir.async_get(hass).issues.items() if key[0] == "onemeter"]
    assert issues == []
    assert hass.config_entries.flow.async_progress() == []
    assert API_KEY not in caplog.text
    assert faulty.elsewhere.requests == []
