"""Every kind of error comes from something that a server or a caller really does."""

from __future__ import annotations

import _socket
import asyncio
from string import Formatter
from typing import TYPE_CHECKING

import aiohttp
import pytest

from onemeter_cloud import (
    AuthenticationError,
    CannotConnectError,
    ErrorKind,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    OneMeterApiClient,
    OneMeterCloud,
    OneMeterError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from onemeter_cloud.errors import SENTENCES

from .payloads import DEVICE_ID, KEY
from .server import CloudServer, data, echo_key, error, reset, stall, text
from .test_requests import END, START

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .server import Answer

    type Deed = Callable[[OneMeterCloud], Awaitable[object]]

RAISED_BY_READERS_OF_HISTORY = {ErrorKind.NO_NUMBERS}


def devices(cloud: OneMeterCloud) -> Awaitable[object]:
    return cloud.devices()


def device(cloud: OneMeterCloud) -> Awaitable[object]:
    return cloud.device(DEVICE_ID)


def readings(cloud: OneMeterCloud) -> Awaitable[object]:
    return cloud.readings(DEVICE_ID, START, END)


async def a_key_that_is_none(cloud: OneMeterCloud) -> None:
    await OneMeterCloud("two words", base_url=cloud.base_url).devices()


async def a_device_that_is_none(cloud: OneMeterCloud) -> None:
    await cloud.device("../users")


async def a_path_out_of_the_api(cloud: OneMeterCloud) -> None:
    await cloud.request("../admin")


async def four_requests_at_once(cloud: OneMeterCloud) -> None:
    for _ in range(4):
        await cloud.devices(max_age=0, max_wait=0)


async def a_server_that_has_gone(_cloud: OneMeterCloud) -> None:
    async with CloudServer() as server:
        url = server.url
    await OneMeterCloud(KEY, base_url=url).devices()


async def https_where_there_is_none(_cloud: OneMeterCloud) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await OneMeterCloud(KEY, base_url=f"https://127.0.0.1:{port}/").devices()


async def a_host_that_cannot_exist(_cloud: OneMeterCloud) -> None:
    connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        await OneMeterCloud(KEY, base_url="http://a..b/", session=session).devices()


# What is raised, with which figures, after which deed, if the server answers this.
type Case = tuple[type[OneMeterError], dict[str, int], Deed, Answer | None]

CASES: dict[ErrorKind, Case] = {
    ErrorKind.INVALID_KEY: (AuthenticationError, {}, a_key_that_is_none, None),
    ErrorKind.KEY_REFUSED: (
        AuthenticationError,
        {"status": 403},
        devices,
        error(403, "Forbidden", "Said by the server"),
    ),
    ErrorKind.BUDGET_SPENT: (RateLimitError, {"seconds": 60}, four_requests_at_once, None),
    ErrorKind.TOO_MANY_REQUESTS: (
        RateLimitError,
        {"seconds": 300},
        devices,
        error(429, "TooMany", "Said by the server", headers={"Retry-After": "300"}),
    ),
    ErrorKind.INVALID_DEVICE_ID: (InvalidRequestError, {}, a_device_that_is_none, None),
    ErrorKind.INVALID_PATH: (InvalidRequestError, {}, a_path_out_of_the_api, None),
    ErrorKind.NOT_FOUND: (
        NotFoundError,
        {"status": 404},
        device,
        error(404, "DeviceNotFound", "Said by the server"),
    ),
    ErrorKind.REQUEST_REFUSED: (
        InvalidRequestError,
        {"status": 400},
        devices,
        error(400, "InvalidQuery", "Said by the server"),
    ),
    ErrorKind.NO_CONNECTION: (CannotConnectError, {}, a_server_that_has_gone, None),
    ErrorKind.NO_SECURE_CONNECTION: (CannotConnectError, {}, https_where_there_is_none, None),
    ErrorKind.UNKNOWN_HOST: (CannotConnectError, {}, a_host_that_cannot_exist, None),
    ErrorKind.BROKEN_CONNECTION: (CannotConnectError, {}, devices, reset),
    ErrorKind.TIMEOUT: (RequestTimeoutError, {}, devices, stall),
    ErrorKind.SERVER_ERROR: (
        ServerError,
        {"status": 503},
        devices,
        error(503, "Unavailable", "Said by the server", headers={"Retry-After": "300"}),
    ),
    ErrorKind.NOT_HTTP: (
        InvalidResponseError,
        {},
        devices,
        text(b"", headers={"Content-Length": "many"}),
    ),
    ErrorKind.REDIRECTED: (
        InvalidResponseError,
        {"status": 308},
        devices,
        text(b"", status=308, headers={"Location": "/elsewhere"}),
    ),
    ErrorKind.UNEXPECTED_STATUS: (
        InvalidResponseError,
        {"status": 201},
        devices,
        data({"devices": []}, status=201),
    ),
    ErrorKind.NOT_UNPACKED: (
        InvalidResponseError,
        {},
        devices,
        text(b"no gzip", headers={"Content-Encoding": "gzip"}),
    ),
    ErrorKind.TOO_LARGE: (InvalidResponseError, {"mebibytes": 1}, devices, text(bytes(2**20 + 1))),
    ErrorKind.NOT_JSON: (InvalidResponseError, {}, devices, text("<html>Welcome</html>")),
    ErrorKind.NO_DEVICES: (InvalidResponseError, {}, devices, data({})),
    ErrorKind.NO_READINGS: (InvalidResponseError, {}, readings, data({})),
    ErrorKind.NOT_A_DEVICE: (InvalidResponseError, {}, device, data({})),
    ErrorKind.ANOTHER_DEVICE: (InvalidResponseError, {}, device, data({"_id": "another"})),
}


def test_every_kind_has_its_case_and_its_sentence() -> None:
    assert CASES.keys() == set(ErrorKind) - RAISED_BY_READERS_OF_HISTORY
    assert SENTENCES.keys() == set(ErrorKind)


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short limits, and the real look-up of names, which refuses some before it asks anybody."""
    monkeypatch.setattr("onemeter_cloud.client.TOTAL_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("onemeter_cloud.client.LARGEST_BODY_BYTES", 2**20)
    monkeypatch.setattr("socket.getaddrinfo", _socket.getaddrinfo)


async def raised_by(server: CloudServer, cloud: OneMeterCloud, kind: ErrorKind) -> OneMeterError:
    """Do what leads to an error of a kind, and return it."""
    _, _, deed, answer = CASES[kind]
    if answer is not None:
        server.will(answer)
    with pytest.raises(OneMeterError) as caught:
        await deed(cloud)
    return caught.value


@pytest.mark.parametrize("kind", CASES)
async def test_each_kind_has_its_class_its_figures_and_a_sentence_with_them(
    server: CloudServer, cloud: OneMeterCloud, kind: ErrorKind
) -> None:
    raised = await raised_by(server, cloud, kind)
    class_, figures, _, answer = CASES[kind]
    assert (type(raised), raised.kind, dict(raised.figures)) == (class_, kind, figures)
    assert figures.keys() == {name for _, name, _, _ in Formatter().parse(SENTENCES[kind]) if name}
    assert str(raised).startswith(SENTENCES[kind].format(**figures))
    assert "{" not in str(raised)
    speaks = figures.keys() & {"seconds", "status"} and answer is not None
    says_so = raised.server_message == "Said by the server"
    assert says_so is (bool(speaks) and not isinstance(raised, InvalidResponseError))


async def test_the_server_s_words_are_marked_as_such(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    raised = await raised_by(server, cloud, ErrorKind.KEY_REFUSED)
    assert str(raised) == (
        'The server does not accept the API key (HTTP 403). The server says: "Said by the server"'
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Nieprawidłowy klucz", "Nieprawidłowy klucz"),
        ("  first line\r\n\tsecond  line\n", "first line second line"),
        ("long " * 1000, ("long " * 40)[:200]),
        (7, "7"),
        (" \n ", None),
        (None, None),
        (["list"], None),
    ],
)
async def test_the_server_s_words_stand_on_one_line_and_are_cut_to_size(
    server: CloudServer, cloud: OneMeterCloud, said: object, kept: str | None
) -> None:
    server.will(data({"error": "SomeName", "message": said}, status=500))
    with pytest.raises(ServerError) as caught:
        await cloud.devices()
    assert caught.value.server_message == kept


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_the_server_s_words_are_without_the_key(
    server: CloudServer, cloud: OneMeterCloud, status: int
) -> None:
    server.will(echo_key(status))
    with pytest.raises(OneMeterError) as caught:
        await cloud.devices()
    assert caught.value.server_message == "The key *** is not welcome"


@pytest.mark.parametrize(
    ("class_", "kind", "by_server"),
    [
        (RateLimitError, ErrorKind.BUDGET_SPENT, False),
        (RateLimitError, ErrorKind.TOO_MANY_REQUESTS, True),
    ],
)
def test_who_limits_is_told_by_the_kind_and_a_part_of_a_second_is_waited_for(
    class_: type[RateLimitError], kind: ErrorKind, *, by_server: bool
) -> None:
    raised = class_(kind, retry_after=0.2)
    assert (raised.by_server, raised.retry_after) == (by_server, 0.2)
    assert raised.figures == {"seconds": 1}


@pytest.mark.parametrize("kind", [ErrorKind.NO_DEVICES, ErrorKind.NO_READINGS])
async def test_the_documented_client_tells_the_same_kinds(
    server: CloudServer, kind: ErrorKind
) -> None:
    server.will(data({}))
    client = OneMeterApiClient(DEVICE_ID, KEY, base_url=server.url)
    with pytest.raises(InvalidResponseError) as caught:
        await (
            client.get_all_devices()
            if kind is ErrorKind.NO_DEVICES
            else client.get_readings(1, ["1_8_0"])
        )
    assert caught.value.kind is kind
