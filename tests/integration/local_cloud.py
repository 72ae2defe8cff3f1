"""A real local cloud for the integration's tests: served on a socket, in the test's event loop."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

import aiohttp
from starlette.responses import Response

from onemeter_server.app import create_app
from onemeter_server.demo.store import DemoStore
from onemeter_server.feeds.intake import Intake
from onemeter_server.models.records import DeviceRecord
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

API_KEY = "invented-key-of-an-account"
HOUSE_ID = "5ba4b0f0-6c1e-4f6a-9d53-0a0a7d1f0001"
FLAT_ID = "5ba4b0f0-6c1e-4f6a-9d53-0a0a7d1f0002"

HOUSE = DeviceRecord(
    id=HOUSE_ID,
    name="House",
    serial_number="0123456789abcdef0123456789abcdef",
    mac="00:00:5E:00:53:01",
    meter_id="PAF00000001",
    manufacturer="ZPA",
    firmware="1.9.0",
    hardware="3.1",
)
FLAT = DeviceRecord(
    id=FLAT_ID, name="Flat", meter_id="FLAT0000002", main_register="15_8_0", firmware="1.9.0"
)

HOUSE_VALUES: Mapping[str, Any] = {
    "1_8_0": 12345.67,
    "1_8_1": 8000.17,
    "1_8_2": 4345.5,
    "2_8_0": 120.25,
    "5_8_0": 2305.99,
    "8_8_0": 3061.36,
    "15_8_0": 12465.92,
    "16_7_0": 0.41,
    "S_1_1_2": 2.83,
    "C_1_0": "11722779",
    "0_2_2": "G12w",
}
FLAT_VALUES: Mapping[str, Any] = {"15_8_0": 801.5, "S_1_1_2": 2.5}


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the cloud has got."""

    at: datetime
    path: str
    query: str


class LocalCloud:
    """The cloud's address, what it has been asked, and the means to change what it knows."""

    def __init__(self, store: Store, intake: Intake, withheld: DemoStore, account: int) -> None:
        """Keep the parts."""
        self.url = ""
        self.requests: list[Request] = []
        self.store = store
        self.intake = intake
        self.withheld = withheld
        self.history_answers: HTTPStatus | None = None
        self._account = account

    @classmethod
    @asynccontextmanager
    async def running(
        cls, *, port: int = 0, rate_limit_per_minute: float | None = None
    ) -> AsyncIterator[Self]:
        """Run an empty cloud with the key `API_KEY`, on a free port unless told otherwise."""
        async with Database.open("sqlite+aiosqlite://") as database:
            store = Store(database)
            account = await store.add_account("Invented account")
            await store.add_key(account, "test", API_KEY)
            app = create_app(database, rate_limit_per_minute=rate_limit_per_minute)
            cloud = cls(store, Intake(database), await DemoStore.opened(database), account)
            app.add_middleware(Entrance, cloud=cloud)
            async with serving(app, port=port) as cloud.url:
                yield cloud

    async def add(
        self, record: DeviceRecord, values: Mapping[str, Any], at: datetime | None = None
    ) -> None:
        """Add a device with one reading, now unless told otherwise."""
        await self.store.add_device(self._account, record)
        await self.read(record.id, values, at)

    async def install(
        self, record: DeviceRecord, readings: list[tuple[int, Mapping[str, Any]]]
    ) -> None:
        """Add a device with its readings."""
        await self.store.add_device(self._account, record)
        await self.intake.take(record.id, readings)

    async def read(
        self, device_id: str, values: Mapping[str, Any], at: datetime | None = None
    ) -> None:
        """Add a reading of a device, now unless told otherwise."""
        time = int((at or datetime.now(UTC)).timestamp())
        await self.intake.take(device_id, [(time, values)])

    async def change(self, record: DeviceRecord, **changes: Any) -> None:
        """Change what the cloud says of a device."""
        await self.store.update_device(replace(record, **changes))

    async def remove(self, device_id: str) -> None:
        """Take a device from the account."""
        await self.store.remove_device(device_id)

    async def refuse_key(self) -> None:
        """Make the account's key a wrong one."""
        assert await self.store.remove_key("test")

    async def accept_key(self, key: str = API_KEY, name: str = "test") -> None:
        """Make a key a right one again, or add one under a name of its own."""
        await self.store.add_key(self._account, name, key)

    async def use_up_limit(self) -> None:
        """Ask as somebody else with the same key would, until it is too much."""
        async with aiohttp.ClientSession(headers={"Authorization": API_KEY}) as session:
            status = HTTPStatus.OK
            while status is not HTTPStatus.TOO_MANY_REQUESTS:
                async with session.get(f"{self.url}devices") as response:
                    status = HTTPStatus(response.status)
        self.requests.clear()


class Entrance:
    """Notes every request that the cloud gets, and turns some away."""

    def __init__(self, app: Any, cloud: LocalCloud) -> None:
        """Stand before an application."""
        self._app = app
        self._cloud = cloud

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take a request."""
        path = scope["path"]
        self._cloud.requests.append(
            Request(datetime.now(UTC), path, unquote(scope["query_string"].decode()))
        )
        status = self._cloud.history_answers
        if status is not None and path.endswith("/readings"):
            await Response(status_code=status, headers={"Retry-After": "120"})(scope, receive, send)
        else:
            await self._app(scope, receive, send)
