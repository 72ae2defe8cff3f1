"""Requests as clients write them: any case, any slashes, HEAD, other hosts' pages, compression."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_server.api.tolerance import canonical_path

from .conftest import DEVICE_ID, asking, at

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account

START = at("2024-05-20T00:00:00Z")


@pytest.fixture
async def device(account: Account, record: DeviceRecord) -> None:
    await account.add_device(record, *((START + 900 * i, {"1_8_0": i}) for i in range(200)))


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    "path",
    [
        "devices",
        "devices/",
        "DEVICES",
        "Devices//",
        f"devices/{DEVICE_ID}",
        f"devices/{DEVICE_ID}/",
        f"/devices//{DEVICE_ID.upper()}",
        f"devices/{DEVICE_ID}/Readings",
        f"devices/{DEVICE_ID}/readings/",
        f"devices/{DEVICE_ID}/USAGEPROFILE/dayFine",
    ],
)
async def test_paths_are_taken_in_any_case_and_with_any_slashes(
    api: httpx.AsyncClient, path: str
) -> None:
    assert (await api.get(path)).status_code == 200


async def test_every_path_of_the_document_is_known_in_any_case(app: FastAPI) -> None:
    for path in app.openapi()["paths"]:
        assert canonical_path(path.upper()).lower() == path.lower()
        fixed = [part for part in path.split("/") if "{" not in part]
        assert [canonical_path(part.swapcase()) for part in fixed[1:]] == [
            f"/{part}" for part in fixed[1:]
        ]


@given(st.lists(st.text("abcdefgh-{}ABC0123", min_size=1)))
def test_what_is_no_word_of_the_api_stays_as_it_is(parts: list[str]) -> None:
    assert canonical_path("//".join(["", *parts, ""])) == "/" + "/".join(parts)


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    "path", ["devices", f"devices/{DEVICE_ID}", f"devices/{DEVICE_ID}/readings"]
)
async def test_head_is_get_without_a_body(api: httpx.AsyncClient, path: str) -> None:
    got, head = await api.get(path), await api.head(path)

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers == got.headers


async def test_head_needs_a_key_as_well(app: FastAPI) -> None:
    async with asking(app, None) as stranger:
        assert (await stranger.head("devices")).status_code == 401


async def test_options_tells_the_methods(api: httpx.AsyncClient) -> None:
    answer = await api.options("devices")

    assert answer.status_code == 204
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_web_pages_of_other_hosts_may_ask_with_a_key(app: FastAPI) -> None:
    async with asking(app, None) as browser:
        asked_before = await browser.options(
            "devices",
            headers={
                "Origin": "https://dashboard.example",
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "authorization",
            },
        )
        refused = await browser.get("devices", headers={"Origin": "https://dashboard.example"})

    assert asked_before.status_code == 200
    assert asked_before.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in asked_before.headers["Access-Control-Allow-Headers"].lower()
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.usefixtures("device")
async def test_long_answers_are_compressed_for_who_takes_that(api: httpx.AsyncClient) -> None:
    path = f"devices/{DEVICE_ID}/readings"
    plain = await api.get(path, headers={"Accept-Encoding": "identity"})
    async with api.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        compressed = b"".join([part async for part in answer.aiter_raw()])

    assert "Content-Encoding" not in plain.headers
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed) == plain.content
    assert len(compressed) < len(plain.content) / 4
