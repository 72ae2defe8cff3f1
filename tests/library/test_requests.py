"""What the client sends, where it sends it, and over which session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from onemeter_cloud import (
    DEFAULT_BASE_URL,
    AuthenticationError,
    InvalidRequestError,
    OneMeterCloud,
    RateLimitError,
    normalise_base_url,
)

from .payloads import DEVICE_ID, KEY, full_device
from .server import CloudServer, data, error

if TYPE_CHECKING:
    from .conftest import Clock

START = datetime(2024, 5, 23, 7, tzinfo=UTC)
END = datetime(2024, 5, 24, 7, 30, 15, 123456, tzinfo=UTC)


async def test_the_key_is_sent_bare(server: CloudServer, cloud: OneMeterCloud) -> None:
    await cloud.devices()
    assert server.requests[0].headers["authorization"] == KEY


async def test_white_space_around_a_pasted_key_is_not_sent(server: CloudServer) -> None:
    await OneMeterCloud(f"  {KEY}\n", base_url=server.url).devices()
    assert server.requests[0].headers["authorization"] == KEY


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\r\nX-Injected: 1", "klucz-ż"])
def test_what_cannot_be_a_key_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(AuthenticationError):
        OneMeterCloud(key)


async def test_json_is_asked_for(server: CloudServer, cloud: OneMeterCloud) -> None:
    await cloud.devices()
    assert server.requests[0].headers["accept"] == "application/json"


async def test_the_devices_are_asked_for_in_one_request(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    await cloud.devices()
    assert [(request.method, request.path, request.query) for request in server.requests] == [
        ("GET", "/api/devices/", {})
    ]


async def test_a_device_is_asked_for_by_its_id(server: CloudServer, cloud: OneMeterCloud) -> None:
    server.will(data(full_device()))
    await cloud.device(DEVICE_ID)
    assert [(request.method, request.path, request.query) for request in server.requests] == [
        ("GET", f"/api/devices/{DEVICE_ID}", {})
    ]


@pytest.mark.parametrize("device_id", ["", "..", "../devices", "a/b", "a b", "a?b", "a#b", "ą"])
async def test_what_cannot_be_a_device_id_is_not_sent(
    server: CloudServer, cloud: OneMeterCloud, device_id: str
) -> None:
    with pytest.raises(InvalidRequestError):
        await cloud.device(device_id)
    assert server.requests == []


async def test_readings_are_asked_for_as_the_api_wants_them(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"readings": []}))
    await cloud.readings(DEVICE_ID, START, END, ["15_8_0", "2_8_0"])
    assert server.paths == [f"/api/devices/{DEVICE_ID}/readings"]
    assert server.requests[0].query == {
        "from": "2024-05-23T07:00:00.000Z",
        "to": "2024-05-24T07:30:15.123Z",
        "sort": "ascending",
        "codes": "15_8_0,2_8_0",
        "applyMultiplier": "false",
    }


async def test_readings_without_codes_are_readings_of_all_registers(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"readings": []}))
    await cloud.readings(DEVICE_ID, START, END)
    assert "codes" not in server.requests[0].query


async def test_readings_are_multiplied_by_the_server_only_when_asked_for(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"readings": []}))
    await cloud.readings(DEVICE_ID, START, END, apply_multiplier=True)
    assert server.requests[0].query["applyMultiplier"] == "true"


async def test_the_newest_readings_before_an_instant_are_asked_for_backwards(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    rows = [{"date": END.isoformat(), "15_8_0": 2}, {"date": START.isoformat(), "15_8_0": 1}]
    server.will(data({"readings": rows}))
    readings = await cloud.readings_before(DEVICE_ID, END, 2, ["15_8_0"])
    assert [value for _, value in readings.series("15_8_0")] == [1, 2]
    assert server.requests[0].query == {
        "to": "2024-05-24T07:30:15.123Z",
        "sort": "descending",
        "limit": "2",
        "codes": "15_8_0",
    }


async def test_times_of_another_zone_are_sent_in_utc(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"readings": []}))
    warsaw_summer = timezone(timedelta(hours=2))
    await cloud.readings(DEVICE_ID, START.astimezone(warsaw_summer), END)
    assert server.requests[0].query["from"] == "2024-05-23T07:00:00.000Z"


async def test_a_time_without_a_zone_is_refused(server: CloudServer, cloud: OneMeterCloud) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await cloud.readings(DEVICE_ID, START.replace(tzinfo=None), END)
    assert server.requests == []


async def test_other_paths_of_the_api_can_be_asked_for(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({"any": "thing"}))
    path = f"devices/{DEVICE_ID}/usageProfile/dayFine"
    assert await cloud.request(path, {"locale": "pl"}) == {"any": "thing"}
    assert server.paths == [f"/api/{path}"]
    assert server.requests[0].query == {"locale": "pl"}


async def test_a_large_answer_is_read_like_a_small_one(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    rows = [{"date": "2024-05-23T07:00:00.000Z", "15_8_0": number} for number in range(20_000)]
    server.will(data({"readings": rows}))
    assert await cloud.request("large") == {"readings": rows}


def test_the_vendor_s_cloud_is_asked_over_https_by_default() -> None:
    assert OneMeterCloud(KEY).base_url == DEFAULT_BASE_URL == "https://cloud.onemeter.com/api/"


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        ("https://meters.example", "https://meters.example/api/"),
        ("https://meters.example/", "https://meters.example/api/"),
        ("https://meters.example/api", "https://meters.example/api/"),
        ("https://meters.example/api//", "https://meters.example/api/"),
        ("  https://meters.example/api/\n", "https://meters.example/api/"),
        ("HTTPS://Meters.Example", "https://meters.example/api/"),
        ("https://meters.example:443/", "https://meters.example/api/"),
        ("http://192.0.2.7:8080", "http://192.0.2.7:8080/api/"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/api/"),
        ("https://example.com/white/label", "https://example.com/white/label/"),
        ("https://example.com/a/../b", "https://example.com/b/"),
        ("https://liczniki-ż.example", "https://xn--liczniki--jcc.example/api/"),
    ],
)
def test_a_server_s_address_is_brought_to_one_form(url: str, base_url: str) -> None:
    assert normalise_base_url(url) == base_url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "meters.example",
        "//meters.example/api",
        "ftp://meters.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///api",
        "http://user@meters.example",
        "http://user:secret@meters.example",
        "http://meters.example/api?key=1",
        "http://meters.example/api#top",
        "http://meters.example:99999",
        "http://meters.example:port",
        "http://[2001:db8::1",
        "http://meters.example\\@other.example",
        "http://meters.example\r\nX-Injected: 1",
        "http://meters example",
        "http://meters.example/a path",
    ],
)
def test_what_is_no_server_s_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (yarl has its own words for some of them)
        normalise_base_url(url)


@example("http://¨")
@example("http://a.example/%2e%2e/%2e%2e")
@example("http://a.example/%2f%2fother.example")
@example("http://a.example//other.example")
@given(st.one_of(st.text(), st.text().map("http://".__add__), st.text().map("http://a/".__add__)))
def test_any_text_is_a_server_s_address_in_its_one_form_or_refused(text: str) -> None:
    try:
        base_url = normalise_base_url(text)
    except ValueError:
        return
    assert normalise_base_url(base_url) == base_url
    assert base_url.endswith("/")
    parsed = URL(base_url)
    assert (parsed.scheme in {"http", "https"}, parsed.user, parsed.query_string) == (
        True,
        None,
        "",
    )


def test_people_are_shown_the_server_without_the_api() -> None:
    assert OneMeterCloud(KEY, base_url="http://192.0.2.7:8080/api").web_url == (
        "http://192.0.2.7:8080"
    )


async def test_two_clients_of_one_key_share_one_budget(server: CloudServer) -> None:
    first, second = (OneMeterCloud(KEY, base_url=server.url) for _ in range(2))
    for cloud in (first, second, first):
        await cloud.request("devices/")
    with pytest.raises(RateLimitError):
        await second.request("devices/", max_wait=0)
    assert len(server.requests) == 3


async def test_other_spellings_of_one_server_share_one_budget(server: CloudServer) -> None:
    first = OneMeterCloud(KEY, base_url=server.url)
    second = OneMeterCloud(f" {KEY} ", base_url=server.origin)
    for _ in range(3):
        await first.request("devices/")
    with pytest.raises(RateLimitError):
        await second.request("devices/", max_wait=0)


async def test_closing_a_client_does_not_buy_another_budget(server: CloudServer) -> None:
    for _ in range(3):
        async with OneMeterCloud(KEY, base_url=server.url) as cloud:
            await cloud.request("devices/")
    async with OneMeterCloud(KEY, base_url=server.url) as cloud:
        with pytest.raises(RateLimitError):
            await cloud.request("devices/", max_wait=0)


async def test_keys_have_budgets_of_their_own(server: CloudServer, cloud: OneMeterCloud) -> None:
    for _ in range(3):
        await cloud.request("devices/")
    await OneMeterCloud(f"{KEY}-of-another", base_url=server.url).request("devices/", max_wait=0)
    assert len(server.requests) == 4


async def test_servers_have_budgets_of_their_own(cloud: OneMeterCloud) -> None:
    for _ in range(3):
        await cloud.request("devices/")
    async with CloudServer() as other:
        other.will(data({"devices": []}))
        await OneMeterCloud(KEY, base_url=other.url).request("devices/", max_wait=0)
        assert len(other.requests) == 1


async def test_the_next_turn_is_known(cloud: OneMeterCloud, clock: Clock) -> None:
    for _ in range(3):
        await cloud.request("devices/")
    assert cloud.seconds_until_allowed() == pytest.approx(60)
    clock.move(45)
    assert cloud.seconds_until_allowed() == pytest.approx(15)


async def test_the_requests_of_the_last_hour_are_counted(
    cloud: OneMeterCloud, server: CloudServer, clock: Clock
) -> None:
    assert cloud.requests_in_last_hour == 0
    await cloud.devices()
    await cloud.devices()
    clock.move(1800)
    await OneMeterCloud(KEY, base_url=server.url).request("devices/")
    assert cloud.requests_in_last_hour == len(server.requests) == 2
    clock.move(1800)
    assert cloud.requests_in_last_hour == 1


async def test_a_request_that_failed_is_counted_and_one_that_was_not_sent_is_not(
    cloud: OneMeterCloud, server: CloudServer
) -> None:
    server.will(error(429, "TooManyRequests", "Later"))
    for _ in range(2):
        with pytest.raises(RateLimitError):
            await cloud.request("devices/", max_wait=0)
    assert cloud.requests_in_last_hour == len(server.requests) == 1


async def test_one_connection_serves_a_block(server: CloudServer) -> None:
    async with OneMeterCloud(KEY, base_url=server.url) as cloud:
        await cloud.request("devices/")
        await cloud.request("devices/")
    assert [request.connection for request in server.requests] == [1, 1]


async def test_without_a_block_each_request_has_its_connection(server: CloudServer) -> None:
    cloud = OneMeterCloud(KEY, base_url=server.url)
    await cloud.request("devices/")
    await cloud.request("devices/")
    assert [request.connection for request in server.requests] == [1, 2]


async def test_a_client_can_be_used_after_its_block(server: CloudServer) -> None:
    async with OneMeterCloud(KEY, base_url=server.url) as cloud:
        pass
    assert await cloud.devices() == ()


async def test_a_session_that_was_given_is_used_and_stays_open(server: CloudServer) -> None:
    async with aiohttp.ClientSession(headers={"X-Session": "given"}) as session:
        async with OneMeterCloud(KEY, base_url=server.url, session=session) as cloud:
            await cloud.devices()
        assert not session.closed
    assert server.requests[0].headers["x-session"] == "given"


@pytest.mark.parametrize(
    "path", ["https://elsewhere.example/api/devices/", "//elsewhere.example/", "/admin", "../admin"]
)
async def test_no_path_leads_out_of_the_api(
    server: CloudServer, cloud: OneMeterCloud, path: str
) -> None:
    with pytest.raises(InvalidRequestError):
        await cloud.request(path)
    assert server.requests == []
