"""What the owner is told to do something about, and when that is over."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import async_capture_events

import custom_components.onemeter
from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.migration import FOREIGN_ENTRY
from custom_components.onemeter.onemeter_cloud.models import parse_device
from custom_components.onemeter.problems import (
    AccountFacts,
    DeviceFacts,
    HistoryFailure,
    Problem,
    problems_of,
)

from .clockwork import live_through, pass_in_one_step
from .local_cloud import FLAT, FLAT_ID, FLAT_VALUES, HOUSE, HOUSE_ID, HOUSE_VALUES, LocalCloud
from .registry import registered_device

if TYPE_CHECKING:
    from collections.abc import Mapping

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    from .conftest import MakeEntry

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TEXTS = json.loads(
    Path(custom_components.onemeter.__file__)
    .with_name("translations")
    .joinpath("en.json")
    .read_text(encoding="utf-8")
)["issues"]
GOOD_DEVICE = {"BATTERY_PC": 80}
ALL_KEYS = {
    "battery_low",
    "cloud_unreachable",
    "device_gone",
    "history_unreadable",
    "new_device",
    "no_reading",
    "rate_limited",
    "synchronization_needed",
    "wrong_meter",
}


@pytest.fixture(autouse=True)
async def _time_zone(hass: HomeAssistant) -> None:
    """A home in Warsaw, an hour ahead of UTC in winter."""
    await hass.config.async_set_time_zone("Europe/Warsaw")


def device(
    last_reading: Mapping[str, Any] = GOOD_DEVICE,
    *,
    read_at: datetime | None = NOW,
    gone: bool = False,
    battery_was_low: bool = False,
    unreadable_since: datetime | None = None,
) -> DeviceFacts:
    return DeviceFacts(
        name="House",
        device=parse_device({"lastReading": last_reading}, HOUSE_ID),
        read_at=read_at,
        gone=gone,
        battery_was_low=battery_was_low,
        history_failure=unreadable_since
        and HistoryFailure(since=unreadable_since, error="Not JSON"),
    )


def keys(now: datetime = NOW, house: DeviceFacts | None = None, **changes: Any) -> set[str]:
    return {problem.key for problem in problems(now, house, **changes)}


def problems(
    now: datetime = NOW, house: DeviceFacts | None = None, **changes: Any
) -> frozenset[Problem]:
    account = AccountFacts(
        name="My account",
        url="https://cloud.example",
        last_success=now,
        error=None,
        limited_since=None,
        devices={HOUSE_ID: house or device()},
        offered={},
    )
    return problems_of(now, replace(account, **changes))


def test_a_good_account_has_no_problems() -> None:
    assert problems() == frozenset()


@pytest.mark.parametrize(
    ("age", "expected"),
    [(2 * DAY - timedelta(seconds=1), set()), (2 * DAY, {"no_reading"})],
)
def test_a_device_is_silent_after_two_days(age: timedelta, expected: set[str]) -> None:
    assert keys(house=device(read_at=NOW - age)) == expected


def test_a_silent_device_is_told_with_the_time_of_the_home() -> None:
    (problem,) = problems(house=device(read_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC)))

    assert problem == Problem(
        key="no_reading",
        device_id=HOUSE_ID,
        placeholders=(("device", "House"), ("since", "2026-11-21 00:30")),
    )


def test_a_device_of_unknown_age_is_not_called_silent() -> None:
    assert keys(house=device(read_at=None)) == set()


@pytest.mark.parametrize(
    ("last_reading", "expected"),
    [
        ({"BATTERY_PC": 19.9}, {"battery_low"}),
        ({"BATTERY_PC": 20}, set()),
        ({}, set()),
        ({"BATTERY_PC": 80, "BATTERY_STATUS": "low"}, {"battery_low"}),
    ],
)
def test_a_low_battery_is_good_again_once_it_is_clearly_better(
    last_reading: dict[str, Any], expected: set[str]
) -> None:
    assert keys(house=device(last_reading, battery_was_low=True)) == expected


def test_a_device_is_not_silent_because_the_account_could_not_be_asked() -> None:
    silent_for_a_day = device(read_at=NOW - DAY)

    assert keys(NOW + 3 * DAY, silent_for_a_day, last_success=NOW) == set()
    assert keys(NOW + HOUR, device(read_at=NOW - 3 * DAY), last_success=NOW) == {"no_reading"}
    assert keys(NOW + 2 * DAY, device(read_at=NOW - 3 * DAY), last_success=NOW) == set()


def test_a_clock_that_is_set_back_makes_no_device_silent() -> None:
    assert keys(NOW, device(read_at=NOW - HOUR), last_success=NOW + 3 * DAY) == set()


@pytest.mark.parametrize(
    ("last_reading", "expected"),
    [
        ({"BATTERY_PC": 10}, {"battery_low"}),
        ({"BATTERY_PC": 11}, set()),
        ({}, set()),
        ({"OBIS": {"S_1_1_16": ["SYNCHRONIZATION_NEEDED"]}}, {"synchronization_needed"}),
        ({"OBIS": {"S_1_1_16": ["WRONG_METER"]}}, {"wrong_meter"}),
        (
            {"BATTERY_PC": 3, "OBIS": {"S_1_1_16": ["WRONG_METER"]}},
            {"battery_low", "wrong_meter"},
        ),
    ],
)
def test_what_a_reader_tells_of_itself(last_reading: dict[str, Any], expected: set[str]) -> None:
    assert keys(house=device(last_reading)) == expected


def test_of_a_device_that_is_gone_nothing_else_is_told() -> None:
    house = device({"BATTERY_PC": 3}, read_at=NOW - 9 * DAY, gone=True)
    assert keys(house=house) == {"device_gone"}


@pytest.mark.parametrize(
    ("silence", "error", "expected"),
    [
        (DAY - timedelta(seconds=1), "No connection", set()),
        (DAY, "No connection", {"cloud_unreachable"}),
        (DAY, None, set()),
    ],
)
def test_a_cloud_is_unreachable_after_a_day_of_errors(
    silence: timedelta, error: str | None, expected: set[str]
) -> None:
    house = device(read_at=NOW - silence)
    assert keys(NOW, house, last_success=NOW - silence, error=error) == expected


def test_of_an_account_that_never_answered_nothing_is_told() -> None:
    assert keys(last_success=None, error="No connection") == set()


@pytest.mark.parametrize(
    ("limited_for", "expected"),
    [
        (timedelta(hours=3) - timedelta(seconds=1), set()),
        (timedelta(hours=3), {"rate_limited"}),
        (2 * DAY, {"rate_limited"}),
    ],
)
def test_a_limit_is_told_after_three_hours_and_never_as_a_cloud_that_is_away(
    limited_for: timedelta, expected: set[str]
) -> None:
    since = NOW - limited_for
    found = keys(last_success=since, limited_since=since, error="Too many requests")
    assert found == expected


@pytest.mark.parametrize(
    ("since", "read_at", "told"),
    [
        (NOW - DAY, NOW, True),
        (NOW - DAY + timedelta(seconds=1), NOW, False),
        (NOW - 2 * DAY, NOW - 2 * DAY + timedelta(hours=1), True),
        (NOW - DAY, NOW - DAY - timedelta(hours=1), False),
        (NOW - DAY, None, False),
    ],
)
def test_a_history_that_stands_still_for_a_day_while_readings_come(
    since: datetime, read_at: datetime | None, *, told: bool
) -> None:
    house = device(read_at=read_at, unreadable_since=since)
    assert ("history_unreadable" in keys(house=house)) is told


def test_every_problem_fits_to_its_texts() -> None:
    account = {"last_success": NOW - DAY, "error": "No connection"}
    everything = {
        *problems(house=device({"BATTERY_PC": 1}, read_at=NOW - 3 * DAY)),
        *problems(house=device({"OBIS": {"S_1_1_16": ["SYNC", "WRONG_METER"]}})),
        *problems(house=device(gone=True)),
        *problems(house=device(unreadable_since=NOW - DAY)),
        *problems(offered={FLAT_ID: "Flat"}),
        *problems(**account),
        *problems(**account, limited_since=NOW - DAY),
    }

    assert {problem.key for problem in everything} == ALL_KEYS
    # The other issue is that of an entry which cannot be set up at all.
    assert set(TEXTS) - ALL_KEYS == {FOREIGN_ENTRY}
    for problem in everything:
        used = set(re.findall(r"{(\w+)}", json.dumps(TEXTS[problem.key])))
        assert dict(problem.placeholders).keys() == used, problem.key


def open_issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the open issues by their texts' keys."""
    return {
        issue.translation_key: issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def pass_by(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    time: timedelta,
    step: timedelta = 2 * QUARTER,
) -> None:
    for _ in range(-(-time // step)):
        await pass_in_one_step(hass, freezer, step)


async def test_a_silent_device_is_an_issue_until_the_next_reading(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID))
    await pass_by(hass, freezer, 2 * DAY - HOUR)
    assert open_issues(hass) == {}
    await pass_by(hass, freezer, 2 * HOUR)

    issue = open_issues(hass)["no_reading"]
    assert issue.translation_placeholders == {"device": "House", "since": "2026-11-23 11:05"}
    assert issue.severity is ir.IssueSeverity.WARNING
    assert not issue.is_fixable

    await cloud.read(HOUSE_ID, HOUSE_VALUES)
    await pass_by(hass, freezer, HOUR)
    assert open_issues(hass) == {}


async def test_readings_from_the_future_do_not_count_as_new(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID))
    await cloud.read(HOUSE_ID, HOUSE_VALUES, NOW + 365 * DAY)
    await pass_by(hass, freezer, 2 * DAY + HOUR)

    since = open_issues(hass)["no_reading"].translation_placeholders["since"]
    assert since == "2026-11-23 11:05"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"S_1_1_2": 1.95}, "battery_low"),
        ({"S_1_1_16": ["SYNCHRONIZATION_NEEDED"]}, "synchronization_needed"),
        ({"S_1_1_16": ["WRONG_METER"]}, "wrong_meter"),
    ],
)
async def test_what_a_reader_tells_is_an_issue_until_it_tells_so_no_more(
    hass: HomeAssistant,
    cloud: LocalCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    values: dict[str, Any],
    key: str,
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID, FLAT_ID))
    freezer.tick(QUARTER)
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, **values})
    await pass_by(hass, freezer, HOUR)
    (issue,) = open_issues(hass).values()
    assert (issue.translation_key, issue.translation_placeholders) == (key, {"device": "House"})

    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "S_1_1_16": []})
    await pass_by(hass, freezer, HOUR)
    assert open_issues(hass) == {}


async def test_an_issue_calls_a_device_what_its_owner_calls_it(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "S_1_1_2": 1.95})
    await set_up(hass, make_entry(cloud, HOUSE_ID))
    dr.async_get(hass).async_update_device(
        registered_device(hass, HOUSE_ID), name_by_user="Grandmother's"
    )
    await pass_by(hass, freezer, QUARTER, QUARTER)

    issue = open_issues(hass)["battery_low"]
    assert issue.translation_placeholders == {"device": "Grandmother's"}


async def test_a_device_that_leaves_the_account_is_an_issue_once_it_is_not_shown_any_more(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
    await set_up(hass, entry)
    await cloud.remove(FLAT_ID)
    await entry.runtime_data.coordinator.async_refresh_for_user()
    assert entry.runtime_data.coordinator.missing == {FLAT_ID}
    assert open_issues(hass) == {}
    await pass_by(hass, freezer, 2 * HOUR)

    (issue,) = open_issues(hass).values()
    assert issue.translation_key == "device_gone"
    assert issue.translation_placeholders == {"device": "Flat"}
    assert issue.is_fixable
    assert hass.states.get("sensor.flat_absolute_energy").state == "unavailable"

    await cloud.add(FLAT, FLAT_VALUES)
    await pass_by(hass, freezer, HOUR)
    assert open_issues(hass) == {}


async def test_a_device_that_was_gone_before_the_start_is_called_what_its_settings_say(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await cloud.remove(FLAT_ID)
    await set_up(hass, make_entry(cloud, HOUSE_ID, FLAT_ID))

    issue = open_issues(hass)["device_gone"]
    assert issue.translation_placeholders == {"device": FLAT_ID}


async def test_a_cloud_that_is_away_for_a_day_is_an_issue_until_it_is_back(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await set_up(hass, make_entry(cloud, HOUSE_ID))
    await pass_by(hass, freezer, DAY - HOUR)
    assert open_issues(hass) == {}
    await pass_by(hass, freezer, HOUR)

    (issue,) = open_issues(hass).values()
    error = issue.translation_placeholders.pop("error")
    assert error == "The server cannot be reached."
    assert issue.translation_key == "cloud_unreachable"
    assert issue.severity is ir.IssueSeverity.ERROR
    assert issue.translation_placeholders == {
        "account": "Test cloud",
        "since": "2026-11-23 11:05",
        "url": f"http://127.0.0.1:{unused_tcp_port}",
    }

    await pass_by(hass, freezer, 2 * DAY)
    assert open_issues(hass).keys() == {"cloud_unreachable"}, "no device is blamed"

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await pass_by(hass, freezer, HOUR)
        assert open_issues(hass) == {}


async def test_a_limit_that_lasts_for_hours_is_an_issue_until_an_answer_comes(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
) -> None:
    async with LocalCloud.running(
        port=unused_tcp_port, rate_limit_per_minute=1 / (60 * 30)
    ) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        entry = make_entry(cloud, HOUSE_ID)
        await set_up(hass, entry)
        await pass_by(hass, freezer, 3 * HOUR)
        assert entry.runtime_data.coordinator.limited_since is not None
        assert open_issues(hass) == {}
        await pass_by(hass, freezer, HOUR)
        (issue,) = open_issues(hass).values()
        assert issue.translation_key == "rate_limited"
        assert issue.translation_placeholders.keys() == {"account", "since", "url"}
        await pass_by(hass, freezer, 22 * HOUR)
        assert open_issues(hass).keys() == {"rate_limited"}, "not a cloud that is away"

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await pass_by(hass, freezer, 7 * HOUR)
        assert open_issues(hass) == {}


async def test_a_refused_key_is_no_cloud_that_is_away(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    entry = make_entry(cloud, HOUSE_ID)
    await set_up(hass, entry)
    await cloud.refuse_key()
    await pass_by(hass, freezer, 3 * DAY, HOUR)

    assert entry.runtime_data.coordinator.answered is False
    assert open_issues(hass) == {}


async def test_what_has_not_changed_is_not_told_again(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "S_1_1_2": 1.95})
    events = async_capture_events(hass, ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED)
    await set_up(hass, make_entry(cloud, HOUSE_ID))
    await pass_by(hass, freezer, 4 * HOUR)

    assert [event.data["action"] for event in events] == ["create"]


async def test_a_battery_that_is_low_now_and_then_is_told_once(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await set_up(hass, make_entry(cloud, HOUSE_ID))
    events = async_capture_events(hass, ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED)
    for percent in (10, 11, 9, 15, 100):
        await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "S_1_1_2": 1.93 + 0.0106 * percent})
        await pass_by(hass, freezer, HOUR)

    assert [event.data["action"] for event in events] == ["create", "remove"]


async def test_a_cloud_that_stays_away_is_told_once(
    hass: HomeAssistant,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    unused_tcp_port: int,
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await set_up(hass, make_entry(cloud, HOUSE_ID))
    events = async_capture_events(hass, ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED)
    await pass_by(hass, freezer, 2 * DAY)

    assert [event.data["action"] for event in events] == ["create"]


async def test_each_account_has_its_own_issues_and_unloading_closes_them(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, freezer: FrozenDateTimeFactory
) -> None:
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "S_1_1_2": 1.95})
    await cloud.read(FLAT_ID, {**FLAT_VALUES, "S_1_1_2": 1.95})
    entries = [make_entry(cloud, HOUSE_ID), make_entry(cloud, FLAT_ID)]
    await set_up(hass, entries[0])
    # The second has to wait for its turn in the budget of the key that they share.
    await live_through(hass, freezer, HOUR)
    assert len(ir.async_get(hass).issues) == 2

    await hass.config_entries.async_unload(entries[0].entry_id)
    assert open_issues(hass)["battery_low"].translation_placeholders == {"device": "Flat"}
    await hass.config_entries.async_unload(entries[1].entry_id)
    assert ir.async_get(hass).issues == {}


async def test_removing_an_account_closes_its_issues_also_those_that_were_ignored_before_a_restart(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry
) -> None:
    await cloud.read(HOUSE_ID, {**HOUSE_VALUES, "S_1_1_2": 1.95})
    entry = make_entry(cloud, HOUSE_ID)
    await set_up(hass, entry)
    stored = as_after_a_restart(open_issues(hass)["battery_low"])
    await hass.config_entries.async_unload(entry.entry_id)
    ir.async_get(hass).issues[DOMAIN, stored.issue_id] = stored
    await hass.config_entries.async_remove(entry.entry_id)

    assert ir.async_get(hass).issues == {}


async def test_what_was_ignored_stays_so_over_a_restart_without_the_cloud(
    hass: HomeAssistant, make_entry: MakeEntry, freezer: FrozenDateTimeFactory, unused_tcp_port: int
) -> None:
    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await cloud.add(FLAT, FLAT_VALUES)
        entry = make_entry(cloud, HOUSE_ID, FLAT_ID)
        await set_up(hass, entry)
        await cloud.remove(FLAT_ID)
        await pass_by(hass, freezer, 3 * HOUR)
        issue_id = open_issues(hass)["device_gone"].issue_id
        ir.async_ignore_issue(hass, DOMAIN, issue_id, ignore=True)
        stored = as_after_a_restart(open_issues(hass)["device_gone"])
        await hass.config_entries.async_unload(entry.entry_id)
    ir.async_get(hass).issues[DOMAIN, stored.issue_id] = stored
    await set_up(hass, entry)
    assert ir.async_get(hass).issues[DOMAIN, stored.issue_id] == stored

    async with LocalCloud.running(port=unused_tcp_port) as cloud:
        await cloud.add(HOUSE, HOUSE_VALUES)
        await cloud.add(FLAT, FLAT_VALUES)
        await pass_by(hass, freezer, HOUR)
        assert ir.async_get(hass).issues == {}, "over, so the next one is told again"


def as_after_a_restart(issue: ir.IssueEntry) -> ir.IssueEntry:
    """Return what Home Assistant reads back of an issue."""
    return replace(
        issue,
        active=False,
        data=None,
        is_fixable=None,
        severity=None,
        translation_key=None,
        translation_placeholders=None,
    )
