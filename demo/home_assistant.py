"""A real Home Assistant as a process: started in a fresh folder, onboarded, asked over its APIs."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, override

import aiohttp

from .errors import DemoError
from .processes import HOST, ChildProcess
from .websocket import WebSocket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RESTART_EXIT_CODE: Final = 100
"""What Home Assistant ends with when somebody asked for a restart."""

_START_SECONDS: Final = 120.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60)
_LARGEST_MESSAGE_BYTES: Final = 64 * 1024 * 1024

_CONFIGURATION: Final = """\
homeassistant:
  name: Warsaw
  latitude: 52.2297
  longitude: 21.0122
  elevation: 113
  time_zone: Europe/Warsaw
  country: PL
  currency: PLN
  language: en
  unit_system: metric
# Brings the history and the recorder, with a database in this folder.
energy:
logbook:
system_health:
"""

# Formats that Home Assistant migrates from: the oldest version has the fewest fields.
_HTTP_STORE_VERSION: Final = 1
_ONBOARDING_STORE_VERSION: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user of Home Assistant."""

    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a client of Home Assistant is logged in with."""

    access_token: str
    refresh_token: str
    expires_in_seconds: int


class HomeAssistant(ChildProcess):
    """A Home Assistant with one custom integration; it answers when `async with` is entered.

    Then `onboard` makes it usable, and the other methods talk to it as the user that was made.
    """

    def __init__(self, folder: Path, *, port: int, integration: Path) -> None:
        """Write a configuration that no Home Assistant has used yet; nothing is started.

        `folder` gets the configuration folder and the log, `integration` is the folder of a custom
        integration, which is linked: a restart shows its changes.
        """
        configuration = folder / "home-assistant"
        _write_configuration(configuration, port=port, integration=integration)
        super().__init__(
            "Home Assistant",
            (
                *(sys.executable, "-m", "homeassistant", "--config", configuration),
                *("--skip-pip", "--log-no-color"),
            ),
            log=folder / "home-assistant.log",
            folder=configuration,
        )
        self.configuration = configuration
        self.url = f"http://{HOST}:{port}"
        self._tokens: Tokens | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def client_id(self) -> str:
        """The id that this client logs in with."""
        return f"{self.url}/"

    @property
    def tokens(self) -> Tokens:
        """The tokens of the user that `onboard` made, for other clients too (a browser)."""
        if self._tokens is None:
            raise RuntimeError("Home Assistant has not been onboarded")
        return self._tokens

    @override
    async def start(self) -> None:
        """Start Home Assistant, again if it has ended."""
        await super().start()
        if self._session is None:
            self._session = aiohttp.ClientSession(self.url, timeout=_TIMEOUT)

    @override
    async def ready(self) -> None:
        """Wait until Home Assistant answers."""
        await self.until(self._answers, within_seconds=_START_SECONDS, what="answer")

    @override
    async def stop(self) -> None:
        """Stop Home Assistant."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
        await super().stop()

    async def onboard(self, login: Login) -> None:
        """Make the first user and finish what a new Home Assistant asks for.

        The location is in the configuration.
        """
        user = {
            "name": login.username.capitalize(),
            "username": login.username,
            "password": login.password,
            "client_id": self.client_id,
            "language": "en",
        }
        code = (await self._request("POST", "/api/onboarding/users", json=user))["auth_code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": self.client_id}
        answer = await self._request("POST", "/auth/token", data=form)
        self._tokens = Tokens(
            access_token=answer["access_token"],
            refresh_token=answer["refresh_token"],
            expires_in_seconds=answer["expires_in"],
        )
        await self.post("/api/onboarding/analytics", {})
        await self.post(
            "/api/onboarding/integration",
            {"client_id": self.client_id, "redirect_uri": f"{self.client_id}?auth_callback=1"},
        )

    async def wait_until_running(self) -> None:
        """Wait until everything has been set up. Raises `DemoError` if that takes too long."""
        try:
            async with asyncio.timeout(_START_SECONDS), self.websocket() as websocket:
                await websocket.command("subscribe_events", event_type="homeassistant_started")
                if (await websocket.command("get_config"))["state"] != "RUNNING":
                    await websocket.next_event()
        except TimeoutError:
            raise DemoError(
                f"Home Assistant was not set up within {_START_SECONDS:.0f} s\n{self.log_tail()}"
            ) from None

    async def long_lived_token(self, name: str) -> str:
        """Return a new access token that does not expire while the demo runs."""
        async with self.websocket() as websocket:
            token: str = await websocket.command(
                "auth/long_lived_access_token", client_name=name, lifespan=1
            )
        return token

    async def start_config_flow(self, domain: str) -> dict[str, Any]:
        """Begin to add an integration and return the first step."""
        step: dict[str, Any] = await self.post(
            "/api/config/config_entries/flow", {"handler": domain, "show_advanced_options": False}
        )
        return step

    async def answer_config_flow(self, flow_id: str, answer: dict[str, object]) -> dict[str, Any]:
        """Fill in a step's form and return the next step, or the result."""
        step: dict[str, Any] = await self.post(f"/api/config/config_entries/flow/{flow_id}", answer)
        return step

    async def get(self, path: str) -> Any:  # noqa: ANN401 (raw JSON)
        """Return the JSON of a GET as the user."""
        return await self._request("GET", path, headers=self._authorization())

    async def post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 (raw JSON)
        """Return the JSON of a POST as the user."""
        return await self._request("POST", path, json=body, headers=self._authorization())

    @asynccontextmanager
    async def websocket(self) -> AsyncIterator[WebSocket]:
        """Open a websocket connection as the user, for the length of the block."""
        async with self._open_session().ws_connect(
            "/api/websocket", max_msg_size=_LARGEST_MESSAGE_BYTES
        ) as connection:
            yield await WebSocket.log_in(connection, self.tokens.access_token)

    async def _answers(self) -> bool:
        """Tell whether onboarding can begin; after that, whether the user is known (again)."""
        path, headers = "/api/onboarding", {}
        if self._tokens is not None:
            path, headers = "/api/config", self._authorization()
        try:
            async with self._open_session().get(path, headers=headers) as response:
                return response.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False

    async def _request(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 (raw JSON)
        async with self._open_session().request(method, path, **options) as response:
            if response.status != HTTPStatus.OK:
                text = await response.text()
                raise DemoError(f"Home Assistant answered {response.status} to {path}: {text}")
            return await response.json()

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.access_token}"}

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("Home Assistant has not been started")
        return self._session


def _write_configuration(configuration: Path, *, port: int, integration: Path) -> None:
    """Write what Home Assistant starts with into a new folder."""
    configuration.mkdir(parents=True)
    (configuration / "configuration.yaml").write_text(_CONFIGURATION, encoding="utf-8")
    components = configuration / "custom_components"
    components.mkdir()
    (components / integration.name).symlink_to(integration, target_is_directory=True)
    # An `http:` section in the configuration would be a trial that ends after five minutes.
    _write_store(
        configuration,
        "http",
        _HTTP_STORE_VERSION,
        {"server_host": [HOST], "server_port": port},
    )
    # The location is known already, and that step would add integrations that ask the internet.
    _write_store(configuration, "onboarding", _ONBOARDING_STORE_VERSION, {"done": ["core_config"]})


def _write_store(configuration: Path, key: str, version: int, data: dict[str, Any]) -> None:
    """Write a file of Home Assistant's own storage."""
    store = configuration / ".storage" / key
    store.parent.mkdir(exist_ok=True)
    store.write_text(
        json.dumps({"version": version, "minor_version": 1, "key": key, "data": data}),
        encoding="utf-8",
    )
