"""The request budget of one key: a burst of three, one a minute, users first, pauses after 429.

Time is the event loop's own here, and virtual: hours of waiting pass at once.
"""

import asyncio
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onemeter_cloud import Priority, RateLimitError
from onemeter_cloud.ratelimit import RateLimiter

from .virtual_time import in_virtual_time, now

FOREVER = float("inf")
HOUR = 3600.0
ROUNDING = 1e-3


def new_limiter() -> RateLimiter:
    return RateLimiter(now)


async def turn(
    limiter: RateLimiter, priority: Priority = Priority.USER, max_wait: float = FOREVER
) -> float:
    """Take one turn and return when it came."""
    await limiter.acquire(priority, max_wait)
    return now()


async def spent_limiter() -> RateLimiter:
    """Return a limiter whose burst has just been used up."""
    limiter = new_limiter()
    for _ in range(3):
        await limiter.acquire(Priority.USER, 0)
    return limiter


def test_users_have_a_burst_of_three_then_one_request_a_minute() -> None:
    async def main() -> None:
        limiter = new_limiter()
        turns = [await turn(limiter) for _ in range(6)]
        assert turns == pytest.approx([0, 0, 0, 60, 120, 180])

    in_virtual_time(main())


def test_a_quiet_day_saves_up_no_more_than_the_burst() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        await asyncio.sleep(24 * HOUR)
        turns = [await turn(limiter) - 24 * HOUR for _ in range(4)]
        assert turns == pytest.approx([0, 0, 0, 60])

    in_virtual_time(main())


def test_background_work_keeps_a_minute_from_background_work() -> None:
    async def main() -> None:
        limiter = new_limiter()
        turns = [await turn(limiter, Priority.BACKGROUND) for _ in range(4)]
        assert turns == pytest.approx([0, 60, 120, 180])

    in_virtual_time(main())


def test_background_work_keeps_a_minute_from_a_user_too() -> None:
    async def main() -> None:
        limiter = new_limiter()
        await asyncio.sleep(10)
        await turn(limiter, Priority.USER)
        assert await turn(limiter, Priority.BACKGROUND) == pytest.approx(70)

    in_virtual_time(main())


def test_a_user_need_not_wait_after_background_work() -> None:
    async def main() -> None:
        limiter = new_limiter()
        await turn(limiter, Priority.BACKGROUND)
        assert await turn(limiter, Priority.USER) == 0

    in_virtual_time(main())


def test_a_user_goes_before_background_work_that_has_waited_longer() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        background = asyncio.create_task(turn(limiter, Priority.BACKGROUND))
        await asyncio.sleep(30)
        user = asyncio.create_task(turn(limiter, Priority.USER))
        assert await user == pytest.approx(60)
        assert await background == pytest.approx(120)

    in_virtual_time(main())


def test_those_of_one_priority_go_in_the_order_they_came() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        users = [asyncio.create_task(turn(limiter)) for _ in range(3)]
        assert await asyncio.gather(*users) == pytest.approx([60, 120, 180])

    in_virtual_time(main())


def test_a_turn_too_far_away_is_refused_at_once_and_says_how_far() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        await asyncio.sleep(20)
        with pytest.raises(RateLimitError) as refusal:
            await limiter.acquire(Priority.USER, 39)
        assert now() == 20
        assert refusal.value.retry_after == pytest.approx(40)

    in_virtual_time(main())


def test_a_turn_just_as_far_away_as_may_be_is_waited_for() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        assert await turn(limiter, max_wait=60) == pytest.approx(60)

    in_virtual_time(main())


def test_a_refused_request_takes_nothing_from_the_budget() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        for _ in range(5):
            with pytest.raises(RateLimitError):
                await limiter.acquire(Priority.USER, 0)
        assert await turn(limiter) == pytest.approx(60)

    in_virtual_time(main())


def test_background_work_gives_up_when_users_move_its_turn_too_far() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        background = asyncio.create_task(turn(limiter, Priority.BACKGROUND, max_wait=90))
        await asyncio.sleep(30)
        user = asyncio.create_task(turn(limiter))
        with pytest.raises(RateLimitError):
            await background
        assert now() == 30
        assert await user == pytest.approx(60)

    in_virtual_time(main())


def test_one_who_leaves_the_queue_frees_the_place() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        first = asyncio.create_task(turn(limiter))
        second = asyncio.create_task(turn(limiter))
        await asyncio.sleep(10)
        first.cancel()
        assert await second == pytest.approx(60)
        assert limiter.seconds_until_allowed(Priority.USER) == pytest.approx(60)

    in_virtual_time(main())


def test_the_wait_is_known_before_asking() -> None:
    async def main() -> None:
        limiter = new_limiter()
        assert limiter.seconds_until_allowed(Priority.BACKGROUND) == 0
        await turn(limiter)
        assert limiter.seconds_until_allowed(Priority.USER) == 0
        assert limiter.seconds_until_allowed(Priority.BACKGROUND) == pytest.approx(60)

    in_virtual_time(main())


def test_the_known_wait_counts_those_who_go_first() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        user = asyncio.create_task(turn(limiter))
        background = asyncio.create_task(turn(limiter, Priority.BACKGROUND))
        await asyncio.sleep(0)
        assert limiter.seconds_until_allowed(Priority.USER) == pytest.approx(120)
        assert limiter.seconds_until_allowed(Priority.BACKGROUND) == pytest.approx(180)
        await asyncio.gather(user, background)

    in_virtual_time(main())


def test_the_known_wait_of_background_work_is_a_minute_longer_for_each_before_it() -> None:
    async def main() -> None:
        limiter = new_limiter()
        await turn(limiter)
        first = asyncio.create_task(turn(limiter, Priority.BACKGROUND))
        await asyncio.sleep(0)
        assert limiter.seconds_until_allowed(Priority.BACKGROUND) == pytest.approx(120)
        assert await first == pytest.approx(60)

    in_virtual_time(main())


def test_requests_are_counted_for_an_hour_from_their_start() -> None:
    async def main() -> None:
        limiter = new_limiter()
        counts = [limiter.requests_in_last_hour]
        await turn(limiter)
        await asyncio.sleep(1000)
        await turn(limiter)
        for seconds in (0, HOUR - 1000 - 1, 1, 999, 1):
            await asyncio.sleep(seconds)
            counts.append(limiter.requests_in_last_hour)
        assert counts == [0, 2, 2, 1, 1, 0]

    in_virtual_time(main())


def test_those_who_wait_or_give_up_are_not_counted() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        waiting = asyncio.create_task(turn(limiter))
        with pytest.raises(RateLimitError):
            await limiter.acquire(Priority.USER, 0)
        assert limiter.requests_in_last_hour == 3
        await waiting
        assert limiter.requests_in_last_hour == 4

    in_virtual_time(main())


def test_however_many_ask_the_count_stays_within_the_budget_of_an_hour() -> None:
    async def main() -> None:
        limiter = new_limiter()
        counts = []
        for _ in range(200):
            await turn(limiter)
            counts.append(limiter.requests_in_last_hour)
        assert max(counts) == 62
        assert counts[-1] == 60

    in_virtual_time(main())


def test_after_a_refusal_by_the_server_nobody_goes_before_the_pause_is_over() -> None:
    async def main() -> None:
        limiter = new_limiter()
        await turn(limiter)
        assert limiter.refused(300) == pytest.approx(300)
        turns = [await turn(limiter) for _ in range(3)]
        assert turns == pytest.approx([300, 360, 420])

    in_virtual_time(main())


def test_those_who_wait_already_wait_through_the_pause() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        user = asyncio.create_task(turn(limiter))
        await asyncio.sleep(10)
        limiter.refused(300)
        assert await user == pytest.approx(310)

    in_virtual_time(main())


def test_those_who_cannot_wait_through_the_pause_give_up_at_once() -> None:
    async def main() -> None:
        limiter = await spent_limiter()
        user = asyncio.create_task(turn(limiter, max_wait=120))
        await asyncio.sleep(10)
        limiter.refused(300)
        with pytest.raises(RateLimitError) as refusal:
            await user
        assert now() == 10
        assert refusal.value.retry_after == pytest.approx(300)

    in_virtual_time(main())


def test_the_second_in_the_queue_knows_that_its_turn_is_a_minute_after_the_pause() -> None:
    async def main() -> None:
        limiter = new_limiter()
        limiter.refused(100)
        first = asyncio.create_task(turn(limiter))
        await asyncio.sleep(0)
        with pytest.raises(RateLimitError) as refusal:
            await limiter.acquire(Priority.USER, 120)
        assert now() == 0
        assert refusal.value.retry_after == pytest.approx(160)
        assert await first == pytest.approx(100)

    in_virtual_time(main())


def test_a_refusal_of_what_was_on_its_way_does_not_shorten_the_pause() -> None:
    async def main() -> None:
        limiter = new_limiter()
        limiter.refused(HOUR)
        assert limiter.refused(60) == pytest.approx(HOUR)
        assert await turn(limiter) == pytest.approx(HOUR)

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("asked", "pause"), [(0, 60), (59, 60), (61, 61), (1e12, 6 * HOUR), (FOREVER, 6 * HOUR)]
)
def test_a_pause_lasts_from_a_minute_to_six_hours(asked: float, pause: float) -> None:
    async def main() -> None:
        assert new_limiter().refused(asked) == pytest.approx(pause)

    in_virtual_time(main())


def test_without_a_time_of_the_server_the_pause_doubles_up_to_six_hours() -> None:
    async def main() -> None:
        limiter = new_limiter()
        for refusals in range(40):
            usual = min(120 * 2.0**refusals, 6 * HOUR)
            pause = limiter.refused(None)
            assert 0.75 * usual - ROUNDING <= pause <= usual + ROUNDING
            await asyncio.sleep(pause)

    in_virtual_time(main())


def test_clients_that_were_refused_together_do_not_come_back_together() -> None:
    async def main() -> None:
        assert len({new_limiter().refused(None) for _ in range(20)}) > 1

    in_virtual_time(main())


def test_a_good_answer_sets_the_pause_back_to_the_shortest() -> None:
    async def main() -> None:
        limiter = new_limiter()
        for _ in range(5):
            await asyncio.sleep(limiter.refused(None))
        limiter.accepted()
        assert 90 <= limiter.refused(None) <= 150

    in_virtual_time(main())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody who asks for a turn, and may lose patience before it comes."""

    after: float
    priority: Priority
    max_wait: float
    patience: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A 429 of the server."""

    after: float
    retry_after: float | None


gaps = st.one_of(st.just(0.0), st.floats(0, 150), st.floats(0, 2000))
attempts = st.builds(
    Attempt,
    after=gaps,
    priority=st.sampled_from(Priority),
    max_wait=st.one_of(st.just(FOREVER), st.floats(0, 600)),
    patience=st.one_of(st.none(), st.floats(0, 300)),
)
refusals = st.builds(Refusal, after=gaps, retry_after=st.one_of(st.none(), st.floats(0, 1000)))


@dataclass(slots=True)
class History:
    """What came of a sequence of events."""

    turns: list[tuple[float, Priority]]
    pauses: list[tuple[float, float]]
    waits: list[tuple[float, float]]
    end: float = 0.0
    counted_at_end: int = 0


async def history_of(events: list[Any]) -> History:
    limiter = new_limiter()
    history = History([], [], [])

    async def attempt(event: Attempt) -> None:
        start = now()
        try:
            async with asyncio.timeout(event.patience):
                await limiter.acquire(event.priority, event.max_wait)
        except (RateLimitError, TimeoutError):
            pass
        else:
            history.turns.append((now(), event.priority))
        history.waits.append((now() - start, event.max_wait))

    async with asyncio.TaskGroup() as group:
        for event in events:
            await asyncio.sleep(event.after)
            if isinstance(event, Attempt):
                group.create_task(attempt(event))
            else:
                history.pauses.append((now(), limiter.refused(event.retry_after)))
    history.end = now()
    history.counted_at_end = limiter.requests_in_last_hour
    return history


@settings(deadline=None)
@given(st.lists(st.one_of(attempts, attempts, attempts, refusals), max_size=25))
def test_whatever_is_asked_the_budget_holds(events: list[Attempt | Refusal]) -> None:
    history = in_virtual_time(history_of(events))
    times = [time for time, _ in history.turns]
    for (i, start), (j, end) in combinations(enumerate(times), 2):
        assert j - i + 1 <= 3 + (end - start) / 60 + ROUNDING
    for (before, _), (time, priority) in pairwise(history.turns):
        assert priority is Priority.USER or time - before >= 60 - ROUNDING
    for start, pause in history.pauses:
        assert not any(start + ROUNDING < time < start + pause - ROUNDING for time in times)
    last_hour = [time for time in times if time > history.end - HOUR]
    assert history.counted_at_end == len(last_hour)
    for waited, max_wait in history.waits:
        assert waited <= max_wait + ROUNDING


@settings(deadline=None)
@given(st.lists(st.sampled_from(Priority), min_size=1, max_size=20))
def test_whoever_waits_long_enough_gets_a_turn(priorities: list[Priority]) -> None:
    events = [
        Attempt(after=0, priority=priority, max_wait=FOREVER, patience=None)
        for priority in priorities
    ]
    history = in_virtual_time(history_of(events))
    assert sorted(priority for _, priority in history.turns) == sorted(priorities)
    assert max(time for time, _ in history.turns) <= 60 * len(priorities)
