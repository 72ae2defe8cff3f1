"""Every error has the API's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import DEVICE_ID, asking

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account


def error(status: int, name: str, message: str) -> dict[str, object]:
    return {"status": "error", "error": name, "message": message, "statusCode": status}


@pytest.mark.parametrize("device_id", ["1", "not-a-uuid", "5b2f7a04-6c1d-4e8a-b3f9"])
@pytest.mark.parametrize("suffix", ["", "/readings", "/readings?limit=0"])
async def test_an_id_that_is_no_uuid_is_an_invalid_query(
    api: httpx.AsyncClient, device_id: str, suffix: str
) -> None:
    answer = await api.get(f"devices/{device_id}{suffix}")

    assert answer.status_code == 400
    assert answer.json() == error(400, "InvalidQuery", "Invalid UUID")


@pytest.mark.parametrize("suffix", ["", "/readings"])
async def test_an_unknown_device_is_not_found(api: httpx.AsyncClient, suffix: str) -> None:
    answer = await api.get(f"devices/{DEVICE_ID}{suffix}")

    assert answer.status_code == 404
    assert answer.json() == error(404, "DeviceNotFound", "Device of given UUID not found")


async def test_a_device_without_readings_has_none_to_give(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.store.add_device(account.number, record)

    answer = await api.get(f"devices/{DEVICE_ID}/readings")

    assert answer.status_code == 404
    assert answer.json() == error(404, "NotFoundError", "No readings found")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=357121",
        "limit=many",
        "skip=-1",
        "skip=99999999999999999999",
        "sort=sideways",
        "from=yesterday",
        "to=2024-13-01T00:00:00Z",
        "locale=de",
        "applyMultiplier=perhaps",
    ],
)
async def test_bad_values_are_an_invalid_query(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord, query: str
) -> None:
    await account.add_device(record, (0, {"1_8_0": 1}))

    answer = await api.get(f"devices/{DEVICE_ID}/readings?{query}")

    assert answer.status_code == 400
    assert answer.json() == error(400, "InvalidQuery", "Invalid query params")


@pytest.mark.parametrize("path", ["nothing", f"devices/{DEVICE_ID}/nothing", "../nothing"])
async def test_whoever_has_no_key_learns_not_even_what_is_there(app: FastAPI, path: str) -> None:
    for key in (None, "wrong"):
        async with asking(app, key) as stranger:
            answer = await stranger.get(path)

        assert answer.status_code == (404 if path == "../nothing" else 401)


@pytest.mark.parametrize("path", ["nothing", f"devices/{DEVICE_ID}/nothing", "../nothing"])
async def test_an_unknown_path_is_not_found(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)

    assert answer.status_code == 404
    assert answer.json() == error(404, "NotFound", "Not Found")


async def test_other_methods_are_not_allowed(api: httpx.AsyncClient) -> None:
    answer = await api.post("devices")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert answer.json() == error(405, "MethodNotAllowed", "Method Not Allowed")


async def test_a_failure_of_the_server_itself_tells_nothing_of_its_inside(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    @app.get("/api/broken")
    async def broken() -> None:
        raise RuntimeError("a secret of the inside")

    answer = await api.get("broken")

    assert answer.status_code == 500
    assert answer.json() == error(500, "InternalServerError", "Internal Server Error")
