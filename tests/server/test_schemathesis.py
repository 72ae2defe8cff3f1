"""Whatever fits the API's document, and what does not, is answered as the document says."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from onemeter_server.app import create_app
from onemeter_server.demo.meters import FLAT_ID, HOUSE_ID
from onemeter_server.feeds.intake import Intake
from onemeter_server.models.dates import format_epoch
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store

from .conftest import DEVICE_ID, KEY
from .demo_account import INSTALLED, QUARTER_SECONDS, READINGS, add_demo_devices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from schemathesis import Case
    from schemathesis.openapi import OpenApiSchema

EXAMPLES: Final = 30

# A request can fit the document and make no sense all the same: no schema says that one date comes
# before another, or which device has a contract that costs can be told from.
BEYOND_SCHEMAS: Final = {"Invalid report bounds", "Misconfigured beacon"}

# Random ones would never meet a device.
schemathesis.openapi.format("uuid", st.sampled_from([HOUSE_ID, FLAT_ID, DEVICE_ID]))

schemathesis.openapi.format(
    "instant",
    st.datetimes().map(datetime.isoformat)
    | st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
    | st.integers(0, READINGS).map(
        lambda quarter: format_epoch(INSTALLED + QUARTER_SECONDS * quarter)
    ),
)


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Let Schemathesis keep the thread of its event loop, which Home Assistant's tests forbid."""


@pytest.fixture(scope="module")
def server() -> Iterator[FastAPI]:
    """A server with the demo's two devices, as of some days after they were installed."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(_filled(stack))
        runner.run(stack.aclose())


async def _filled(stack: AsyncExitStack) -> FastAPI:
    database = await stack.enter_async_context(Database.open("sqlite+aiosqlite://"))
    store = Store(database)
    account = await store.add_account("Ada")
    await store.add_key(account, "Ada's key", KEY)
    await add_demo_devices(account, store, Intake(database))
    return create_app(database)


def described_by(server: FastAPI, **auth: object) -> OpenApiSchema:
    """Return the server's document, ready to be tried the same way each time."""
    config = SchemathesisConfig.from_dict(
        {"generation": {"deterministic": True, "max-examples": EXAMPLES}, **auth}
    )
    return schemathesis.openapi.from_asgi("/api/openapi.json", server, config=config)


@pytest.fixture(scope="module")
def with_key(server: FastAPI) -> OpenApiSchema:
    return described_by(server, auth={"openapi": {"API-Key": {"api_key": KEY}}})


@pytest.fixture(scope="module")
def without_key(server: FastAPI) -> OpenApiSchema:
    return described_by(server)


@schemathesis.pytest.from_fixture("with_key").parametrize()
def test_requests_with_a_key_are_answered_as_described(case: Case) -> None:
    answer = case.call()
    is_beyond = answer.status_code == 400 and answer.json()["message"] in BEYOND_SCHEMAS
    case.validate_response(
        answer, excluded_checks=[positive_data_acceptance] if is_beyond else None
    )


@schemathesis.pytest.from_fixture("without_key").parametrize()
def test_requests_without_a_key_are_refused(case: Case) -> None:
    assert case.call_and_validate().status_code in {401, 405} | (
        {204} if case.method == "OPTIONS" else set()
    )
