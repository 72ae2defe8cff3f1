"""The small documented client: plain JSON, for scripts, with nothing to set up."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import pytest

from onemeter_cloud import (
    AuthenticationError,
    InvalidResponseError,
    NotFoundError,
    OneMeterApiClient,
    RateLimitError,
)

from .payloads import DEVICE_ID, KEY, OTHER_ID, SHORT_DEVICE, full_device
from .server import CloudServer, data, error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client(server: CloudServer) -> AsyncIterator[OneMeterApiClient]:
    async with OneMeterApiClient(DEVICE_ID, KEY, base_url=server.url) as client:
        yield client


async def test_all_devices_are_the_api_s_own_json(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    devices = [full_device(), full_device(OTHER_ID)]
    server.will(data({"devices": devices}))
    assert await client.get_all_devices() == devices
    assert server.paths == ["/api/devices/"]
    assert server.requests[0].headers["authorization"] == KEY


async def test_an_account_without_devices_has_an_empty_list(client: OneMeterApiClient) -> None:
    assert await client.get_all_devices() == []


async def test_what_is_no_list_of_devices_is_an_invalid_response(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(data({}))
    with pytest.raises(InvalidResponseError):
        await client.get_all_devices()


@pytest.mark.parametrize("payload", [full_device(), SHORT_DEVICE], ids=["full", "short"])
async def test_the_device_is_the_api_s_own_json(
    server: CloudServer, client: OneMeterApiClient, payload: dict[str, object]
) -> None:
    server.will(data(payload))
    assert await client.get_device_data() == payload
    assert server.paths == [f"/api/devices/{DEVICE_ID}"]


async def test_what_is_not_the_device_is_an_invalid_response(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(data({"devices": []}))
    with pytest.raises(InvalidResponseError):
        await client.get_device_data()


async def test_a_device_that_was_just_asked_for_comes_from_the_cache(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(data(full_device()))
    first = await client.get_device_data()
    first.clear()
    assert await client.get_device_data() == full_device()
    assert len(server.requests) == 1


async def test_readings_are_those_of_the_last_hours_and_of_these_registers(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(data({"readings": []}))
    before = datetime.now(UTC)
    await client.get_readings(24, ["15_8_0", "2_8_0"])
    after = datetime.now(UTC)
    query = dict(server.requests[0].query)
    assert server.paths == [f"/api/devices/{DEVICE_ID}/readings"]
    assert query.pop("codes") == "15_8_0,2_8_0"
    start, end = (datetime.fromisoformat(query.pop(name)) for name in ("from", "to"))
    assert before - timedelta(milliseconds=1) <= end <= after
    assert end - start == timedelta(hours=24)
    assert query == {"sort": "ascending"}


async def test_the_time_of_readings_is_written_as_the_api_writes_it(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(data({"readings": []}))
    await client.get_readings(1, ["15_8_0"])
    for name in ("from", "to"):
        written = server.requests[0].query[name]
        assert written.endswith("Z")
        assert len(written) == len("2024-05-23T07:00:00.000Z")


async def test_readings_are_the_api_s_own_rows(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    rows = [
        {"date": "2024-05-23T07:00:00.000Z", "15_8_0": 1.5},
        {"date": "2024-05-23T07:15:00.000Z"},
    ]
    server.will(data({"readings": rows, "meta": {}}))
    assert await client.get_readings(0.5, ["15_8_0"]) == rows


async def test_a_text_is_one_code(server: CloudServer, client: OneMeterApiClient) -> None:
    server.will(data({"readings": []}))
    await client.get_readings(1, "15_8_0")
    assert server.requests[0].query["codes"] == "15_8_0"


async def test_codes_may_come_one_by_one(server: CloudServer, client: OneMeterApiClient) -> None:
    server.will(data({"readings": []}))
    await client.get_readings(1, (code for code in ("1_8_0", "2_8_0")))
    assert server.requests[0].query["codes"] == "1_8_0,2_8_0"


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf"), 1e9])
async def test_readings_of_no_time_or_of_all_times_are_refused(
    server: CloudServer, client: OneMeterApiClient, hours: float
) -> None:
    with pytest.raises(ValueError, match=r"time|calendar"):
        await client.get_readings(hours, ["15_8_0"])
    assert server.requests == []


async def test_readings_of_no_register_are_refused(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    with pytest.raises(ValueError, match="at least one OBIS code"):
        await client.get_readings(24, [])
    assert server.requests == []


async def test_no_readings_are_an_empty_list(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(error(404, "NotFoundError", "No readings found"))
    assert await client.get_readings(24, ["15_8_0"]) == []


async def test_readings_of_a_device_that_is_not_there_are_an_error(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(error(404, "DeviceNotFound", "Device of given UUID not found"))
    with pytest.raises(NotFoundError):
        await client.get_readings(24, ["15_8_0"])


async def test_errors_are_those_of_the_library(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(error(401, "Unauthorized", "Authorization failed"))
    with pytest.raises(AuthenticationError, match="Authorization failed"):
        await client.get_device_data()


async def test_a_turn_more_than_two_minutes_away_is_refused(
    server: CloudServer, client: OneMeterApiClient
) -> None:
    server.will(error(429, "TooManyRequests", "Too many", headers={"Retry-After": "121"}))
    with pytest.raises(RateLimitError):
        await client.get_all_devices()
    with pytest.raises(RateLimitError, match="budget"):
        await client.get_all_devices()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("15_8_0", 120.75),
        ("5_8_0", "7.5"),
        ("0_2_2", "G11"),
        ("S_1_1_7", [3, 1]),
        ("9_9_9", None),
    ],
)
def test_a_register_is_taken_out_of_a_device_as_it_stands(code: str, value: object) -> None:
    client = OneMeterApiClient(DEVICE_ID, KEY)
    assert client.extract_device_value(full_device(), code) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "device_data",
    [{}, {"lastReading": None}, {"lastReading": []}, {"lastReading": {"OBIS": None}}],
)
def test_a_device_without_readings_has_no_register(device_data: dict[str, object]) -> None:
    client = OneMeterApiClient(DEVICE_ID, KEY)
    assert client.extract_device_value(device_data, "15_8_0") is None  # type: ignore[arg-type]


async def test_a_session_that_was_given_is_used_and_stays_open(server: CloudServer) -> None:
    async with aiohttp.ClientSession(headers={"X-Session": "given"}) as session:
        client = OneMeterApiClient(DEVICE_ID, KEY, base_url=server.url, session=session)
        async with client:
            await client.get_all_devices()
        await client.close()
        assert not session.closed
    assert server.requests[0].headers["x-session"] == "given"


async def test_a_block_keeps_one_connection(server: CloudServer, client: OneMeterApiClient) -> None:
    server.will(data({"devices": []}), data(full_device()))
    await client.get_all_devices()
    await client.get_device_data()
    assert [request.connection for request in server.requests] == [1, 1]


PLAIN_SCRIPT = """
import asyncio, sys
from onemeter_cloud import OneMeterApiClient

async def main():
    client = OneMeterApiClient(sys.argv[2], sys.argv[3], base_url=sys.argv[1])
    device = await client.get_device_data()
    print(client.extract_device_value(device, "15_8_0"))

asyncio.run(main())
assert "homeassistant" not in sys.modules
"""

BLOCK_SCRIPT = """
import asyncio, sys
from onemeter_cloud import OneMeterApiClient

async def main():
    async with OneMeterApiClient(sys.argv[2], sys.argv[3], base_url=sys.argv[1]) as client:
        device = await client.get_device_data()
        print(client.extract_device_value(device, "15_8_0"))

asyncio.run(main())
assert "homeassistant" not in sys.modules
"""

TWO_RUNS_SCRIPT = """
import asyncio, sys
from onemeter_cloud import OneMeterApiClient

client = OneMeterApiClient(sys.argv[2], sys.argv[3], base_url=sys.argv[1])
device = asyncio.run(client.get_device_data())
readings = asyncio.run(client.get_readings(1, ["15_8_0"]))
print(client.extract_device_value(device, "15_8_0"))
"""


@pytest.mark.parametrize(
    "script", [PLAIN_SCRIPT, BLOCK_SCRIPT, TWO_RUNS_SCRIPT], ids=["plain", "block", "two runs"]
)
async def test_a_script_needs_no_home_assistant_and_leaves_nothing_open(
    server: CloudServer, script: str
) -> None:
    server.will(data(full_device()), data({"readings": []}))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", script),
        *(server.url, DEVICE_ID, KEY),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    assert (stdout.decode().strip(), stderr.decode(), process.returncode) == ("120.75", "", 0)
