"""The faulty cloud does what it says; the library is its client."""

import asyncio
import errno
import sys
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import orjson
import pytest
from homeassistant.const import STATE_UNAVAILABLE

from custom_components.onemeter.onemeter_cloud.client import LARGEST_BODY_BYTES, OneMeterCloud
from custom_components.onemeter.onemeter_cloud.errors import (
    AuthenticationError,
    CannotConnectError,
    InvalidResponseError,
    OneMeterError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)

from .clockwork import PAST_THE_NEXT_POLL, live_through
from .faults import (
    BOMB_MEGABYTES,
    HUGE_BODY_BYTES,
    LONGER_THAN_THE_CLIENT_WAITS,
    OWNERS_SECRETS,
    SECRETS,
    Fault,
    FaultyCloud,
    gzip_bomb,
    other_id,
    polls,
    readings,
)
from .local_cloud import API_KEY, FLAT_ID, HOUSE_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from custom_components.onemeter.onemeter_cloud.models import Device

    from .conftest import MakeEntry
    from .local_cloud import LocalCloud

ENERGY: Final = "sensor.house_energy_import"
DEVICES: Final = "/api/devices/"
GROWTH_LIMIT_BYTES: Final = 150 * 1024**2

ERRORS: Final[dict[Fault, type[OneMeterError]]] = {
    Fault.UNAUTHORIZED: AuthenticationError,
    Fault.FORBIDDEN: AuthenticationError,
    Fault.UNAUTHORIZED_WITH_THE_KEY: AuthenticationError,
    Fault.TOO_MANY: RateLimitError,
    Fault.TOO_MANY_FOR_SECONDS: RateLimitError,
    Fault.TOO_MANY_UNTIL_A_DATE: RateLimitError,
    Fault.TOO_MANY_SOON: RateLimitError,
    Fault.TOO_MANY_NEGATIVE: RateLimitError,
    Fault.TOO_MANY_FOR_AGES: RateLimitError,
    Fault.INTERNAL_ERROR: ServerError,
    Fault.INTERNAL_ERROR_WITH_THE_KEY: ServerError,
    Fault.BAD_GATEWAY: ServerError,
    Fault.UNAVAILABLE: ServerError,
    Fault.UNAVAILABLE_FOR_SECONDS: ServerError,
    Fault.REFUSED: CannotConnectError,
    Fault.UNTRUSTED_CERTIFICATE: CannotConnectError,
    Fault.RESET_IN_THE_BODY: CannotConnectError,
    Fault.STALL: RequestTimeoutError,
    Fault.STALL_IN_THE_BODY: RequestTimeoutError,
    Fault.SLOW_DRIP: RequestTimeoutError,
    Fault.REDIRECT_302: InvalidResponseError,
    Fault.REDIRECT_307: InvalidResponseError,
    Fault.REDIRECT_308: InvalidResponseError,
    Fault.TRUNCATED: CannotConnectError,
    Fault.LENGTH_TOO_LARGE: CannotConnectError,
    Fault.LENGTH_TOO_SMALL: InvalidResponseError,
    Fault.HUGE_BODY: InvalidResponseError,
    Fault.GZIP_BOMB: InvalidResponseError,
    Fault.EMPTY_BODY: InvalidResponseError,
    Fault.WEB_PAGE: InvalidResponseError,
    Fault.EMPTY_OBJECT: InvalidResponseError,
    Fault.EMPTY_LIST: InvalidResponseError,
    Fault.OTHER_OBJECT: InvalidResponseError,
    Fault.OTHER_LIST: InvalidResponseError,
    Fault.NUMBER: InvalidResponseError,
}
OF_CONTENT: Final = [fault for fault in Fault if fault not in ERRORS]
HELD: Final = (Fault.STALL, Fault.STALL_IN_THE_BODY, Fault.SLOW_DRIP)

# Asks once for the devices, and tells what came of it and by how many bytes its peak has grown.
# `getrusage` would not do: its peak is at first that of the process which starts this one.
ASK_AND_MEASURE: Final = f"""
import asyncio, re, sys
from pathlib import Path
from onemeter_cloud import OneMeterCloud, OneMeterError
def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
async def ask():
    async with OneMeterCloud({API_KEY!r}, base_url=sys.argv[1]) as cloud:
        before = peak()
        try:
            await cloud.devices()
        except OneMeterError as err:
            print(type(err).__name__, peak() - before)
asyncio.run(ask())
"""


@pytest.fixture
async def faulty(cloud: LocalCloud, freezer: FrozenDateTimeFactory) -> AsyncIterator[FaultyCloud]:
    """A faulty cloud with a house and a flat, which lets time pass by itself."""
    async with FaultyCloud.before(cloud, pass_time=freezer.tick) as faulty:
        yield faulty


@pytest.fixture
async def secure(cloud: LocalCloud, freezer: FrozenDateTimeFactory) -> AsyncIterator[FaultyCloud]:
    """The same with an https address."""
    async with FaultyCloud.before(cloud, https=True, pass_time=freezer.tick) as faulty:
        yield faulty


async def ask(faulty: FaultyCloud) -> tuple[Device, ...]:
    """Let the library ask for all devices."""
    connector = aiohttp.TCPConnector(
        ssl=faulty.certificate.client() if faulty.certificate else True
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        return await OneMeterCloud(API_KEY, base_url=faulty.url, session=session).devices()


async def get(faulty: FaultyCloud, path: str = DEVICES, **options: Any) -> tuple[int, Any]:
    """Return status and JSON of an answer, whatever they are."""
    options.setdefault("ssl", faulty.certificate.client() if faulty.certificate else True)
    async with (
        aiohttp.ClientSession(headers={"Authorization": API_KEY}) as session,
        session.get(faulty.url.replace("/api/", path), **options) as response,
    ):
        return response.status, orjson.loads(await response.read())


async def listed(faulty: FaultyCloud) -> dict[str, Any]:
    """Return the devices that the cloud lists, by their ids."""
    status, content = await get(faulty)
    assert status == 200
    return {device["_id"]: device for device in content["devices"]}


async def last_reading(faulty: FaultyCloud) -> dict[str, Any]:
    """Return the house's last reading."""
    reading: dict[str, Any] = (await listed(faulty))[HOUSE_ID]["lastReading"]
    return reading


async def growth(faulty: FaultyCloud) -> tuple[str, int]:
    """Let a process of its own ask; return the error that it met and by how much it grew."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ASK_AND_MEASURE, faulty.url, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    error, grown = output.decode().split()
    return error, int(grown)


async def test_without_a_fault_the_answer_is_the_real_one(
    cloud: LocalCloud, faulty: FaultyCloud
) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": API_KEY}) as session:
        for path in (
            "devices",
            "devices/",
            f"devices/{HOUSE_ID}",
            f"devices/{HOUSE_ID}/readings?codes=1_8_0,2_8_0&from=2026-11-01T00:00:00.000Z",
            f"devices/{HOUSE_ID}/readings?limit=0",
            "devices/nobody",
        ):
            answers = []
            for url in (cloud.url, faulty.url):
                async with session.get(f"{url}{path}") as response:
                    answers.append((response.status, await response.read()))
            assert answers[0] == answers[1], path


async def test_requests_are_noted_with_time_path_query_and_headers(
    faulty: FaultyCloud, freezer: FrozenDateTimeFactory
) -> None:
    await get(faulty, f"/api/devices/{HOUSE_ID}/readings?codes=1_8_0")
    freezer.tick(90)
    await get(faulty)

    first, second = faulty.requests
    assert (first.path, first.query) == (f"{DEVICES}{HOUSE_ID}/readings", {"codes": "1_8_0"})
    assert first.headers["authorization"] == API_KEY
    assert (second.at - first.at).total_seconds() == 90


@pytest.mark.parametrize("fault", [fault for fault in ERRORS if not fault.needs_https])
async def test_a_fault_strikes_and_is_over(
    faulty: FaultyCloud, freezer: FrozenDateTimeFactory, fault: Fault
) -> None:
    start = datetime.now(UTC)
    faulty.fault = fault
    with pytest.raises(OneMeterError) as caught:
        await ask(faulty)

    assert type(caught.value) is ERRORS[fault]
    assert API_KEY not in str(caught.value)
    assert len(faulty.requests) == fault.lets_requests_in
    assert (datetime.now(UTC) - start > timedelta(minutes=1)) is (fault in HELD)
    await faulty.idle()
    assert not faulty.held.is_set()
    faulty.fault = None
    assert set(await listed(faulty)) == {HOUSE_ID, FLAT_ID}
    assert faulty.elsewhere.requests == []


@pytest.mark.parametrize("fault", OF_CONTENT)
async def test_a_fault_of_content_can_be_about_one_device(
    faulty: FaultyCloud, fault: Fault
) -> None:
    right = await listed(faulty)
    faulty.fault, faulty.devices = fault, {HOUSE_ID}
    wrong = await listed(faulty)

    assert wrong.get(HOUSE_ID) != right[HOUSE_ID]
    assert wrong[FLAT_ID] == right[FLAT_ID]
    assert await get(faulty, f"{DEVICES}{HOUSE_ID}") != (200, right[HOUSE_ID])
    assert await get(faulty, f"{DEVICES}{FLAT_ID}") == (200, right[FLAT_ID])
    faulty.fault = None
    assert await listed(faulty) == right


@pytest.mark.parametrize("fault", HELD)
async def test_while_a_request_is_held_back_the_test_may_let_time_pass(
    cloud: LocalCloud, freezer: FrozenDateTimeFactory, fault: Fault
) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        faulty.fault = fault
        asked = asyncio.ensure_future(ask(faulty))
        await faulty.held.wait()
        freezer.tick(50)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asked.done()
        freezer.tick(LONGER_THAN_THE_CLIENT_WAITS)
        with pytest.raises(RequestTimeoutError):
            await asked


async def test_a_held_back_request_does_not_outlive_the_cloud(cloud: LocalCloud) -> None:
    async with FaultyCloud.before(cloud) as faulty:
        faulty.fault = Fault.STALL
        asked = asyncio.ensure_future(ask(faulty))
        await faulty.held.wait()
    with pytest.raises(CannotConnectError):
        await asked


async def test_the_port_stays_the_same_after_refused_connections(faulty: FaultyCloud) -> None:
    url = faulty.url
    for _ in range(20):
        faulty.fault = Fault.REFUSED
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await get(faulty)
        assert caught.value.errno == errno.ECONNREFUSED
        faulty.fault = None
        assert len(await listed(faulty)) == 2
    assert faulty.url == url


async def test_a_reset_comes_in_the_middle_of_the_body(faulty: FaultyCloud) -> None:
    faulty.fault = Fault.RESET_IN_THE_BODY
    with pytest.raises(aiohttp.ClientPayloadError, match=r"received [1-9]\d* of .*ResetError"):
        await get(faulty)


async def test_only_the_requests_that_are_chosen_go_wrong(faulty: FaultyCloud) -> None:
    history = f"{DEVICES}{HOUSE_ID}/readings"
    faulty.fault, faulty.only = Fault.UNAVAILABLE, readings
    assert (await get(faulty))[0] == 200
    assert (await get(faulty, history))[0] == 503
    faulty.only = polls
    assert (await get(faulty))[0] == 503
    assert (await get(faulty, history))[0] == 200


async def test_the_key_does_not_reach_who_cannot_be_trusted(
    secure: FaultyCloud, freezer: FrozenDateTimeFactory
) -> None:
    assert len(await ask(secure)) == 2
    secure.requests.clear()
    freezer.tick(120)
    secure.fault = Fault.UNTRUSTED_CERTIFICATE
    with pytest.raises(CannotConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await ask(secure)

    await secure.idle()
    assert secure.failed_handshakes == 1
    assert secure.requests == []
    secure.fault = None
    assert len(await listed(secure)) == 2


async def test_a_fault_that_needs_https_is_refused_without(faulty: FaultyCloud) -> None:
    with pytest.raises(ValueError, match="https"):
        faulty.fault = Fault.UNTRUSTED_CERTIFICATE


@pytest.mark.parametrize("fault", [Fault.REDIRECT_302, Fault.REDIRECT_307, Fault.REDIRECT_308])
async def test_who_follows_a_redirect_is_seen_elsewhere(faulty: FaultyCloud, fault: Fault) -> None:
    faulty.fault = fault
    assert await get(faulty) == (200, {"devices": []})
    assert faulty.elsewhere.paths == [DEVICES]


async def test_a_huge_body_is_left_before_it_ends(faulty: FaultyCloud) -> None:
    faulty.fault = Fault.HUGE_BODY
    with pytest.raises(InvalidResponseError, match="larger than 64 MiB"):
        await ask(faulty)

    # What is on its way lies in the buffers of both sockets.
    assert LARGEST_BODY_BYTES < faulty.bytes_sent < HUGE_BODY_BYTES / 2


def test_the_bomb_is_good_gzip_of_a_thousand_times_its_size() -> None:
    packed, unpacker, size = gzip_bomb(), zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), 0
    while not unpacker.eof:
        piece = unpacker.decompress(packed, 2**20)
        packed, size = unpacker.unconsumed_tail, size + len(piece)

    assert size == BOMB_MEGABYTES * 2**20 == pytest.approx(1000 * len(gzip_bomb()), rel=0.2)


@pytest.mark.parametrize("fault", [Fault.HUGE_BODY, Fault.GZIP_BOMB])
async def test_large_answers_do_not_eat_the_client_s_memory(
    faulty: FaultyCloud, fault: Fault
) -> None:
    faulty.fault = fault
    error, grown = await growth(faulty)
    assert error == "InvalidResponseError"
    assert grown < GROWTH_LIMIT_BYTES


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        (Fault.TOO_MANY, None),
        (Fault.TOO_MANY_FOR_SECONDS, "600"),
        (Fault.TOO_MANY_UNTIL_A_DATE, "Mon, 23 Nov 2026 10:15:00 GMT"),
        (Fault.TOO_MANY_SOON, "soon"),
        (Fault.TOO_MANY_NEGATIVE, "-5"),
        (Fault.TOO_MANY_FOR_AGES, "1000000000000"),
        (Fault.UNAVAILABLE, None),
        (Fault.UNAVAILABLE_FOR_SECONDS, "600"),
    ],
)
async def test_retry_after_is_sent_as_the_fault_says(
    faulty: FaultyCloud, fault: Fault, retry_after: str | None
) -> None:
    faulty.fault = fault
    async with aiohttp.ClientSession() as session, session.get(faulty.url) as response:
        assert response.headers.get("Retry-After") == retry_after


async def test_a_device_that_is_gone_is_not_listed_and_not_found(faulty: FaultyCloud) -> None:
    faulty.fault, faulty.devices = Fault.DEVICE_GONE, {FLAT_ID}

    assert set(await listed(faulty)) == {HOUSE_ID}
    for path in (f"{DEVICES}{FLAT_ID}", f"{DEVICES}{FLAT_ID}/readings"):
        status, content = await get(faulty, path)
        assert (status, content["error"]) == (404, "DeviceNotFound")
    assert (await get(faulty, f"{DEVICES}{HOUSE_ID}/readings"))[0] == 200


async def test_all_devices_can_be_gone(faulty: FaultyCloud) -> None:
    faulty.fault = Fault.DEVICE_GONE
    assert await listed(faulty) == {}


async def test_a_renamed_device_goes_by_its_new_id_only(faulty: FaultyCloud) -> None:
    right = await listed(faulty)
    faulty.fault, faulty.devices = Fault.DEVICE_RENAMED, {FLAT_ID}
    renamed = other_id(FLAT_ID)

    assert set(await listed(faulty)) == {HOUSE_ID, renamed}
    assert (await get(faulty, f"{DEVICES}{FLAT_ID}"))[0] == 404
    assert await get(faulty, f"{DEVICES}{renamed}") == (200, right[FLAT_ID] | {"_id": renamed})
    status, history = await get(faulty, f"{DEVICES}{renamed}/readings")
    assert (status, len(history["readings"])) == (200, 1)


async def test_last_readings_are_missing_null_or_of_another_time(faulty: FaultyCloud) -> None:
    faulty.fault = Fault.NO_LAST_READING
    assert "lastReading" not in (await listed(faulty))[HOUSE_ID]
    faulty.fault = Fault.NULL_LAST_READING
    assert (await listed(faulty))[HOUSE_ID]["lastReading"] is None
    for fault, date in (
        (Fault.READ_IN_TWO_DAYS, "2026-11-25T10:05:00.000Z"),
        (Fault.READ_IN_70_YEARS, "2096-11-22T10:05:00.000Z"),
        (Fault.READ_IN_1970, "1970-01-01T00:00:00.000Z"),
    ):
        faulty.fault = fault
        assert (await last_reading(faulty))["date"] == date


@pytest.mark.parametrize(
    ("fault", "stand_in"),
    [(Fault.NULL_FOR_NUMBERS, None), (Fault.TEXT_FOR_NUMBERS, "no number")],
)
async def test_something_else_stands_where_numbers_belong(
    faulty: FaultyCloud, fault: Fault, stand_in: str | None
) -> None:
    right = await last_reading(faulty)
    faulty.fault = fault
    wrong = await last_reading(faulty)

    assert wrong == right | {
        "BATTERY_VOLTAGE": stand_in,
        "BATTERY_PC": stand_in,
        "BATTERY_STATUS": stand_in,
        "count": stand_in,
        "OBIS": {
            code: value if isinstance(value, str) else stand_in
            for code, value in right["OBIS"].items()
        },
    }
    _, history = await get(faulty, f"{DEVICES}{HOUSE_ID}/readings")
    assert history["readings"][0]["1_8_0"] == stand_in


async def test_registers_fall_and_nothing_else(faulty: FaultyCloud) -> None:
    right = (await last_reading(faulty))["OBIS"]
    faulty.fault = Fault.REGISTERS_FALL
    wrong = (await last_reading(faulty))["OBIS"]

    fallen = {code for code in right if wrong[code] != right[code]}
    assert fallen == {"1_8_0", "1_8_1", "1_8_2", "2_8_0", "5_8_0", "8_8_0", "15_8_0"}
    assert all(wrong[code] < right[code] for code in fallen)


async def test_personal_fields_are_full_of_secrets(faulty: FaultyCloud) -> None:
    faulty.fault = Fault.PERSONAL_DATA
    sent = orjson.dumps(await get(faulty)).decode()
    assert [secret for secret in (*SECRETS, *OWNERS_SECRETS) if secret not in sent] == []


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORIZED_WITH_THE_KEY, Fault.INTERNAL_ERROR_WITH_THE_KEY]
)
async def test_a_server_that_repeats_the_key_does_so(faulty: FaultyCloud, fault: Fault) -> None:
    faulty.fault = fault
    _, content = await get(faulty)
    assert API_KEY in content["error"]
    assert API_KEY in content["message"]


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.SLOW_DRIP, Fault.REFUSED, Fault.HUGE_BODY])
async def test_home_assistant_lives_through_a_fault(
    hass: HomeAssistant,
    faulty: FaultyCloud,
    make_entry: MakeEntry,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
) -> None:
    entry = make_entry(faulty, HOUSE_ID, options={"update_interval": 10})
    await hass.config_entries.async_setup(entry.entry_id)
    faulty.fault = fault
    await live_through(hass, freezer, timedelta(hours=1))
    assert hass.states.get(ENERGY).state == STATE_UNAVAILABLE

    faulty.fault = None
    await live_through(hass, freezer, PAST_THE_NEXT_POLL)
    assert hass.states.get(ENERGY).state == "12345.67"
    assert await hass.config_entries.async_unload(entry.entry_id)
