"""Serving on a real socket inside the running loop, with time standing still."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import TYPE_CHECKING

import aiohttp
import orjson
import pytest
from starlette.responses import StreamingResponse

from onemeter_server.app import create_app
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store
from tests.serving import serving

from .conftest import DEVICE_ID, KEY, at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import FrozenDateTimeFactory

    from onemeter_server.models.records import DeviceRecord
    from tests.serving import Message, Receive, Send

    from .conftest import Account

pytestmark = pytest.mark.usefixtures("socket_enabled")

HEADERS = {"Authorization": KEY}


async def test_it_answers_and_ends_while_time_stands_still(
    freezer: FrozenDateTimeFactory,
) -> None:
    freezer.move_to("2024-05-23T10:00:00Z")
    threads = set(threading.enumerate())
    tasks = asyncio.all_tasks()
    async with Database.open("sqlite+aiosqlite://") as database:
        store = Store(database)
        await store.add_key(await store.add_account("Ada"), "Ada's key", KEY)
        async with serving(create_app(database)) as url, aiohttp.ClientSession() as session:
            for _ in range(3):
                async with session.get(f"{url}devices/", headers=HEADERS) as answer:
                    assert answer.status == 200
                    assert await answer.json() == {"devices": []}
    assert asyncio.all_tasks() == tasks
    assert set(threading.enumerate()) == threads


async def test_windows_of_readings_are_understood_while_time_stands_still(
    account: Account, record: DeviceRecord, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to("2024-05-23T10:00:00Z")
    await account.add_device(
        record,
        (at("2024-05-23T09:30:00Z"), {"1_8_0": 1}),
        (at("2024-05-23T09:45:00Z"), {"1_8_0": 2}),
    )
    async with (
        serving(create_app(account.database)) as url,
        aiohttp.ClientSession(headers=HEADERS) as session,
        session.get(f"{url}devices/{DEVICE_ID}/readings?from=2024-05-23T09:45:00Z") as answer,
    ):
        rows = (await answer.json())["readings"]

    assert rows == [{"date": "2024-05-23T09:45:00.000Z", "1_8_0": 2}]


async def test_the_rate_limit_follows_frozen_time(
    account: Account, freezer: FrozenDateTimeFactory
) -> None:
    app = create_app(account.database, rate_limit_per_minute=1)
    statuses = []
    async with serving(app) as url, aiohttp.ClientSession() as session:
        for seconds in (0, 30, 30):
            freezer.tick(seconds)
            async with session.get(f"{url}devices", headers=HEADERS) as answer:
                statuses.append(answer.status)

    assert statuses == [200, 429, 200]


async def test_the_address_is_loopback_and_leads_to_the_api(account: Account) -> None:
    async with serving(create_app(account.database)) as url:
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/api/")


async def test_an_address_of_the_next_generation_is_written_as_one(account: Account) -> None:
    async with serving(create_app(account.database), host="::1") as url:
        assert url.startswith("http://[::1]:")


async def test_a_port_in_use_is_refused(account: Account) -> None:
    app = create_app(account.database)
    async with serving(app) as url:
        port = int(url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match=r"(?i)address already in use"):
            await serving(app, port=port).__aenter__()


async def test_after_the_end_nobody_listens(account: Account) -> None:
    async with serving(create_app(account.database)) as url:
        pass
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)


async def test_a_request_that_never_ends_is_broken_off_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = asyncio.Event()

    async def stuck(_scope: Message, _receive: Receive, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with aiohttp.ClientSession() as session:
        async with serving(stuck) as url:
            request = asyncio.create_task(session.get(url))
            await begun.wait()
        with pytest.raises(aiohttp.ClientConnectionError):
            await request

    assert "Exception in ASGI application" not in caplog.text


async def test_a_client_that_does_not_read_its_answer_does_not_hold_up_the_end() -> None:
    waiting = asyncio.Event()

    async def flood(_scope: Message, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        waiting.set()
        while True:
            body = bytes(1_000_000)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.Event().wait()

    async with serving(flood) as url:
        port = int(url.split(":")[2].split("/")[0])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await waiting.wait()
    writer.close()


# PostgreSQL's driver has timers of its own.
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_client_that_vanishes_leaves_no_timer(account: Account) -> None:
    loop = asyncio.get_running_loop()
    async with serving(create_app(account.database)) as url:
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        # Closing resets the connection instead of ending it in good order.
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        async with aiohttp.ClientSession(headers=HEADERS) as session:
            await session.get(f"{url}devices")
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined] # noqa: SLF001 - asyncio has no other way to ask
    assert timers == []


async def test_the_server_can_be_started_again_on_the_same_database(account: Account) -> None:
    for _ in range(2):
        async with (
            serving(create_app(account.database)) as url,
            aiohttp.ClientSession(headers=HEADERS) as session,
            session.get(f"{url}devices") as answer,
        ):
            assert answer.status == 200


async def read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    """Return what a connection still brings; raise `TimeoutError` if it stays open."""
    async with asyncio.timeout(30):
        return await reader.read()


async def test_what_is_no_http_is_told_so_as_the_api_tells(account: Account) -> None:
    async with serving(create_app(account.database)) as url:
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"this is no HTTP\r\n\r\n")
        head, _, body = (await read_to_the_end(reader)).partition(b"\r\n\r\n")
        writer.close()

    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert orjson.loads(body) == {
        "status": "error",
        "error": "BadRequest",
        "message": "Invalid HTTP request",
        "statusCode": 400,
    }


@pytest.mark.parametrize("whole_before", [0, 1, 2])
async def test_a_request_that_is_half_sent_is_given_up_in_time(
    account: Account, monkeypatch: pytest.MonkeyPatch, whole_before: int
) -> None:
    monkeypatch.setattr("onemeter_server.serve.REQUEST_SECONDS", 0.2)
    request = f"GET /api/devices HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n\r\n".encode()
    async with serving(create_app(account.database)) as url:
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(whole_before):
            writer.write(request)
            await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.write(request[:20])

        assert await read_to_the_end(reader) == b""

        writer.close()


async def test_a_client_that_vanishes_ends_the_work_on_its_answer(
    account: Account, record: DeviceRecord
) -> None:
    sent = 0
    gone = asyncio.Event()

    async def endless(_scope: Message, receive: Receive, send: Send) -> None:
        nonlocal sent

        async def rows() -> AsyncIterator[bytes]:
            nonlocal sent
            try:
                while True:
                    sent += 1
                    await asyncio.sleep(0)  # as reading a page does
                    yield bytes(100_000)
            finally:
                gone.set()

        await StreamingResponse(rows())(_scope, receive, send)

    async with serving(endless) as url:
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        async with asyncio.timeout(30):
            await gone.wait()

    assert sent > 0
