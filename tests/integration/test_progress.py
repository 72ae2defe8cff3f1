"""What of a device's history has to be read again, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.onemeter.energy import Constants
from custom_components.onemeter.onemeter_cloud import Readings
from custom_components.onemeter.progress import Progress

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(*instants: datetime) -> Readings:
    """Return readings of these instants."""
    return Readings(
        times=tuple(int(time.timestamp()) for time in instants), rows=({},) * len(instants)
    )


def complete(*tail: datetime) -> Progress:
    """Return the progress of a device that was read wholly at noon, up to these readings."""
    progress = Progress()
    progress.note_all("plan", Constants(), at(*tail), at=NOON, clock=0.0)
    return progress


def due(progress: Progress, after: timedelta, devices: int = 1) -> datetime | None:
    return progress.due_since(NOON + after, clock=after.total_seconds(), devices=devices)


@pytest.mark.parametrize(
    ("after", "since"),
    [
        (HOUR, None),
        (DAY - 15 * MINUTE, None),
        (DAY, timedelta(days=7)),
        (7 * DAY, timedelta(days=60)),
    ],
)
def test_the_last_week_is_read_daily_and_two_months_weekly(
    after: timedelta, since: timedelta | None
) -> None:
    assert due(complete(NOON), after) == (None if since is None else NOON + after - since)


def test_a_window_that_was_read_is_not_due_before_the_next_time() -> None:
    progress = complete(NOON)
    week = NOON + DAY - 7 * DAY
    progress.note_part(at(NOON), week, at=NOON + DAY, clock=DAY.total_seconds())

    assert due(progress, 2 * DAY - 15 * MINUTE) is None
    assert due(progress, 2 * DAY) == week + DAY


def test_after_a_restart_the_last_week_is_due() -> None:
    stored = complete(NOON).as_json()

    assert due(Progress.from_json(stored), HOUR) == NOON + HOUR - 7 * DAY


@pytest.mark.parametrize(
    ("last", "new", "since"),
    [
        (0, 15, None),
        (0, 30, None),
        (0, 45, 0),
        (45, 60, None),
        (30, 60, None),
        (45, 75, 45),
        (50, 65, None),
    ],
)
def test_a_gap_is_a_full_hour_that_was_missed_or_much_of_one(
    last: int, new: int, since: int | None
) -> None:
    progress = complete(NOON + last * MINUTE)
    progress.note_gap(at(NOON + new * MINUTE))

    assert due(progress, 2 * HOUR) == (None if since is None else NOON + since * MINUTE)


def test_a_gap_is_read_from_the_oldest_reading_that_is_kept_until_that_is_done() -> None:
    progress = complete(NOON - 15 * MINUTE, NOON)
    progress.note_gap(at(NOON + 2 * HOUR))
    progress.tail = at(NOON + 2 * HOUR)
    progress.note_gap(at(NOON + 4 * HOUR))
    assert due(progress, 4 * HOUR) == NOON - 15 * MINUTE

    progress.note_part(at(NOON), NOON + HOUR, at=NOON + 4 * HOUR, clock=4 * 3600.0)
    assert due(progress, 5 * HOUR) == NOON - 15 * MINUTE, "that was not all of it"
    progress.note_part(at(NOON), NOON - 15 * MINUTE, at=NOON + 5 * HOUR, clock=5 * 3600.0)
    assert due(progress, 6 * HOUR) is None


@pytest.mark.parametrize(("devices", "turn"), [(1, 5 * MINUTE), (24, 2 * HOUR)])
def test_the_more_devices_the_longer_a_gap_waits_for_its_turn(
    devices: int, turn: timedelta
) -> None:
    progress = complete(NOON)
    progress.note_gap(at(NOON + HOUR))

    assert due(progress, turn - MINUTE, devices) is None
    assert due(progress, turn, devices) == NOON


def test_without_a_reading_there_is_no_gap() -> None:
    progress = complete()
    progress.note_gap(at(NOON))
    progress.tail = at(NOON)
    progress.note_gap(at())

    assert due(progress, HOUR) is None
