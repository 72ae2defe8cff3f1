"""When the server says when to come back, the client comes back then, and not before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from onemeter_cloud import OneMeterCloud, RateLimitError, ServerError

from .payloads import KEY
from .server import Gate, data, error

if TYPE_CHECKING:
    from .conftest import Clock
    from .server import Answer, CloudServer

HOUR = 3600.0
SERVER_TIME = datetime(2024, 5, 23, 7, tzinfo=UTC)


def http_date(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)


def refusal(retry_after: str | None = None, **headers: str) -> Answer:
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return error(429, "TooManyRequests", "Too many requests", headers=headers)


async def pause_after(server: CloudServer, cloud: OneMeterCloud, answer: Answer) -> float:
    """Let the server refuse a request and return when it may be sent again."""
    server.will(answer, data({"devices": []}))
    with pytest.raises(RateLimitError, match="Too many requests") as caught:
        await cloud.devices()
    return caught.value.retry_after


async def test_seconds_to_wait_are_told(server: CloudServer, cloud: OneMeterCloud) -> None:
    assert await pause_after(server, cloud, refusal("300")) == pytest.approx(300)


async def test_a_date_is_compared_with_the_server_s_own_clock(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    answer = refusal(http_date(SERVER_TIME + timedelta(minutes=7)), Date=http_date(SERVER_TIME))
    assert await pause_after(server, cloud, answer) == pytest.approx(7 * 60)


@pytest.mark.parametrize(
    "date", [None, "some time in May", "", "Thu, 23 May 99999999999 07:00:00 GMT"]
)
async def test_a_date_is_compared_with_our_clock_if_the_server_s_is_unknown(
    server: CloudServer, cloud: OneMeterCloud, date: str | None
) -> None:
    answer = refusal(
        http_date(datetime.now(UTC) + timedelta(minutes=7)), **({"Date": date} if date else {})
    )
    assert 6.9 * 60 < await pause_after(server, cloud, answer) <= 7 * 60


async def test_a_date_in_the_past_is_the_shortest_pause(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    answer = refusal(http_date(SERVER_TIME - timedelta(days=9)), Date=http_date(SERVER_TIME))
    assert await pause_after(server, cloud, answer) == pytest.approx(60)


@pytest.mark.parametrize("retry_after", ["0", "00", "59"])
async def test_less_than_a_minute_is_a_minute(
    server: CloudServer, cloud: OneMeterCloud, retry_after: str
) -> None:
    assert await pause_after(server, cloud, refusal(retry_after)) == pytest.approx(60)


@pytest.mark.parametrize("retry_after", ["999999999", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_an_absurd_time_is_six_hours(
    server: CloudServer, cloud: OneMeterCloud, retry_after: str
) -> None:
    assert await pause_after(server, cloud, refusal(retry_after)) == pytest.approx(6 * HOUR)


@pytest.mark.parametrize(
    "retry_after",
    [
        None,
        "",
        "-5",
        "1.5",
        "1e3",
        "²",
        "soon",
        "Thu, 32 May 2024 07:00:00 GMT",
        "Thu, 23 May 2024 07:00:00 +9999",
        "Thu, 23 May 99999999999 07:00:00 GMT",
        "Thu, 23 May 2024 07:00:00 -0000",
    ],
)
async def test_without_a_time_that_can_be_read_the_pause_is_about_two_minutes(
    server: CloudServer, cloud: OneMeterCloud, retry_after: str | None
) -> None:
    assert 90 <= await pause_after(server, cloud, refusal(retry_after)) <= 150


async def test_nothing_is_sent_before_the_pause_is_over(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    await pause_after(server, cloud, refusal("300"))
    clock.move(299)
    with pytest.raises(RateLimitError) as caught:
        await cloud.devices(max_wait=0)
    assert caught.value.retry_after == pytest.approx(1)
    assert len(server.requests) == 1


async def test_the_pause_holds_for_every_client_of_the_key(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    await pause_after(server, cloud, refusal("300"))
    with pytest.raises(RateLimitError):
        await OneMeterCloud(KEY, base_url=server.url).devices(max_wait=0)
    assert len(server.requests) == 1


async def test_after_the_pause_requests_go_out_again(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    await pause_after(server, cloud, refusal("300"))
    clock.move(300)
    assert await cloud.devices(max_wait=0) == ()


async def test_after_the_pause_there_is_no_burst(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    await pause_after(server, cloud, refusal("300"))
    clock.move(300)
    await cloud.devices(max_age=0, max_wait=0)
    with pytest.raises(RateLimitError):
        await cloud.devices(max_age=0, max_wait=0)


async def test_pauses_grow_while_the_server_refuses(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    for usual in (120, 240, 480):
        pause = await pause_after(server, cloud, refusal())
        assert 0.75 * usual <= pause <= usual
        clock.move(pause)


async def test_a_good_answer_makes_the_next_pause_short_again(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    for _ in range(3):
        clock.move(await pause_after(server, cloud, refusal()))
    await cloud.devices(max_wait=0)
    clock.move(60)
    assert 90 <= await pause_after(server, cloud, refusal()) <= 120


async def test_a_broken_server_does_not_make_the_next_pause_short_again(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    for _ in range(3):
        clock.move(await pause_after(server, cloud, refusal()))
    server.will(error(503, "Unavailable", "Later"))
    with pytest.raises(ServerError):
        await cloud.devices(max_age=0, max_wait=0)
    clock.move(60)
    assert await pause_after(server, cloud, refusal()) >= 0.75 * 960


# A server that cannot answer now, and says when it can (5xx)


def failure(status: int, retry_after: str | None = None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return error(status, "Unavailable", "Come back later", headers=headers)


async def failed(server: CloudServer, cloud: OneMeterCloud, answer: Answer) -> ServerError:
    """Let the server fail once and return what the client made of it."""
    server.will(answer, data({"devices": []}))
    with pytest.raises(ServerError, match="Come back later") as caught:
        await cloud.devices()
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_that_says_when_it_is_back_is_left_alone_until_then(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock, status: int
) -> None:
    assert (await failed(server, cloud, failure(status, "300"))).retry_after == pytest.approx(300)
    clock.move(299)
    with pytest.raises(RateLimitError) as caught:
        await cloud.devices(max_wait=0)
    assert caught.value.retry_after == pytest.approx(1)
    assert len(server.requests) == 1
    clock.move(1)
    assert await cloud.devices(max_wait=0) == ()


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [("0", 60), ("61", 61), ("999999999", 6 * HOUR), ("Fri, 31 Dec 9999 23:59:59 GMT", 6 * HOUR)],
)
async def test_a_failing_server_is_left_alone_from_a_minute_to_six_hours(
    server: CloudServer, cloud: OneMeterCloud, retry_after: str, pause: float
) -> None:
    told = await failed(server, cloud, failure(503, retry_after))
    assert told.retry_after == pytest.approx(pause)
    assert cloud.seconds_until_allowed() == pytest.approx(pause)


@pytest.mark.parametrize("retry_after", [None, "", "-5", "soon"])
async def test_a_failing_server_that_does_not_say_when_it_is_back_changes_nothing(
    server: CloudServer, cloud: OneMeterCloud, retry_after: str | None
) -> None:
    assert (await failed(server, cloud, failure(503, retry_after))).retry_after is None
    assert cloud.seconds_until_allowed() == 0
    assert await cloud.devices(max_wait=0) == ()


async def test_a_toldof_what_was_on_its_way_does_not_shorten_the_pause(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    gate = Gate(failure(503, "60"))
    server.will(gate, refusal("3600"))
    slow = asyncio.create_task(cloud.request("slow"))
    await gate.reached.wait()
    with pytest.raises(RateLimitError):
        await cloud.request("quick")
    gate.open.set()
    with pytest.raises(ServerError) as caught:
        await slow
    assert caught.value.retry_after == pytest.approx(HOUR)
