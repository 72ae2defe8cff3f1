"""A fresh answer is used again, and a request on its way serves all who ask the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from onemeter_cloud import OneMeterCloud, Priority, ServerError
from onemeter_cloud.cache import ResponseCache

from .payloads import DEVICE_ID, KEY, OTHER_ID, full_device
from .server import Gate, data, error
from .test_requests import END, START

if TYPE_CHECKING:
    from .conftest import Clock
    from .server import CloudServer

MIB = 1024 * 1024
EVER = float("inf")


async def test_a_fresh_answer_is_used_again(server: CloudServer, cloud: OneMeterCloud) -> None:
    server.will(data({"devices": [full_device()]}))
    assert await cloud.devices() == await cloud.devices()
    assert len(server.requests) == 1


async def test_a_fresh_answer_costs_no_budget(server: CloudServer, cloud: OneMeterCloud) -> None:
    for _ in range(10):
        await cloud.devices(max_wait=0)
    assert len(server.requests) == 1


async def test_an_answer_is_used_only_while_it_is_fresh_enough(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    await cloud.devices()
    clock.move(29.9)
    await cloud.devices(max_age=30)
    assert len(server.requests) == 1
    clock.move(0.1)
    await cloud.devices(max_age=30)
    assert len(server.requests) == 2


async def test_an_age_of_zero_asks_again_and_renews_the_answer(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"devices": []}), data({"devices": [full_device()]}))
    await cloud.devices()
    renewed = await cloud.devices(max_age=0)
    assert [device.id for device in renewed] == [DEVICE_ID]
    assert await cloud.devices() == renewed
    assert len(server.requests) == 2


async def test_no_age_neither_looks_into_the_cache_nor_fills_it(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data("first"), data("second"), data("third"))
    assert await cloud.request("any", max_age=EVER) == "first"
    assert await cloud.request("any") == "second"
    assert await cloud.request("any", max_age=EVER) == "first"


async def test_another_query_is_another_request(server: CloudServer, cloud: OneMeterCloud) -> None:
    server.will(data("one"), data("two"))
    assert await cloud.request("any", {"limit": "1"}, max_age=EVER) == "one"
    assert await cloud.request("any", {"limit": "2"}, max_age=EVER) == "two"


async def test_clients_of_one_key_share_their_answers(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    await cloud.devices()
    await OneMeterCloud(KEY, base_url=server.url).devices()
    assert len(server.requests) == 1


async def test_clients_of_another_key_do_not_see_these_answers(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    await cloud.devices()
    await OneMeterCloud(f"{KEY}-of-another", base_url=server.url).devices()
    assert len(server.requests) == 2


async def test_an_error_is_not_kept(server: CloudServer, cloud: OneMeterCloud) -> None:
    server.will(error(500, "SomeName", "Oh dear"), data({"devices": []}))
    with pytest.raises(ServerError):
        await cloud.devices()
    assert await cloud.devices() == ()


async def test_who_changes_an_answer_changes_only_a_copy(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"list": [1]}))
    for _ in range(3):
        answer = await cloud.request("any", max_age=EVER)
        assert answer == {"list": [1]}
        assert isinstance(answer, dict)
        answer["list"] = []
    assert len(server.requests) == 1


async def test_one_request_serves_all_who_ask_at_the_same_time(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    gate = Gate(data({"devices": [full_device()]}))
    server.will(gate)
    callers = [asyncio.create_task(cloud.devices()) for _ in range(5)]
    await gate.reached.wait()
    gate.open.set()
    answers = await asyncio.gather(*callers)
    assert len(server.requests) == 1
    assert {device.id for devices in answers for device in devices} == {DEVICE_ID}


async def test_who_waited_for_a_request_that_failed_asks_again(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(error(500, "SomeName", "Oh dear"), data({"devices": []}))
    first, second = await asyncio.gather(cloud.devices(), cloud.devices(), return_exceptions=True)
    assert isinstance(first, ServerError)
    assert second == ()


async def test_who_waited_for_a_request_that_was_cancelled_asks_again(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    gate = Gate(data({"devices": []}))
    server.will(gate)
    first, second = (asyncio.create_task(cloud.devices()) for _ in range(2))
    await gate.reached.wait()
    first.cancel()
    gate.open.set()
    assert await second == ()
    assert first.cancelled()


async def test_a_device_is_answered_from_a_recent_list(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"devices": [full_device(OTHER_ID), full_device()]}))
    listed = await cloud.devices()
    assert await cloud.device(DEVICE_ID) == listed[1]
    assert server.paths == ["/api/devices/"]


async def test_a_device_is_asked_for_when_the_list_is_too_old(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    server.will(data({"devices": [full_device()]}), data(full_device()))
    await cloud.devices()
    clock.move(60)
    await cloud.device(DEVICE_ID)
    assert server.paths == ["/api/devices/", f"/api/devices/{DEVICE_ID}"]


async def test_a_device_that_is_not_in_the_list_is_asked_for(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"devices": [full_device(OTHER_ID)]}), data(full_device()))
    await cloud.devices()
    assert (await cloud.device(DEVICE_ID)).id == DEVICE_ID


async def test_readings_are_always_asked_for(server: CloudServer, cloud: OneMeterCloud) -> None:
    server.will(data({"readings": []}))
    await cloud.readings(DEVICE_ID, START, END)
    await cloud.readings(DEVICE_ID, START, END)
    assert len(server.requests) == 2


def test_old_answers_are_let_go(clock: Clock) -> None:
    cache = ResponseCache(clock.monotonic)
    cache.put("old", b"old")
    clock.move(15 * 60)
    cache.put("new", b"new")
    assert cache.get("old", EVER) is None
    assert cache.get("new", EVER) == b"new"


def test_too_much_is_let_go_oldest_first(clock: Clock) -> None:
    cache = ResponseCache(clock.monotonic)
    for key in ("first", "second", "third"):
        cache.put(key, bytes(3 * MIB))
    assert cache.get("first", EVER) is None
    assert cache.get("second", EVER) is not None
    assert cache.get("third", EVER) is not None


def test_an_answer_that_is_renewed_counts_once_and_as_the_newest(clock: Clock) -> None:
    cache = ResponseCache(clock.monotonic)
    for key in ("first", "second", "first", "third"):
        cache.put(key, bytes(3 * MIB))
    assert cache.get("second", EVER) is None
    assert cache.get("first", EVER) is not None


def test_an_answer_larger_than_the_cache_is_not_kept(clock: Clock) -> None:
    cache = ResponseCache(clock.monotonic)
    cache.put("large", bytes(9 * MIB))
    assert cache.get("large", EVER) is None


async def test_one_at_a_time_asks_the_same_and_others_go_by(clock: Clock) -> None:
    cache = ResponseCache(clock.monotonic)
    async with cache.only_one("same"):
        same = asyncio.create_task(_enter(cache, "same"))
        await asyncio.create_task(_enter(cache, "other"))
        assert not same.done()
    await same


async def _enter(cache: ResponseCache, key: str) -> None:
    async with cache.only_one(key):
        pass


async def test_a_device_is_not_answered_from_a_list_that_is_older_than_its_own_answer(
    server: CloudServer, cloud: OneMeterCloud, clock: Clock
) -> None:
    newer = full_device()
    newer["info"] = {"name": "Newer"}
    server.will(data({"devices": [full_device()]}), data(newer))
    await cloud.devices()
    clock.move(1)
    await cloud.request(f"devices/{DEVICE_ID}", max_age=0)
    assert (await cloud.device(DEVICE_ID)).name == "Newer"


async def test_a_device_is_asked_for_when_the_list_is_none(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({}), data(full_device()))
    await cloud.request("devices/", max_age=0)
    assert (await cloud.device(DEVICE_ID)).id == DEVICE_ID


async def test_a_device_is_found_in_the_list_whatever_the_case_of_its_id(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"devices": [full_device()]}))
    await cloud.devices()
    assert (await cloud.device(DEVICE_ID.upper())).id == DEVICE_ID
    assert len(server.requests) == 1


async def test_a_user_does_not_wait_behind_background_work_that_waits(
    cloud: OneMeterCloud,
) -> None:
    await cloud.request("any")
    background = asyncio.create_task(
        cloud.devices(max_age=0, priority=Priority.BACKGROUND, max_wait=60)
    )
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(5):
            assert await cloud.devices(max_age=0, max_wait=0) == ()
    finally:
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)
