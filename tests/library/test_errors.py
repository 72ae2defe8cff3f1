"""Whatever the server does, the client tells it in its own exceptions, and never the key."""

from __future__ import annotations

import _socket
import gzip
import logging
import traceback
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import aiohttp
import pytest

from onemeter_cloud import (
    AuthenticationError,
    CannotConnectError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    OneMeterCloud,
    OneMeterError,
    RateLimitError,
    Readings,
    RequestTimeoutError,
    ServerError,
)

from .payloads import DEVICE_ID, KEY
from .server import (
    CloudServer,
    bytes_then_close,
    chunked,
    cut_short,
    data,
    echo_key,
    endless,
    error,
    garbled_with_key,
    reset,
    stall,
    stall_in_the_body,
    text,
)
from .test_requests import END, START

if TYPE_CHECKING:
    from .server import Answer

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (405, InvalidRequestError),
        (410, InvalidRequestError),
        (429, RateLimitError),
        (500, ServerError),
        (502, ServerError),
        (503, ServerError),
        (504, ServerError),
        (599, ServerError),
    ],
)
async def test_each_status_has_its_exception_with_the_server_s_message(
    server: CloudServer, cloud: OneMeterCloud, status: int, exception: type[OneMeterError]
) -> None:
    server.will(error(status, "SomeName", "In the server's words"))
    with pytest.raises(OneMeterError) as caught:
        await cloud.devices()
    assert type(caught.value) is exception
    assert caught.value.server_message == "In the server's words"
    assert "In the server's words" in str(caught.value)


async def test_only_a_server_that_says_when_to_come_back_is_left_alone_until_then(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    for answer, retry_after in (
        (error(400, "InvalidQuery", "Invalid query", headers={"Retry-After": "300"}), None),
        (error(500, "Broken", "Broken"), None),
        (error(429, "TooManyRequests", "Later", headers={"Retry-After": "300"}), 300),
    ):
        server.will(answer)
        with pytest.raises(OneMeterError) as caught:
            await cloud.devices()
        assert caught.value.retry_after == retry_after


def test_who_cannot_be_reached_and_who_cannot_answer_are_one_kind_of_trouble() -> None:
    assert issubclass(RequestTimeoutError, CannotConnectError)
    assert issubclass(ServerError, CannotConnectError)


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"[1]", b'{"message": null}'])
async def test_an_error_without_a_message_is_named_by_its_status(
    server: CloudServer, cloud: OneMeterCloud, body: bytes
) -> None:
    server.will(text(body, status=502, content_type="text/html"))
    with pytest.raises(ServerError, match=r"HTTP 502") as caught:
        await cloud.devices()
    assert caught.value.server_message is None


async def test_a_long_message_is_cut(server: CloudServer, cloud: OneMeterCloud) -> None:
    server.will(error(500, "SomeName", "long " * 1000))
    with pytest.raises(ServerError) as caught:
        await cloud.devices()
    assert len(caught.value.server_message or "") == 200


@pytest.mark.parametrize(
    ("answer", "exception"),
    [
        (cut_short(status=401), AuthenticationError),
        (cut_short(status=429, headers={"Retry-After": "300"}), RateLimitError),
        (text(b"no gzip", status=401, headers={"Content-Encoding": "gzip"}), AuthenticationError),
        (text(b" " * 2000, status=429), RateLimitError),
    ],
    ids=["cut short", "refusal cut short", "cannot be unpacked", "too large"],
)
async def test_the_status_of_an_error_counts_even_if_its_body_cannot_be_read(
    server: CloudServer,
    cloud: OneMeterCloud,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    exception: type[OneMeterError],
) -> None:
    monkeypatch.setattr("onemeter_cloud.client.LARGEST_BODY_BYTES", 1000)
    server.will(answer)
    with pytest.raises(exception):
        await cloud.devices()


async def test_a_device_that_is_not_there_is_an_error(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(error(404, "DeviceNotFound", "Device of given UUID not found"))
    with pytest.raises(NotFoundError, match="Device of given UUID not found") as caught:
        await cloud.device(DEVICE_ID)
    assert caught.value.error == "DeviceNotFound"
    assert not caught.value.no_readings


@pytest.mark.parametrize("message", ["No readings found", "No results"])
async def test_no_readings_are_no_error(
    server: CloudServer, cloud: OneMeterCloud, message: str
) -> None:
    server.will(error(404, "NotFoundError", message))
    assert await cloud.readings(DEVICE_ID, START, END) == Readings(times=(), rows=())


@pytest.mark.parametrize(
    "answer",
    [
        error(404, "DeviceNotFound", "Device of given UUID not found"),
        data({"detail": "Not Found"}, status=404),
        text("<html>404</html>", status=404, content_type="text/html"),
    ],
    ids=["no such device", "no such path", "no such page"],
)
async def test_readings_of_what_is_not_there_are_an_error(
    server: CloudServer, cloud: OneMeterCloud, answer: Answer
) -> None:
    server.will(answer)
    with pytest.raises(NotFoundError):
        await cloud.readings(DEVICE_ID, START, END)


@pytest.mark.parametrize(
    "answer",
    [
        text("<html>Sign in to this hotspot</html>", content_type="text/html"),
        text(b""),
        text("{'single': 'quotes'}"),
        text('{"devices": ['),
        text(b'\xff\xfe{"devices": []}'),
        text(b"[" * 1_000_000),
        text(b"[" * 5_000 + b"NaN" + b"]" * 5_000),
        text("9" * 10_000),
        data({"devices": []}, status=201),
        text(b"", status=204),
        text('{"devices": []}', headers={"Content-Length": "5"}),
        text(b"no gzip", headers={"Content-Encoding": "gzip"}),
        text(gzip.compress(b'{"devices": []}')[:-12], headers={"Content-Encoding": "gzip"}),
        text(b"{}", headers={"Content-Encoding": "br"}),
        bytes_then_close(b"SSH-2.0-OpenSSH_9.9\r\n"),
        bytes_then_close(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
        bytes_then_close(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
    ],
    ids=[
        "page of a hotspot",
        "empty",
        "no JSON",
        "half of JSON",
        "no UTF-8",
        "nested without end",
        "nested too deeply",
        "number without end",
        "another good status",
        "no content",
        "longer than announced",
        "cannot be unpacked",
        "unpacked only in part",
        "packed some other way",
        "another protocol",
        "length that is no number",
        "header without end",
    ],
)
async def test_an_answer_that_cannot_be_read_is_an_invalid_response(
    server: CloudServer, cloud: OneMeterCloud, answer: Answer
) -> None:
    server.will(answer)
    with pytest.raises(InvalidResponseError):
        await cloud.devices()


@pytest.mark.parametrize(
    "answer",
    [cut_short(), chunked(b'{"devices": ', complete=False)],
    ids=["body", "chunks"],
)
async def test_a_connection_that_breaks_in_the_middle_of_an_answer_is_no_answer(
    server: CloudServer, cloud: OneMeterCloud, answer: Answer
) -> None:
    server.will(answer)
    with pytest.raises(CannotConnectError, match="middle of the answer"):
        await cloud.devices()


@pytest.mark.parametrize("value", [{}, [], None, 7, "text", {"devices": None}, {"devices": {}}])
async def test_json_that_holds_no_devices_is_an_invalid_response(
    server: CloudServer, cloud: OneMeterCloud, value: object
) -> None:
    server.will(data(value))
    with pytest.raises(InvalidResponseError):
        await cloud.devices()


async def test_an_account_without_devices_is_fine(cloud: OneMeterCloud) -> None:
    assert await cloud.devices() == ()


@pytest.mark.parametrize("value", [{}, [], None, {"devices": []}, {"_id": "another-device"}])
async def test_json_that_is_not_the_device_is_an_invalid_response(
    server: CloudServer, cloud: OneMeterCloud, value: object
) -> None:
    server.will(data(value))
    with pytest.raises(InvalidResponseError):
        await cloud.device(DEVICE_ID)


@pytest.mark.parametrize("value", [{}, [], None, {"readings": None}, {"devices": []}])
async def test_json_that_holds_no_readings_is_an_invalid_response(
    server: CloudServer, cloud: OneMeterCloud, value: object
) -> None:
    server.will(data(value))
    with pytest.raises(InvalidResponseError):
        await cloud.readings(DEVICE_ID, START, END)


async def test_nan_makes_a_field_unknown_and_nothing_else(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(text('{"good": 1.5, "bad": NaN, "worse": [Infinity, -Infinity]}'))
    assert await cloud.request("any") == {"good": 1.5, "bad": None, "worse": [None, None]}


async def test_numbers_without_measure_and_half_characters_spoil_their_field_alone(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(text(f'{{"good": 1.5, "bad": [1e999, {10**400}], "name": "Cellar \\ud83d"}}'))
    assert await cloud.request("any") == {"good": 1.5, "bad": [None, None], "name": "Cellar ?"}


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b'{"devices": []}')), ("deflate", zlib.compress(b'{"devices": []}'))],
    ids=["gzip", "deflate"],  # gzip's bytes tell the time, which the workers of a run do not share
)
async def test_a_packed_answer_is_unpacked(
    server: CloudServer, cloud: OneMeterCloud, encoding: str, body: bytes
) -> None:
    server.will(text(body, headers={"Content-Encoding": encoding}))
    assert await cloud.devices() == ()


async def test_an_answer_in_chunks_is_put_together(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(chunked(b'{"dev', b'ices"', b": []}"))
    assert await cloud.devices() == ()


async def test_json_is_read_whatever_it_calls_itself(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(text('{"devices": []}', content_type="text/plain"))
    assert await cloud.devices() == ()


async def test_an_answer_without_end_is_not_read_to_its_end(
    server: CloudServer, cloud: OneMeterCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onemeter_cloud.client.LARGEST_BODY_BYTES", MIB)
    server.will(endless)
    with pytest.raises(InvalidResponseError, match="larger than 1 MiB"):
        await cloud.devices()


async def test_a_bomb_of_packed_nothing_does_not_fill_the_memory(
    server: CloudServer, cloud: OneMeterCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onemeter_cloud.client.LARGEST_BODY_BYTES", MIB)
    pack = zlib.compressobj(level=1, wbits=31)
    nothing = bytes(MIB)
    bomb = b"".join([*(pack.compress(nothing) for _ in range(256)), pack.flush()])
    server.will(text(bomb, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidResponseError, match="larger than 1 MiB"):
            await cloud.devices()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


async def test_a_server_that_is_not_there_cannot_be_connected_to() -> None:
    async with CloudServer() as server:
        url = server.url
    with pytest.raises(CannotConnectError, match="No connection"):
        await OneMeterCloud(KEY, base_url=url).devices()


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example"])
async def test_a_host_that_cannot_exist_cannot_be_connected_to(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    # The real one, which refuses such a name before it asks anybody for it.
    monkeypatch.setattr("socket.getaddrinfo", _socket.getaddrinfo)
    connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        cloud = OneMeterCloud(KEY, base_url=f"http://{host}/", session=session)
        with pytest.raises(CannotConnectError):
            await cloud.devices()


@pytest.mark.parametrize(
    "answer", [reset, bytes_then_close(b""), bytes_then_close(b"HTTP/1.1 200 OK\r\nX: y\r\n")]
)
async def test_a_connection_that_breaks_before_the_answer_is_no_connection(
    server: CloudServer, cloud: OneMeterCloud, answer: Answer
) -> None:
    server.will(answer)
    with pytest.raises(CannotConnectError) as caught:
        await cloud.devices()
    assert type(caught.value) is CannotConnectError


@pytest.mark.parametrize("answer", [stall, stall_in_the_body])
async def test_a_server_that_stalls_is_not_waited_for_without_end(
    server: CloudServer, cloud: OneMeterCloud, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr("onemeter_cloud.client.TOTAL_TIMEOUT_SECONDS", 0.2)
    server.will(answer)
    with pytest.raises(RequestTimeoutError):
        await cloud.devices()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_key_follows_no_redirect(
    server: CloudServer, cloud: OneMeterCloud, status: int
) -> None:
    async with CloudServer() as other:
        other.will(data({"devices": []}))
        server.will(text(b"", status=status, headers={"Location": f"{other.url}devices/"}))
        with pytest.raises(InvalidResponseError, match=f"HTTP {status}"):
            await cloud.devices()
        assert other.requests == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer", [error(503, "Unavailable", "Come back later"), reset, bytes_then_close(b"")]
)
async def test_a_request_that_failed_is_not_sent_again_by_itself(
    server: CloudServer, cloud: OneMeterCloud, answer: Answer
) -> None:
    server.will(answer, data({"devices": []}))
    with pytest.raises(CannotConnectError):
        await cloud.devices()
    assert len(server.requests) == 1


async def test_a_request_on_a_connection_in_use_is_not_sent_again_either(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(data({}), reset, data({}))
    await cloud.request("first")
    with pytest.raises(CannotConnectError):
        await cloud.request("second")
    assert server.paths == ["/api/first", "/api/second"]


async def test_after_a_failure_the_next_request_is_sent(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(reset, data({"devices": []}))
    with pytest.raises(CannotConnectError):
        await cloud.devices()
    assert await cloud.devices() == ()


KEY_ECHOES = {
    **{f"status {status}": echo_key(status) for status in (400, 401, 403, 404, 429, 500)},
    "reason": garbled_with_key(b"HTTP/1.1 500 KEY\r\nContent-Length: 0\r\n\r\n"),
    "redirect": garbled_with_key(
        b"HTTP/1.1 302 KEY\r\nLocation: /KEY\r\nContent-Length: 0\r\n\r\n"
    ),
    "status line": garbled_with_key(b"HTTP/1.1 KEY\r\n\r\n"),
    "header name": garbled_with_key(b"HTTP/1.1 200 OK\r\nKEY\r\n\r\n"),
    "content length": garbled_with_key(b"HTTP/1.1 200 OK\r\nContent-Length: KEY\r\n\r\n"),
    "head cut short": garbled_with_key(b"HTTP/1.1 200 OK\r\nX: KEY\r\n"),
    "chunk": garbled_with_key(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nKEY\r\n"),
    "second chunk": garbled_with_key(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\nKEY\r\n"
    ),
    "encoding": garbled_with_key(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: KEY\r\nContent-Length: 3\r\n\r\nKEY"
    ),
    "body": garbled_with_key(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nKEY"),
    "stack": chunked(KEY.encode(), complete=False),
}


@pytest.mark.parametrize("answer", KEY_ECHOES.values(), ids=KEY_ECHOES.keys())
async def test_a_key_that_the_server_repeats_is_in_no_text_of_ours(
    server: CloudServer,
    cloud: OneMeterCloud,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.will(answer)
    with pytest.raises(OneMeterError) as caught:
        await cloud.devices()
    texts = (
        str(caught.value),
        repr(caught.value),
        str(getattr(caught.value, "error", "")),
        repr(caught.value.__cause__),
        "".join(traceback.format_exception(caught.value)),
        caplog.text,
    )
    assert not any(KEY in text for text in texts)


async def test_a_repeated_key_is_blotted_out_of_the_message(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    server.will(echo_key(401))
    with pytest.raises(AuthenticationError, match=r"The key \*\*\* is not welcome"):
        await cloud.devices()


async def test_the_key_is_not_logged(
    cloud: OneMeterCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await cloud.devices()
    assert "GET /api/devices/ answered 200" in caplog.text
    assert KEY not in caplog.text


def test_the_key_is_in_no_description_of_the_client(cloud: OneMeterCloud) -> None:
    assert KEY not in f"{cloud!r} {cloud}"
