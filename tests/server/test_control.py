"""The control interface: what it does, what it tells, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest

from onemeter_server.demo.control import create_control_app
from onemeter_server.models.records import DeviceRecord
from tests.serving import serving

from .conftest import DEVICE_ID, at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from freezegun.api import FrozenDateTimeFactory

    from .conftest import Account

NOTHING = {"count": 0, "from": None, "to": None}


def error(status: int, name: str, message: str) -> dict[str, object]:
    return {"status": "error", "error": name, "message": message, "statusCode": status}


@pytest.fixture
async def device(account: Account, record: DeviceRecord) -> None:
    """A device that was read four times."""
    await account.add_device(
        record, *((at(f"2024-05-23T09:{15 * i:02}:00Z"), {"1_8_0": i}) for i in range(4))
    )


@pytest.fixture
async def control(account: Account) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(
        create_control_app(account.database), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def visible(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await api.get(f"devices/{DEVICE_ID}/readings")
    rows: list[dict[str, Any]] = answer.json().get("readings", [])
    return rows


async def values(api: httpx.AsyncClient) -> list[Any]:
    return [row["1_8_0"] for row in await visible(api)]


@pytest.mark.usefixtures("device")
async def test_it_lists_the_devices_of_all_accounts(
    account: Account, control: httpx.AsyncClient
) -> None:
    other = DeviceRecord(id="0d1e2f30-4152-4637-8495-a6b7c8d9e0f1")
    await account.store.add_device(await account.store.add_account("Bob"), other)
    await account.demo.withhold(DEVICE_ID, at("2024-05-23T09:30:00Z"))

    assert (await control.get("/devices")).json() == {
        "devices": [
            {
                "id": DEVICE_ID,
                "stored": {
                    "count": 2,
                    "from": "2024-05-23T09:00:00.000Z",
                    "to": "2024-05-23T09:15:00.000Z",
                },
                "withheld": {
                    "count": 2,
                    "from": "2024-05-23T09:30:00.000Z",
                    "to": "2024-05-23T09:45:00.000Z",
                },
                "withheldSpans": [{"from": "2024-05-23T09:30:00.000Z", "to": None}],
            },
            {"id": other.id, "stored": NOTHING, "withheld": NOTHING, "withheldSpans": []},
        ]
    }


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("span", "left"),
    [
        ({"from": "2024-05-23T09:15:00Z", "to": "2024-05-23T11:30:00+02:00"}, [0, 3]),
        ({"from": "2024-05-23T09:30:00Z"}, [0, 1]),
        ({"from": None, "to": "2024-05-23T09:30:00"}, [3]),
        ({"from": "2024-05-23T09:14:59.001Z", "to": "2024-05-23T09:30:00.999Z"}, [0, 3]),
        ({}, []),
    ],
)
async def test_readings_are_withheld_and_released(
    api: httpx.AsyncClient, control: httpx.AsyncClient, span: dict[str, str], left: list[int]
) -> None:
    withheld = await control.post(f"/devices/{DEVICE_ID}/withhold", json=span)

    assert withheld.status_code == 200
    assert withheld.json()["withheld"]["count"] == 4 - len(left)
    assert await values(api) == left

    released = await control.post(f"/devices/{DEVICE_ID}/release", json=span)

    assert released.json()["withheld"] == NOTHING
    assert released.json()["withheldSpans"] == []
    assert await values(api) == [0, 1, 2, 3]


@pytest.mark.usefixtures("device")
async def test_readings_are_added_as_they_are_given(
    api: httpx.AsyncClient, control: httpx.AsyncClient
) -> None:
    await control.post(f"/devices/{DEVICE_ID}/replace-meter", json={})
    late = {"date": "2024-05-23T09:07:30Z", "1_8_0": 0.5, "0_2_2": "G11"}
    wrong = {"date": "1970-01-01T00:00:00Z", "1_8_0": -7}
    changed = {"date": "2024-05-23T11:45:00+02:00", "1_8_0": 9}

    answer = await control.post(
        f"/devices/{DEVICE_ID}/readings", json={"readings": [late, wrong, changed]}
    )

    assert answer.json()["stored"]["count"] == 6
    assert await visible(api) == [
        {"date": "1970-01-01T00:00:00.000Z", "1_8_0": -7},
        {"date": "2024-05-23T09:00:00.000Z", "1_8_0": 0},
        {"date": "2024-05-23T09:07:30.000Z", "1_8_0": 0.5, "0_2_2": "G11"},
        {"date": "2024-05-23T09:15:00.000Z", "1_8_0": 1},
        {"date": "2024-05-23T09:30:00.000Z", "1_8_0": 2},
        {"date": "2024-05-23T09:45:00.000Z", "1_8_0": 9},
    ]


@pytest.mark.usefixtures("device")
async def test_added_readings_are_withheld_like_others(
    api: httpx.AsyncClient, control: httpx.AsyncClient
) -> None:
    await control.post(f"/devices/{DEVICE_ID}/withhold", json={"from": "2024-05-23T09:45:00Z"})
    await control.post(
        f"/devices/{DEVICE_ID}/readings",
        json={"readings": [{"date": "2024-05-23T10:00:00Z", "1_8_0": 4}]},
    )

    assert await values(api) == [0, 1, 2]


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("withhold", {}),
        ("release", {}),
        ("replace-meter", {}),
        ("readings", {"readings": []}),
    ],
)
async def test_an_unknown_device_is_not_found(
    control: httpx.AsyncClient, what: str, body: dict[str, Any]
) -> None:
    answer = await control.post(f"/devices/{DEVICE_ID}/{what}", json=body)

    assert answer.status_code == 404
    assert answer.json() == error(404, "DeviceNotFound", "Device of given UUID not found")


@pytest.mark.parametrize("what", ["withhold", "release", "replace-meter", "readings"])
async def test_an_id_that_is_no_uuid_is_an_invalid_query(
    control: httpx.AsyncClient, what: str
) -> None:
    answer = await control.post(f"/devices/house/{what}", json={})

    assert answer.status_code == 400
    assert answer.json() == error(400, "InvalidQuery", "Invalid UUID")


SPANS_THAT_MAKE_NO_SENSE: list[Any] = [
    {"from": "yesterday"},
    {"from": 1716458400},
    {"to": "2024-13-01T00:00:00Z"},
    {"to": "0001-01-01T00:00:00+14:00"},
    {"from": "2024-05-23T09:30:00Z", "to": "2024-05-23T09:29:59Z"},
    {"form": "2024-05-23T09:30:00Z"},
    [],
]


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("what", "body"),
    [
        *(("withhold", span) for span in SPANS_THAT_MAKE_NO_SENSE),
        *(("release", span) for span in SPANS_THAT_MAKE_NO_SENSE),
        ("readings", {}),
        ("readings", {"readings": {}}),
        ("readings", {"readings": [{"1_8_0": 1}]}),
        ("readings", {"readings": [{"date": 1716458400, "1_8_0": 1}]}),
        ("readings", {"readings": [{"date": "9999-12-31T23:59:59-14:00", "1_8_0": 1}]}),
        ("readings", {"readings": [{"date": "2024-05-23T10:00:00Z", "1_8_0": {}}]}),
        ("readings", {"readings": [{"date": "2024-05-23T10:00:00Z", "1_8_0": float("nan")}]}),
        ("replace-meter", {"registers": {"1.8.0": 1}}),
        ("replace-meter", {"registers": {"16_7_0": 1}}),
        ("replace-meter", {"registers": {"1_8_0": "1"}}),
        ("replace-meter", {"registers": {"1_8_0": -0.01}}),
        ("replace-meter", {"registers": {"1_8_0": 42_949_672.96}}),
        ("replace-meter", {"registers": {"1_8_0": float("nan")}}),
        ("replace-meter", {"register": {}}),
    ],
)
async def test_a_body_that_makes_no_sense_is_an_invalid_query(
    api: httpx.AsyncClient, control: httpx.AsyncClient, what: str, body: object
) -> None:
    answer = await control.post(
        f"/devices/{DEVICE_ID}/{what}",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
    assert answer.json() == error(400, "InvalidQuery", "Invalid query params")
    assert await values(api) == [0, 1, 2, 3]


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("what", ["withhold", "release", "replace-meter"])
@pytest.mark.parametrize(
    "request_of_a_page",
    [
        {"content": "{}", "headers": {"Content-Type": "text/plain"}},
        {"content": "{}"},
        {"content": ""},
        {"json": {}, "headers": {"Host": "rebound.example"}},
    ],
)
async def test_a_web_page_cannot_use_it(
    control: httpx.AsyncClient, what: str, request_of_a_page: dict[str, Any]
) -> None:
    answer = await control.post(f"/devices/{DEVICE_ID}/{what}", **request_of_a_page)

    assert answer.status_code == 400


async def test_it_is_no_part_of_the_api(api: httpx.AsyncClient) -> None:
    answer = await api.post(f"devices/{DEVICE_ID}/withhold", json={})

    assert answer.status_code == 404
    assert answer.json() == error(404, "NotFound", "Not Found")


@pytest.mark.usefixtures("device", "socket_enabled")
async def test_it_answers_on_a_socket_while_time_stands_still(
    account: Account, api: httpx.AsyncClient, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to("2024-05-23T10:00:00Z")
    async with (
        serving(create_control_app(account.database), path="/") as url,
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}devices/{DEVICE_ID}/withhold", json={"from": "2024-05-23T09:15:00Z"}
        ) as answer,
    ):
        assert answer.status == 200

    assert await values(api) == [0]
