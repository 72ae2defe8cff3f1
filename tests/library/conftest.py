"""What every test of the library stands on: a server on a socket and a clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from onemeter_cloud import OneMeterCloud

from .payloads import KEY
from .server import CloudServer, data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(slots=True)
class Clock:
    """The clock of budgets and caches, in seconds; the event loop keeps its own."""

    now: float = 1000.0

    def monotonic(self) -> float:
        """Tell the time, as `time.monotonic` does."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture(autouse=True)
def _real_sockets(socket_enabled: None) -> None:
    """Let the tests talk over the loopback interface."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give budgets and caches a clock that stands still until the test moves it."""
    clock = Clock()
    monkeypatch.setattr("onemeter_cloud.ratelimit.time", clock)
    monkeypatch.setattr("onemeter_cloud.cache.time", clock)
    return clock


@pytest.fixture(autouse=True)
def _new_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget budgets and answers of other tests, whose servers may have sat on the same port."""
    monkeypatch.setattr("onemeter_cloud.account._ACCOUNTS", {})


@pytest.fixture
async def server() -> AsyncIterator[CloudServer]:
    """Run a cloud whose account has no devices, until the test says otherwise."""
    async with CloudServer() as server:
        server.will(data({"devices": []}))
        yield server


@pytest.fixture
async def cloud(server: CloudServer) -> AsyncIterator[OneMeterCloud]:
    """Give a client of the server, with a budget of its own."""
    async with OneMeterCloud(KEY, base_url=server.url) as cloud:
        yield cloud
