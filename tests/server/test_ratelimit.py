"""The rate limit: so many requests a minute and key, by the clock that tests move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_server.api.ratelimit import RateLimiter
from onemeter_server.app import create_app

from .conftest import MovableClock, asking

if TYPE_CHECKING:
    from .conftest import Account


async def test_above_the_rate_requests_are_refused_with_when_to_come_back(
    account: Account, clock: MovableClock
) -> None:
    app = create_app(account.database, rate_limit_per_minute=1, clock=clock)
    async with asking(app) as client:
        assert (await client.get("devices")).status_code == 200
        clock.move(seconds=12.5)
        refused = await client.get("devices")

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "48"
    assert refused.json() == {
        "status": "error",
        "error": "TooManyRequests",
        "message": "Too many requests",
        "statusCode": 429,
    }


async def test_after_the_time_told_the_next_request_is_answered(
    account: Account, clock: MovableClock
) -> None:
    app = create_app(account.database, rate_limit_per_minute=1, clock=clock)
    async with asking(app) as client:
        await client.get("devices")
        refused = await client.get("devices")
        clock.move(seconds=int(refused.headers["Retry-After"]))

        assert (await client.get("devices")).status_code == 200


async def test_every_key_has_a_rate_of_its_own(account: Account, clock: MovableClock) -> None:
    await account.store.add_key(account.number, "second", "another-key")
    app = create_app(account.database, rate_limit_per_minute=1, clock=clock)
    async with asking(app) as client, asking(app, "another-key") as other:
        await client.get("devices")

        assert (await other.get("devices")).status_code == 200


async def test_wrong_keys_do_not_spend_the_rate(account: Account, clock: MovableClock) -> None:
    app = create_app(account.database, rate_limit_per_minute=1, clock=clock)
    async with asking(app, "wrong") as stranger, asking(app) as client:
        await stranger.get("devices")

        assert (await stranger.get("devices")).status_code == 401
        assert (await client.get("devices")).status_code == 200


async def test_without_a_rate_limit_all_are_answered(account: Account) -> None:
    async with asking(create_app(account.database)) as client:
        answers = [await client.get("devices") for _ in range(20)]

    assert {answer.status_code for answer in answers} == {200}


def test_after_a_pause_a_minutes_worth_may_come_at_once(clock: MovableClock) -> None:
    limiter = RateLimiter(3, clock)
    clock.move(hours=1)

    assert [limiter.request(1) for _ in range(4)] == [None, None, None, 20]


def test_a_clock_that_is_set_back_takes_nothing_away(clock: MovableClock) -> None:
    limiter = RateLimiter(2, clock)
    limiter.request(1)
    clock.move(hours=-1)

    assert limiter.request(1) is None


def test_a_rate_of_nothing_is_refused(clock: MovableClock) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        RateLimiter(0, clock)


@given(
    rate=st.floats(0.1, 100),
    pauses=st.lists(st.floats(0, 200), min_size=1, max_size=40),
)
def test_waiting_as_told_is_always_enough(rate: float, pauses: list[float]) -> None:
    clock = MovableClock()
    limiter = RateLimiter(rate, clock)
    for pause in pauses:
        clock.move(seconds=pause)
        retry_after = limiter.request(1)
        if retry_after is not None:
            clock.move(seconds=retry_after)
            assert limiter.request(1) is None
