"""When the cloud is polled: at a fixed interval, or as learned from when readings appear."""

import json
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custom_components.onemeter.polling import (
    LONGEST_WAIT,
    SHORTEST_WAIT,
    FixedSchedule,
    LearningSchedule,
    delay_of,
    next_poll,
)

from .reader_simulation import (
    DAY,
    QUARTER,
    START,
    WEEK,
    changing,
    constant,
    live,
    newest_dates,
    uniform,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from custom_components.onemeter.polling import Schedule

    from .reader_simulation import Delay, Life

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SEED = "an account"


def learned(delay: Delay) -> tuple[LearningSchedule, datetime]:
    """Return a schedule that has lived with a device for two days, and the time then."""
    schedule = LearningSchedule(SEED)
    life = live(schedule, delay, time=2 * DAY)
    last = life.polls[-1]
    return schedule, schedule.next(last)


def gaps(polls: Sequence[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(polls)]


def fixed(*delays: Delay) -> Life:
    return live(FixedSchedule(QUARTER, SEED), *delays)


@given(
    last=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    interval=st.integers(1, 60).map(lambda minutes: timedelta(minutes=minutes)),
    seed=st.text(),
)
def test_the_next_poll_is_aligned_and_never_too_early(
    last: datetime, interval: timedelta, seed: str
) -> None:
    delay = delay_of(seed)
    planned = next_poll(last, interval, delay)

    assert timedelta(seconds=30) <= delay < timedelta(seconds=50)
    assert last + SHORTEST_WAIT <= planned < last + SHORTEST_WAIT + interval
    aligned = (planned - delay).timestamp() % interval.total_seconds()
    assert min(aligned, interval.total_seconds() - aligned) < 1e-3


@pytest.mark.parametrize("minutes", [1, 5, 15, 60])
def test_a_fixed_interval_is_kept_whatever_is_answered(minutes: int) -> None:
    interval = timedelta(minutes=minutes)
    schedule = FixedSchedule(interval, SEED)
    first = schedule.next(START)
    schedule.answered(first, [START])
    second = schedule.next(first)
    schedule.failed(second)
    third = schedule.next(second + SECOND)

    assert gaps([first, second, third]) == [interval, interval]
    assert schedule.usual_gap == interval
    assert schedule.as_json() == {}


def test_a_fixed_interval_goes_on_after_the_clock_was_set_back() -> None:
    schedule = FixedSchedule(QUARTER, SEED)
    schedule.answered(START + DAY, [START])

    assert START < schedule.next(START) <= START + SHORTEST_WAIT + QUARTER


def test_a_fixed_interval_that_was_due_long_ago_is_due_at_once() -> None:
    schedule = FixedSchedule(QUARTER, SEED)
    schedule.answered(START, [START])

    assert schedule.next(START + DAY) == START + DAY + SECOND


@given(
    delay=st.floats(0, 1800),
    begin=st.floats(0, 900),
    seed=st.text(max_size=3),
)
@example(delay=20.0, begin=0.0, seed=SEED)
@example(delay=240.0, begin=0.0, seed=SEED)
@settings(max_examples=25, deadline=None)
def test_a_constant_delay_is_learned_and_costs_no_more_polls_than_every_15_minutes(
    delay: float, begin: float, seed: str
) -> None:
    start = START + timedelta(seconds=begin)
    learning = live(LearningSchedule(seed), constant(delay), start=start)
    every_quarter = live(FixedSchedule(QUARTER, seed), constant(delay), start=start)

    assert fmean(learning.ages()) < 45
    assert fmean(learning.ages(since=start + DAY)) < 35
    # In a week; the last quarter-hour of it may have its poll a little sooner, and just be in it.
    assert len(learning.polls) <= len(every_quarter.polls) + 1


@pytest.mark.parametrize("delay", [20, 240, 700, 899])
def test_a_constant_delay_is_learned_within_half_a_day(delay: int) -> None:
    ages = live(LearningSchedule(SEED), constant(delay)).ages(
        since=START + DAY / 2, until=START + DAY
    )

    assert ages[-1] < 30


@pytest.mark.parametrize(
    ("before", "after"), [(20, 240), (240, 20), (20, 880), (880, 20), (300, 800), (800, 300)]
)
def test_a_delay_that_changes_is_learned_again_within_little_more_than_a_day(
    before: int, after: int
) -> None:
    change = START + 3 * DAY
    life = live(LearningSchedule(SEED), changing(before, change, after))

    assert fmean(life.ages(since=change + 1.5 * DAY, until=change + 3.5 * DAY)) < 45


def test_a_delay_that_becomes_longer_is_learned_within_hours() -> None:
    change = START + 3 * DAY
    life = live(LearningSchedule(SEED), changing(20, change, 240))

    assert fmean(life.ages(since=change + DAY / 3, until=change + DAY)) < 30


@pytest.mark.parametrize("seconds_per_day", [20, -20])
def test_a_delay_that_drifts_is_followed(seconds_per_day: int) -> None:
    def drifting(date: datetime) -> timedelta:
        return timedelta(seconds=300 + seconds_per_day * ((date - START) / DAY))

    assert fmean(live(LearningSchedule(SEED), drifting).ages()) < 60


def test_a_late_reading_on_each_day_does_not_spoil_the_days() -> None:
    def late_once_a_day(date: datetime) -> timedelta:
        return timedelta(seconds=200 if (date.hour, date.minute) == (12, 15) else 20)

    life = live(LearningSchedule(SEED), late_once_a_day)

    for day in range(1, 7):
        ages = life.ages(since=START + day * DAY, until=START + (day + 1) * DAY)
        assert len([age for age in ages if age > 30]) <= 7
        assert fmean(ages) < 75


def polls_after(life: Life, date: datetime) -> list[float]:
    """Return how many seconds after a reading was made the polls of the next 15 minutes came."""
    return [(poll - date) / SECOND for poll in life.polls if date <= poll < date + QUARTER]


def test_a_late_reading_is_looked_for_again_after_one_and_after_four_minutes() -> None:
    late = START.replace(hour=18, minute=0) + DAY
    life = live(
        LearningSchedule(SEED),
        lambda date: timedelta(seconds=600 if date == late else 20),
        time=3 * DAY,
    )
    polls = polls_after(life, late)

    assert [poll - polls[0] for poll in polls] == pytest.approx([0, 60, 240], abs=3)


def test_a_second_late_reading_is_looked_for_when_the_first_was_seen() -> None:
    first = START.replace(hour=16, minute=0) + DAY
    second = first + 6 * HOUR
    life = live(
        LearningSchedule(SEED),
        lambda date: timedelta(seconds=200 if date in {first, second} else 20),
        time=3 * DAY,
    )
    polls = polls_after(life, first)

    assert len(polls) == 3
    assert polls_after(life, second) == pytest.approx([polls[0], polls[-1]], abs=3)


def test_a_late_reading_after_the_delay_became_shorter_is_no_reason_to_wait_as_before() -> None:
    change = START + 2.5 * DAY
    late = (START + 3.75 * DAY).replace(minute=0)

    def delay(date: datetime) -> timedelta:
        if date == late:
            return timedelta(seconds=200)
        return timedelta(seconds=400 if date < change else 20)

    ages = live(LearningSchedule(SEED), delay).ages(since=late, until=late + DAY / 4)

    assert len([age for age in ages if age > 30]) <= 6


def test_noise_that_looked_shorter_for_a_while_is_waited_for_as_before() -> None:
    lives = [live(LearningSchedule(SEED), uniform(0, 180, seed=seed)) for seed in range(5)]
    ages = [age for life in lives for age in life.ages(since=START + DAY)]

    assert fmean(ages) < 125


def test_noise_is_waited_for() -> None:
    noise = uniform(0, 600, seed=1)
    life = live(LearningSchedule(SEED), noise)

    assert fmean(life.ages()) < 0.65 * fmean(fixed(noise).ages())
    assert len(life.polls) <= len(fixed(noise).polls)
    assert len([age for age in life.ages(since=START + DAY) if age > 600]) < 0.1 * 6 * 96


def test_the_slowest_of_several_devices_sets_the_rhythm() -> None:
    life = live(LearningSchedule(SEED), constant(20), constant(240))
    slowest = life.readings[1]

    assert fmean(reading.age.total_seconds() for reading in slowest) < 45
    assert fmean(life.ages()) < 0.5 * fmean(fixed(constant(20), constant(240)).ages())


def test_a_device_that_stops_delivering_holds_the_others_up_for_no_longer_than_its_hour() -> None:
    stops = START + 3 * DAY

    def stopping(date: datetime) -> timedelta | None:
        return timedelta(seconds=20) if date < stops else None

    life = live(LearningSchedule(SEED), constant(20), stopping)

    assert max(life.ages(since=stops, until=stops + 2 * HOUR)) < 1900
    assert fmean(life.ages(since=stops + 3 * HOUR)) < 35


def test_a_device_that_delivers_again_is_waited_for_again() -> None:
    back = START + 3 * DAY

    def returning(date: datetime) -> timedelta | None:
        return timedelta(seconds=240) if date >= back else None

    life = live(LearningSchedule(SEED), constant(20), returning)

    assert fmean(life.ages(since=START + DAY, until=back)) < 35
    returned = [reading.age.total_seconds() for reading in life.readings[1]]
    assert fmean(returned[96:]) < 35


def test_readings_of_every_minute_are_polled_once_in_a_quarter_hour() -> None:
    schedule = LearningSchedule(SEED)
    now, polls = START, []
    while now < START + WEEK:
        polls.append(now)
        schedule.answered(now, [(now - 20 * SECOND).replace(second=0, microsecond=0)])
        now = schedule.next(now)

    assert len(polls) <= len(fixed(constant(20)).polls)
    assert all(
        20 <= (poll - START.replace(minute=0)) % QUARTER / SECOND < 45 for poll in polls[-9:]
    )


@pytest.mark.parametrize("off_by", [7 * MINUTE, -7 * MINUTE, DAY, -DAY, 13 * MINUTE + DAY])
def test_a_clock_that_is_wrong_changes_nothing(off_by: timedelta) -> None:
    life = live(LearningSchedule(SEED), constant(240), clock_off_by=lambda _: off_by)

    assert fmean(life.ages()) < 45
    assert len(life.polls) <= len(fixed(constant(240)).polls)


@pytest.mark.parametrize("jump", [7 * MINUTE, -7 * MINUTE, DAY, -DAY, 13 * MINUTE + DAY])
def test_a_clock_that_is_set_is_like_a_delay_that_changed(jump: timedelta) -> None:
    when = START + 3 * DAY
    life = live(
        LearningSchedule(SEED),
        constant(240),
        clock_off_by=lambda now: jump if now >= when else timedelta(),
    )

    assert max(gaps(life.polls)) <= LONGEST_WAIT + 2 * SECOND
    assert fmean(life.ages(since=when + 1.5 * DAY)) < 45


def test_a_clock_that_is_set_back_does_not_hold_polls_back() -> None:
    schedule, now = learned(constant(240))
    life = live(schedule, constant(240), start=now, time=DAY / 2, clock_off_by=lambda _: -DAY)

    assert len(life.polls) >= 40


def test_a_clock_that_starts_in_the_past_has_polls_every_30_minutes_until_it_is_set() -> None:
    schedule, now = learned(constant(240))
    past = live(
        schedule, constant(240), start=now, time=DAY, clock_off_by=lambda _: timedelta(-20000)
    )
    set_right = live(schedule, constant(240), start=past.polls[-1] + LONGEST_WAIT, time=DAY)

    assert all(abs(gap - LONGEST_WAIT) <= 2 * SECOND for gap in gaps(past.polls))
    assert len([age for age in set_right.ages() if age > 30]) <= 6


def test_while_nothing_new_comes_polls_are_30_minutes_apart_and_then_back_in_the_rhythm() -> None:
    silent, back = START + 3 * DAY, START + 5 * DAY

    def with_silence(date: datetime) -> timedelta | None:
        return None if silent <= date < back else timedelta(seconds=20)

    life = live(LearningSchedule(SEED), with_silence)
    quiet = [poll for poll in life.polls if silent + 2 * HOUR < poll < back]
    ages = life.ages(since=back, until=back + DAY)

    assert min(gaps(quiet)) >= LONGEST_WAIT - 2 * SECOND
    assert max(gaps(life.polls)) <= LONGEST_WAIT + 2 * SECOND
    assert ages[-1] <= 1802
    assert len([age for age in ages if age > 30]) <= 6


def test_an_account_without_any_reading_is_polled_every_30_minutes() -> None:
    life = live(LearningSchedule(SEED), lambda _: None, time=DAY)

    assert all(abs(gap - LONGEST_WAIT) <= SECOND for gap in gaps(life.polls))


def test_dates_far_in_the_future_are_no_readings() -> None:
    schedule, now = learned(constant(20))
    other, _ = learned(constant(20))
    dates = newest_dates([constant(20)], now)
    schedule.answered(now, [*dates, now + 3 * DAY])
    other.answered(now, dates)

    assert schedule.as_json() == other.as_json()


def test_failures_are_retried_ever_more_slowly() -> None:
    schedule, now = learned(constant(20))
    waits = []
    for _ in range(8):
        schedule.failed(now)
        waits.append((schedule.next(now) - now) / MINUTE)
        now = schedule.next(now)

    assert waits == pytest.approx([2, 4, 8, 15, 30, 30, 30, 30], abs=1e-3)


def test_after_an_outage_the_rhythm_is_as_before() -> None:
    begin, end = START + 3 * DAY, START + 4 * DAY
    life = live(LearningSchedule(SEED), constant(20), is_down=lambda now: begin <= now < end)

    assert max(gaps(life.polls)) <= LONGEST_WAIT + 2 * SECOND
    ages = life.ages(since=end + HOUR, until=end + DAY / 2)
    assert len([age for age in ages if age > 30]) <= 2


@pytest.mark.parametrize("delay", [20, 240, 700])
def test_the_reading_of_the_full_hour_is_never_left_out(delay: int) -> None:
    life = live(LearningSchedule(SEED), constant(delay))
    full_hours = [reading for reading in life.readings[0] if reading.date.minute == 0]

    assert len(full_hours) >= 7 * 24 - 1
    assert max(reading.age for reading in full_hours) < QUARTER
    assert max(reading.age for reading in full_hours[24:]) < 2 * MINUTE


def test_a_users_refreshes_do_not_break_the_rhythm() -> None:
    refreshes = [START + 3 * DAY + n * 5 * HOUR + n * 97 * SECOND for n in range(15)]
    life = live(LearningSchedule(SEED), constant(240), refreshes=refreshes)
    ages = life.ages(since=START + 3 * DAY)

    assert set(refreshes) <= set(life.polls)
    assert len([age for age in ages if age > 30]) <= 2 * len(refreshes)
    assert ages[len(ages) // 2] < 30


def test_a_users_refresh_that_sees_a_reading_early_has_the_delay_checked_at_once() -> None:
    change = START + 2.5 * DAY
    delay = changing(800, change, 20)
    plain = live(LearningSchedule(SEED), delay, time=3 * DAY)
    refreshed = live(LearningSchedule(SEED), delay, time=3 * DAY, refreshes=[change + HOUR])
    soon = change + 8 * HOUR

    assert plain.ages(since=soon, until=soon + 3 * HOUR)[0] > 700
    assert refreshed.ages(since=soon, until=soon + 3 * HOUR)[-1] < 30


def test_after_very_many_refreshes_automatic_polls_hold_back() -> None:
    schedule, now = learned(constant(20))
    for _ in range(300):
        schedule.answered(now, newest_dates([constant(20)], now))
        now += MINUTE
    held_back = live(schedule, constant(20), start=now, time=12 * HOUR)
    later = live(schedule, constant(20), start=held_back.polls[-1] + HOUR, time=3 * DAY)

    assert min(gaps(held_back.polls[1:])) >= LONGEST_WAIT - 2 * SECOND
    assert fmean(later.ages(since=later.polls[0] + 2 * DAY)) < 35


def test_accounts_are_polled_in_different_seconds_and_each_always_in_the_same() -> None:
    def last_poll(seed: str) -> datetime:
        return live(LearningSchedule(seed), constant(20), time=2 * DAY).polls[-1]

    assert len({last_poll(seed) for seed in "abcdef"}) == 6
    assert last_poll("a") == last_poll("a")


def test_what_was_learned_survives_a_restart() -> None:
    schedule, now = learned(constant(240))
    stored = json.loads(json.dumps(schedule.as_json()))
    later = now + 100 * MINUTE
    restarted = live(LearningSchedule(SEED, stored), constant(240), start=later, time=DAY / 2)

    unlearned = live(LearningSchedule(SEED), constant(240), start=later, time=DAY / 2)

    assert fmean(restarted.ages()) < 0.6 * fmean(unlearned.ages())
    assert len([age for age in restarted.ages() if age > 30]) <= 4


def test_what_was_learned_before_a_long_time_does_no_harm() -> None:
    schedule, now = learned(constant(800))
    stored = schedule.as_json()
    restarted = live(LearningSchedule(SEED, stored), constant(20), start=now + 100 * DAY)

    assert fmean(restarted.ages(since=now + 101.5 * DAY)) < 45


def test_nothing_is_polled_before_a_poll_was_noted() -> None:
    assert LearningSchedule(SEED).next(START) == START + SECOND


def test_all_is_well_as_long_as_there_is_a_poll_in_half_an_hour() -> None:
    assert LearningSchedule(SEED).usual_gap == LONGEST_WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happens at a poll: the ages of the newest readings, `None` if the poll fails.

    The clock may be set before. A user may poll again when a part of the wait is over.
    """

    ages: tuple[timedelta, ...] | None
    clock_set_by: timedelta = timedelta()
    refresh_after: float | None = None


def play(
    schedule: Schedule, events: Iterable[Event], start: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Let one event after the other happen; give the time of each poll, and of the planned next."""
    now = shown = start
    for event in events:
        shown += event.clock_set_by
        if event.ages is None:
            schedule.failed(shown)
        else:
            schedule.answered(shown, [now - age for age in event.ages])
        planned = schedule.next(shown)
        yield shown, planned
        wait = planned - shown
        if event.refresh_after is not None:
            wait *= event.refresh_after
        now += wait
        shown += wait


AGES = st.integers(0, 7200).map(lambda seconds: timedelta(seconds=seconds))
ANSWERS = st.one_of(
    st.none(),
    st.lists(AGES, max_size=3).map(tuple),
    st.just((timedelta(),)),
    st.just((-DAY, HOUR, -9 * DAY)),
)
UNDISTURBED = st.builds(Event, ages=ANSWERS)
ANYTHING = st.builds(
    Event,
    ages=ANSWERS,
    clock_set_by=st.one_of(
        st.just(timedelta()), st.timedeltas(min_value=-400 * DAY, max_value=400 * DAY)
    ),
    refresh_after=st.none() | st.floats(0, 1),
)
# A short pattern that goes on for days.
PATTERN = st.lists(UNDISTURBED, min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


@given(events=st.lists(ANYTHING, max_size=60))
@settings(deadline=None)
def test_whatever_happens_the_next_poll_comes_neither_too_soon_nor_too_late(
    events: list[Event],
) -> None:
    for last, planned in play(LearningSchedule(SEED), events, START):
        assert SHORTEST_WAIT <= planned - last <= LONGEST_WAIT


@given(events=st.lists(ANYTHING, min_size=1, max_size=20), late=st.timedeltas(-DAY, DAY))
@settings(deadline=None)
def test_whenever_it_is_asked_for_the_next_poll_is_not_past(
    events: list[Event], late: timedelta
) -> None:
    schedule = LearningSchedule(SEED)
    (last, _) = deque(play(schedule, events, START), maxlen=1)[0]
    now = last + late

    assert now + SECOND <= schedule.next(now) <= max(now + SECOND, min(now, last) + LONGEST_WAIT)


@given(first=PATTERN, then=PATTERN)
@example(first=[Event(ages=(timedelta(),))], then=[Event(ages=None), Event(ages=(timedelta(),))])
@settings(deadline=None)
def test_whatever_happens_there_are_at_most_100_polls_in_any_24_hours(
    first: list[Event], then: list[Event]
) -> None:
    events = [*islice(cycle(first), 150), *islice(cycle(then), 150)]
    polls = [poll for poll, _ in play(LearningSchedule(SEED), events, START)]

    for earlier, later in zip(polls, polls[100:], strict=False):
        assert later - earlier > DAY


@given(before=st.lists(ANYTHING, max_size=40), after=st.lists(ANYTHING, max_size=40))
@settings(deadline=None)
def test_a_restart_changes_nothing(before: list[Event], after: list[Event]) -> None:
    schedule = LearningSchedule(SEED)
    planned = [planned for _, planned in play(schedule, before, START)]
    restarted = LearningSchedule(SEED, json.loads(json.dumps(schedule.as_json())))
    again = (planned or [START])[-1]

    assert list(play(restarted, after, again)) == list(play(schedule, after, again))


def fields(stored: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all that is in something stored."""
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(stored, dict):
        inner = stored.items()
    elif isinstance(stored, list):
        inner = enumerate(stored)
    return [path, *(found for key, value in inner for found in fields(value, (*path, key)))]


def assert_works(schedule: LearningSchedule) -> None:
    assert START < schedule.next(START) <= START + LONGEST_WAIT
    events = [Event(ages=(timedelta(),)), Event(ages=None), Event(ages=(HOUR,))] * 5
    for last, planned in play(schedule, events, START):
        assert SHORTEST_WAIT <= planned - last <= LONGEST_WAIT
    json.dumps(schedule.as_json())


@given(stored=st.dictionaries(st.text(), JSON))
def test_a_store_that_cannot_be_understood_is_like_none(stored: dict[str, Any]) -> None:
    schedule = LearningSchedule(SEED, stored)

    assert schedule.as_json() == LearningSchedule(SEED).as_json()


@pytest.mark.parametrize("stored", [[], "text", 3, {"delay": [], "allowance": None}])
def test_a_store_that_is_no_store_is_like_none(stored: Any) -> None:
    assert LearningSchedule(SEED, stored).as_json() == LearningSchedule(SEED).as_json()


def test_a_store_that_contradicts_itself_is_like_none() -> None:
    schedule, _ = learned(constant(20))
    stored = schedule.as_json()
    stored["delay"]["low"] = stored["delay"]["high"]

    assert LearningSchedule(SEED, stored).as_json() == LearningSchedule(SEED).as_json()


@pytest.mark.parametrize(
    ("key", "value"), [("failures", -100), ("cycle", 3e9), ("answered", -3e9), ("is_new", 7)]
)
def test_a_store_with_an_odd_number_does_no_harm(key: str, value: float) -> None:
    schedule, _ = learned(constant(20))

    assert_works(LearningSchedule(SEED, schedule.as_json() | {key: value}))


@given(data=st.data(), garbage=JSON)
@settings(deadline=None)
def test_a_store_with_garbage_at_any_place_does_no_harm(data: st.DataObject, garbage: Any) -> None:
    events = [Event(ages=(timedelta(seconds=n * 500 % 3000),)) for n in range(30)]
    schedule = LearningSchedule(SEED)
    deque(play(schedule, events, START), maxlen=0)
    stored = json.loads(json.dumps(schedule.as_json()))
    assert stored["delay"]["late"]
    *path, last = data.draw(st.sampled_from(fields(stored)[1:]))
    place = stored
    for key in path:
        place = place[key]
    place[last] = garbage

    assert_works(LearningSchedule(SEED, stored))
