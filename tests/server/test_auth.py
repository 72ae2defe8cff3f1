"""Who may ask, and what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from onemeter_server.models.records import DeviceRecord
from onemeter_server.storage.keys import new_key

from .conftest import DEVICE_ID, asking

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from .conftest import Account

UNAUTHORIZED = {
    "status": "error",
    "error": "Unauthorized",
    "message": "Authorization failed",
    "statusCode": 401,
}
PATHS = ("devices", "devices/", f"devices/{DEVICE_ID}", f"devices/{DEVICE_ID}/readings")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "", "wrong", "Bearer the-key-of-this-account"])
async def test_without_the_bare_key_nothing_is_told(
    app: FastAPI, key: str | None, path: str
) -> None:
    async with asking(app, key) as client:
        answer = await client.get(path)

    assert answer.status_code == 401
    assert answer.json() == UNAUTHORIZED


async def test_bad_parameters_are_not_looked_at_without_a_key(app: FastAPI) -> None:
    async with asking(app, None) as client:
        answer = await client.get("devices/not-a-uuid/readings?limit=0")

    assert answer.json() == UNAUTHORIZED


async def test_an_account_sees_its_own_devices_only(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.store.add_device(account.number, record)
    neighbour = await account.store.add_account("Bob")
    other = DeviceRecord(id="11111111-2222-4333-8444-555555555555", name="Bob's")
    await account.store.add_device(neighbour, other)

    answer = await api.get("devices/")

    assert [device["_id"] for device in answer.json()["devices"]] == [DEVICE_ID]


@pytest.mark.parametrize("suffix", ["", "/readings"])
async def test_a_device_of_another_account_is_not_found(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord, suffix: str
) -> None:
    neighbour = await account.store.add_account("Bob")
    await account.store.add_device(neighbour, record)

    answer = await api.get(f"devices/{DEVICE_ID}{suffix}")

    assert answer.status_code == 404
    assert answer.json()["error"] == "DeviceNotFound"


async def test_two_keys_of_an_account_see_the_same(
    account: Account, app: FastAPI, record: DeviceRecord
) -> None:
    await account.store.add_device(account.number, record)
    await account.store.add_key(account.number, "second", "another-key")

    async with asking(app, "another-key") as client:
        answer = await client.get("devices")

    assert [device["_id"] for device in answer.json()["devices"]] == [DEVICE_ID]


async def test_a_removed_key_opens_nothing(account: Account, api: httpx.AsyncClient) -> None:
    assert await account.store.remove_key("Ada's key")

    assert (await api.get("devices")).status_code == 401


def test_new_keys_are_long_url_safe_and_never_twice_the_same() -> None:
    first, second = new_key(), new_key()

    assert len(first) == 86
    assert first.replace("-", "").replace("_", "").isalnum()
    assert first != second
