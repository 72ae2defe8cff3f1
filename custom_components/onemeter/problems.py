"""What the owner has to do something about: open in Home Assistant's repairs while it lasts."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from homeassistant.const import CONF_DEVICE_ID
from homeassistant.core import callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import RATE_LIMIT_PATIENCE
from .errors import error_text
from .onemeter_cloud import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from homeassistant.core import HomeAssistant

    from .coordinator import OneMeterCoordinator
    from .data import OneMeterConfigEntry
    from .new_devices import NewDevices
    from .onemeter_cloud import Device

BATTERY_LOW: Final = "battery_low"
CLOUD_UNREACHABLE: Final = "cloud_unreachable"
DEVICE_GONE: Final = "device_gone"
HISTORY_UNREADABLE: Final = "history_unreadable"
NEW_DEVICE: Final = "new_device"
NO_READING: Final = "no_reading"
RATE_LIMITED: Final = "rate_limited"
SYNCHRONIZATION_NEEDED: Final = "synchronization_needed"
WRONG_METER: Final = "wrong_meter"

LONGEST_SILENCE_OF_DEVICE: Final = timedelta(days=2)
LONGEST_SILENCE_OF_CLOUD: Final = timedelta(days=1)
LONGEST_FAILURE_OF_HISTORY: Final = timedelta(days=1)
BATTERY_GOOD_PERCENT: Final = 20.0
"""A weak battery tells a little more when it is warm: it is not good again for that."""

CHECK_EVERY: Final = timedelta(minutes=15)
"""A coordinator that goes on failing tells nobody, but time passes all the same."""

DATA_ENTRY_ID: Final = "entry_id"
DATA_NAME: Final = "name"
DATA_SUBENTRY_ID: Final = "subentry_id"

_TIME_FORMAT: Final = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to be told: `key` names its texts, `placeholders` are (name, text) pairs in order.

    `device_id` is `None` where the whole account is meant.
    """

    key: str
    device_id: str | None = None
    placeholders: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFailure:
    """Since when the history of a device cannot be read, and why: in words for its owner."""

    since: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """What is known of a chosen device.

    `device` is what the account said last, `None` if it has said nothing yet; `read_at` the newest
    date of a reading that can be believed; `gone` whether the account has not had it for a while;
    `battery_was_low` whether that has been told and is not over yet; `history_failure` is there
    while its history cannot be read.
    """

    name: str
    device: Device | None
    read_at: datetime | None
    gone: bool
    battery_was_low: bool
    history_failure: HistoryFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What is known of an account.

    `error` is the last error's text while the account cannot be asked, except for a refused key,
    which Home Assistant tells by itself. `limited_since` is there only while the account is asked
    too often. `offered` are the names of devices that have joined the account, by their ids.
    """

    name: str
    url: str
    last_success: datetime | None
    error: str | None
    limited_since: datetime | None
    devices: Mapping[str, DeviceFacts]
    offered: Mapping[str, str]


def problems_of(now: datetime, account: AccountFacts) -> frozenset[Problem]:
    """Return what the owner of an account has to be told now."""
    return frozenset([*_of_account(now, account), *_of_devices(now, account)])


def _of_account(now: datetime, account: AccountFacts) -> Iterator[Problem]:
    limited_since = account.limited_since
    if limited_since is not None:
        if now - limited_since >= RATE_LIMIT_PATIENCE:
            yield Problem(
                key=RATE_LIMITED,
                placeholders=(
                    ("account", account.name),
                    ("since", _local(limited_since)),
                    ("url", account.url),
                ),
            )
    elif (
        account.error is not None
        and account.last_success is not None
        and now - account.last_success >= LONGEST_SILENCE_OF_CLOUD
    ):
        yield Problem(
            key=CLOUD_UNREACHABLE,
            placeholders=(
                ("account", account.name),
                ("error", account.error),
                ("since", _local(account.last_success)),
                ("url", account.url),
            ),
        )
    for device_id, name in account.offered.items():
        yield Problem(
            key=NEW_DEVICE,
            device_id=device_id,
            placeholders=(("account", account.name), ("device", name)),
        )


def _of_devices(now: datetime, account: AccountFacts) -> Iterator[Problem]:
    for device_id, facts in account.devices.items():
        name = ("device", facts.name)
        if facts.gone:
            yield Problem(key=DEVICE_GONE, device_id=device_id, placeholders=(name,))
            continue
        if facts.read_at is not None and _is_silent(now, account.last_success, facts.read_at):
            yield Problem(
                key=NO_READING,
                device_id=device_id,
                placeholders=(name, ("since", _local(facts.read_at))),
            )
        if (failure := facts.history_failure) is not None and _is_stuck(now, failure, facts):
            yield Problem(
                key=HISTORY_UNREADABLE,
                device_id=device_id,
                placeholders=(name, ("error", failure.error), ("since", _local(failure.since))),
            )
        if facts.device is not None:
            for key in _told_by_reader(facts.device, battery_was_low=facts.battery_was_low):
                yield Problem(key=key, device_id=device_id, placeholders=(name,))


def _is_silent(now: datetime, asked_at: datetime | None, read_at: datetime) -> bool:
    """Tell whether a device has not been read for long, as far as the account could be asked."""
    return (
        asked_at is not None
        and now - asked_at < LONGEST_SILENCE_OF_DEVICE
        and min(now, asked_at) - read_at >= LONGEST_SILENCE_OF_DEVICE
    )


def _is_stuck(now: datetime, failure: HistoryFailure, facts: DeviceFacts) -> bool:
    """Tell whether a history has stood still for long while its device goes on being read."""
    return (
        now - failure.since >= LONGEST_FAILURE_OF_HISTORY
        and facts.read_at is not None
        and facts.read_at > failure.since
    )


def _told_by_reader(device: Device, *, battery_was_low: bool) -> Iterator[str]:
    """Yield the problems that a reader tells of itself."""
    percent = device.battery_percent
    still_low = battery_was_low and percent is not None and percent < BATTERY_GOOD_PERCENT
    if device.battery_low or still_low:
        yield BATTERY_LOW
    if device.synchronization_needed:
        yield SYNCHRONIZATION_NEEDED
    if device.on_wrong_meter:
        yield WRONG_METER


def _local(instant: datetime) -> str:
    """Return an instant in the time of the home, in a format that is read in all languages."""
    return dt_util.as_local(instant).strftime(_TIME_FORMAT)


class ProblemWatcher:
    """Makes Home Assistant's issues of an account equal to its problems, until it is unloaded."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: OneMeterConfigEntry,
        coordinator: OneMeterCoordinator,
        new_devices: NewDevices,
    ) -> None:
        """Know nothing yet."""
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._new_devices = new_devices
        self._error: BaseException | None = None
        self._read_at: dict[str, datetime] = {}

    @callback
    def async_start(self) -> None:
        """Watch from now on."""
        for unsubscribe in (
            self._coordinator.async_add_listener(self._update),
            async_track_time_interval(
                self._hass,
                self._on_time,
                CHECK_EVERY,
                name=f"{self._entry.title} - problems",
                cancel_on_shutdown=True,
            ),
            lambda: _delete_unless_ignored(self._hass, self._entry.entry_id),
        ):
            self._entry.async_on_unload(unsubscribe)
        self._update()

    @callback
    def _on_time(self, _now: datetime) -> None:
        self._update()

    @callback
    def _update(self) -> None:
        """Open and close issues."""
        open_ids = set()
        for problem in problems_of(dt_util.utcnow(), self._facts()):
            issue_id = self._issue_id(problem.key, problem.device_id)
            open_ids.add(issue_id)
            self._open(issue_id, problem)
        for issue in _issues_of(self._hass, self._entry.entry_id):
            # What was ignored before a start stays so, until an answer tells that it is over.
            ignored = not issue.active or issue.dismissed_version is not None
            if issue.issue_id not in open_ids and (not ignored or self._coordinator.answered):
                ir.async_delete_issue(self._hass, DOMAIN, issue.issue_id)

    def _open(self, issue_id: str, problem: Problem) -> None:
        data = self._data_of(problem)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data=data,
            is_fixable=data is not None,
            severity=ir.IssueSeverity.ERROR
            if problem.key == CLOUD_UNREACHABLE
            else ir.IssueSeverity.WARNING,
            translation_key=problem.key,
            translation_placeholders=dict(problem.placeholders),
        )

    def _data_of(self, problem: Problem) -> dict[str, str | int | float | None] | None:
        """Return what Home Assistant needs to repair a problem itself, `None` if it cannot."""
        device_id = problem.device_id
        if device_id is None or problem.key not in {DEVICE_GONE, NEW_DEVICE}:
            return None
        if problem.key == NEW_DEVICE:
            own = {CONF_DEVICE_ID: device_id, DATA_NAME: dict(problem.placeholders)["device"]}
        else:
            own = {DATA_SUBENTRY_ID: self._coordinator.subentry_ids[device_id]}
        return {DATA_ENTRY_ID: self._entry.entry_id, **own}

    def _issue_id(self, key: str, device_id: str | None) -> str:
        """Return an id that tells nobody what it is about: Home Assistant's diagnostics show it."""
        issue_id = f"{_prefix(self._entry.entry_id)}{key}"
        if device_id is None:
            return issue_id
        if key == NEW_DEVICE:
            return f"{issue_id}_{hashlib.sha256(device_id.encode()).hexdigest()[:16]}"
        return f"{issue_id}_{self._coordinator.subentry_ids[device_id]}"

    def _is_told(self, key: str, device_id: str) -> bool:
        """Tell whether there is an issue, also one that was ignored."""
        issue_id = self._issue_id(key, device_id)
        return ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id) is not None

    def _facts(self) -> AccountFacts:
        """Return what is known now."""
        coordinator = self._coordinator
        failure = None if coordinator.last_update_success else coordinator.last_exception
        cause = failure and failure.__cause__
        self._note_error(failure, cause)
        return AccountFacts(
            name=self._entry.title,
            url=coordinator.cloud.web_url,
            last_success=coordinator.last_success,
            error=None if self._error is None else error_text(self._hass, self._error),
            limited_since=coordinator.limited_since if isinstance(cause, RateLimitError) else None,
            devices={device_id: self._device(device_id) for device_id in coordinator.subentry_ids},
            offered=self._new_devices.offered,
        )

    def _note_error(self, failure: BaseException | None, cause: BaseException | None) -> None:
        """Keep what went wrong, not a wait that came of it."""
        if failure is None or isinstance(failure, ConfigEntryAuthFailed):
            self._error = None
        elif self._error is None or not isinstance(cause, RateLimitError):
            self._error = cause or failure

    def _device(self, device_id: str) -> DeviceFacts:
        state = self._coordinator.data.get(device_id)
        if state is not None and state.read_at is not None:
            self._read_at[device_id] = state.read_at
        gone = device_id in self._coordinator.missing and not self._coordinator.is_fresh(device_id)
        return DeviceFacts(
            name=self._name_of(device_id),
            device=None if state is None else state.device,
            read_at=self._read_at.get(device_id),
            gone=gone,
            battery_was_low=self._is_told(BATTERY_LOW, device_id),
            history_failure=self._history_failure(device_id),
        )

    def _history_failure(self, device_id: str) -> HistoryFailure | None:
        """Return what keeps the history of a device from being read."""
        history = self._entry.runtime_data.history
        failure = None if history is None else history.failure(device_id)
        if failure is None:
            return None
        since, error = failure
        return HistoryFailure(since=since, error=error_text(self._hass, error))

    def _name_of(self, device_id: str) -> str:
        """Return what the owner calls a device, also one that the account does not have."""
        registered = dr.async_get(self._hass).async_get_device_by_identifier(
            (DOMAIN, device_id), self._entry.entry_id
        )
        subentry = self._entry.subentries[self._coordinator.subentry_ids[device_id]]
        return (registered and (registered.name_by_user or registered.name)) or subentry.title


@callback
def async_delete_issues(hass: HomeAssistant, entry_id: str) -> None:
    """Close all issues of an account."""
    for issue in _issues_of(hass, entry_id):
        ir.async_delete_issue(hass, DOMAIN, issue.issue_id)


@callback
def _delete_unless_ignored(hass: HomeAssistant, entry_id: str) -> None:
    """Close the issues of an account that is unloaded; what was ignored stays so if it returns."""
    for issue in _issues_of(hass, entry_id):
        if issue.dismissed_version is None:
            ir.async_delete_issue(hass, DOMAIN, issue.issue_id)


def _issues_of(hass: HomeAssistant, entry_id: str) -> list[ir.IssueEntry]:
    prefix = _prefix(entry_id)
    return [
        issue
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue_id.startswith(prefix)
    ]


def _prefix(entry_id: str) -> str:
    return f"{entry_id}_"
