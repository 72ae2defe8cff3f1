"""What of a device's history is due, and when."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from custom_components.onemeter.history.due import (
    LONGEST_PAUSE,
    SHORTEST_PAUSE,
    Check,
    Job,
    Newest,
    Progress,
    Since,
    Whole,
    tail_of,
)
from custom_components.onemeter.history.outline import Outline
from custom_components.onemeter.onemeter_cloud import ErrorKind, InvalidResponseError, Readings
from custom_components.onemeter.onemeter_cloud.history import HourRow

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PLAN = "plan"
NO_NUMBERS = InvalidResponseError(ErrorKind.NO_NUMBERS)


def at(*instants: datetime, code: str = "1_8_0") -> Readings:
    """Return readings of these instants."""
    return Readings(
        times=tuple(int(time.timestamp()) for time in instants), rows=({code: 1.0},) * len(instants)
    )


def outline(last: datetime) -> Outline:
    """Return the outline of a statistic up to an hour."""
    return Outline.of(
        [HourRow(int((last - DAY).timestamp()), 1.0, 0.0), HourRow(int(last.timestamp()), 1.0, 0.0)]
    )


def complete(*tail: datetime) -> Progress:
    """Return the progress of a device that was read wholly at noon, up to these readings."""
    progress = Progress()
    progress.note_whole(
        PLAN, {"energy_import": outline(NOON - HOUR)}, at(*tail), at=NOON, clock=0.0
    )
    return progress


def due(progress: Progress, after: timedelta, devices: int = 1) -> Job | None:
    """Return what is due some time after noon, but for the daily look at the recorder."""
    clock = after.total_seconds()
    progress.checked_at = clock
    return progress.due(PLAN, NOON + after, clock=clock, devices=devices)


def since(progress: Progress, after: timedelta, devices: int = 1) -> datetime | None:
    """Return from when on a part is due."""
    job = due(progress, after, devices)
    assert isinstance(job, Since | Newest | None)
    return job.start if isinstance(job, Since) else None


@pytest.mark.parametrize(
    ("after", "start"),
    [
        (HOUR, None),
        (DAY - 15 * MINUTE, None),
        (DAY, timedelta(days=7)),
        (7 * DAY, timedelta(days=60)),
    ],
)
def test_the_last_week_is_read_daily_and_two_months_weekly(
    after: timedelta, start: timedelta | None
) -> None:
    assert since(complete(NOON), after) == (None if start is None else NOON + after - start)


def test_a_window_that_was_read_is_not_due_before_the_next_time() -> None:
    progress = complete(NOON)
    week = NOON + DAY - 7 * DAY
    progress.note_part(at(NOON), week, at=NOON + DAY, clock=DAY.total_seconds())

    assert since(progress, 2 * DAY - 15 * MINUTE) is None
    assert since(progress, 2 * DAY) == week + DAY


def test_after_a_restart_the_recorder_is_asked_and_the_last_week_read() -> None:
    progress = Progress.from_json(complete(NOON).as_json())

    assert progress.due(PLAN, NOON + HOUR, clock=5.0, devices=1) == Check()
    assert since(progress, HOUR) == NOON + HOUR - 7 * DAY


def test_a_part_begins_no_later_than_the_last_hour_that_is_known() -> None:
    """A backup of long ago has been restored, with all files."""
    stored = complete(NOON).as_json()
    stored["outlines"]["energy_import"] = outline(NOON - 80 * DAY).as_json()

    assert since(Progress.from_json(stored), HOUR) == NOON - 80 * DAY


def test_the_recorder_is_asked_once_a_day() -> None:
    progress = complete(NOON)
    day = DAY.total_seconds()

    assert progress.due(PLAN, NOON + DAY - MINUTE, clock=day - 60, devices=1) is None
    assert progress.due(PLAN, NOON + DAY, clock=day, devices=1) == Check()


@pytest.mark.parametrize(
    ("last", "new", "is_gap"),
    [
        (0, 15, False),
        (0, 30, False),
        (0, 45, True),
        (45, 60, False),
        (30, 60, False),
        (45, 75, True),
        (50, 65, False),
    ],
)
def test_a_gap_is_a_full_hour_that_was_missed_or_much_of_one(
    last: int, new: int, *, is_gap: bool
) -> None:
    progress = complete(NOON + last * MINUTE)
    progress.note_poll(at(NOON + new * MINUTE))

    assert due(progress, 2 * HOUR) == (Since(NOON - HOUR) if is_gap else Newest())


def test_a_register_that_is_read_rarely_leaves_no_gap_while_others_are_read() -> None:
    progress = complete(NOON)
    for quarter in range(1, 9):
        progress.note_poll(at(NOON + quarter * 15 * MINUTE, code="15_8_0"))
    progress.note_poll(at(NOON + 2 * HOUR))

    assert due(progress, 2 * HOUR) == Newest()


def test_a_gap_is_read_from_the_last_hour_that_is_known_until_that_is_done() -> None:
    progress = complete(NOON - 15 * MINUTE, NOON)
    progress.note_poll(at(NOON + 2 * HOUR))
    progress.note_poll(at(NOON + 4 * HOUR))
    assert since(progress, 4 * HOUR) == NOON - HOUR

    progress.note_part(at(NOON), NOON + HOUR, at=NOON + 4 * HOUR, clock=4 * 3600.0)
    assert isinstance(due(progress, 5 * HOUR), Since), "that was not all of it"
    progress.note_part(at(NOON), NOON, at=NOON + 5 * HOUR, clock=5 * 3600.0)
    assert due(progress, 6 * HOUR) is None


@pytest.mark.parametrize(("devices", "turn"), [(1, 5 * MINUTE), (24, 2 * HOUR)])
def test_the_more_devices_the_longer_a_gap_waits_for_its_turn(
    devices: int, turn: timedelta
) -> None:
    progress = complete(NOON)
    progress.note_poll(at(NOON + HOUR))

    assert due(progress, turn - MINUTE, devices) == Newest()
    assert isinstance(due(progress, turn, devices), Since)


def test_without_a_reading_there_is_no_gap() -> None:
    progress = complete()
    progress.note_poll(at())
    assert due(progress, HOUR) is None
    progress.note_poll(at(NOON))
    assert due(progress, HOUR) == Newest()


def test_what_a_poll_tells_again_is_not_written_again() -> None:
    progress = complete(NOON)
    progress.note_poll(at(NOON))
    assert due(progress, HOUR) is None


def test_the_whole_history_is_due_at_first_and_when_it_is_to_be_understood_in_another_way() -> None:
    assert due(Progress(), HOUR) == Whole()
    progress = complete(NOON)
    assert progress.due("another plan", NOON + HOUR, clock=3600.0, devices=1) == Whole()


def test_a_misfit_makes_the_whole_history_due_but_not_again_and_again() -> None:
    progress = complete(NOON)
    hours = 0
    asked = []
    while hours < 12 * 12:
        hours += 1
        progress.note_misfit()
        after = hours * 5 * MINUTE
        if due(progress, after) == Whole():
            asked.append(after)
            progress.note_whole(
                PLAN, progress.outlines, at(NOON), at=NOON + after, clock=after.total_seconds()
            )
    assert len(asked) <= 8
    assert asked[0] == 5 * MINUTE

    progress.note_misfit()
    assert due(progress, 12 * HOUR + DAY + LONGEST_PAUSE) == Whole()


def test_a_history_that_cannot_be_read_waits_longer_each_time() -> None:
    progress = complete(NOON)
    progress.gap_since = int(NOON.timestamp())
    attempts = []
    for minute in range(30 * 60):
        if isinstance(due(progress, HOUR + minute * MINUTE), Since):
            attempts.append(minute)
            progress.note_failure(NO_NUMBERS, at=NOON, clock=3600.0 + minute * 60)
    assert len(attempts) <= 12
    gaps = [later - earlier for earlier, later in pairwise(attempts)]
    assert gaps == sorted(gaps)
    assert gaps[0] == SHORTEST_PAUSE / MINUTE
    assert gaps[-1] == LONGEST_PAUSE / MINUTE
    assert (progress.failing_since, progress.error) == (NOON, NO_NUMBERS)


def test_what_polls_bring_does_not_wait_for_a_history_that_cannot_be_read() -> None:
    progress = Progress()
    progress.note_failure(NO_NUMBERS, at=NOON, clock=0.0)
    progress.note_poll(at(NOON))
    assert due(progress, MINUTE) == Newest()


def test_a_history_that_was_read_is_not_failing_any_more() -> None:
    progress = complete(NOON)
    progress.note_failure(NO_NUMBERS, at=NOON, clock=0.0)
    progress.note_part(at(NOON), NOON, at=NOON + HOUR, clock=3600.0)
    assert (progress.failing_since, progress.error, progress.cloud_pause.failures) == (
        None,
        None,
        0,
    )


def test_the_tail_is_two_days_and_some_more_of_what_is_read_rarely() -> None:
    often = at(*(NOON - quarter * 15 * MINUTE for quarter in range(1000, -1, -1)))
    rows = [dict(row) for row in often.rows]
    for number in range(0, 1001, 40):
        rows[number]["2_8_0"] = 1.0
    tail = tail_of(Readings(times=often.times, rows=tuple(rows)))

    assert len(tail.series("2_8_0")) == 16
    assert len(tail.times) == 2 * 96 + 1 + 11
    assert tail.times[-1] == NOON.timestamp()
