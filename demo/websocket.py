"""Home Assistant's websocket API: commands with results, and events."""

from collections import deque
from typing import TYPE_CHECKING, Any

from .errors import DemoError

if TYPE_CHECKING:
    import aiohttp


class WebSocket:
    """One connection, for one task at a time; made by `HomeAssistant.websocket`."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        """Take a connection that is logged in already."""
        self._connection = connection
        self._last_id = 0
        self._events: deque[Any] = deque()

    @classmethod
    async def log_in(
        cls, connection: aiohttp.ClientWebSocketResponse, access_token: str
    ) -> WebSocket:
        """Log in on a new connection and return what talks over it."""
        await connection.receive_json()  # auth_required
        await connection.send_json({"type": "auth", "access_token": access_token})
        answer = await connection.receive_json()
        if answer["type"] != "auth_ok":
            raise DemoError(f"Home Assistant's websocket refused the login: {answer}")
        return cls(connection)

    async def command(self, command: str, **parameters: object) -> Any:  # noqa: ANN401 (raw JSON)
        """Return the result of a command; events that arrive before it are kept for later.

        Raises `DemoError` when Home Assistant refuses it.
        """
        self._last_id += 1
        await self._connection.send_json({"id": self._last_id, "type": command, **parameters})
        while True:
            message = await self._connection.receive_json()
            if message["type"] == "event":
                self._events.append(message["event"])
            elif message["id"] == self._last_id:
                break
        if not message["success"]:
            raise DemoError(f"Home Assistant refused {command}: {message['error']}")
        return message["result"]

    async def next_event(self) -> Any:  # noqa: ANN401 (raw JSON)
        """Return the next event of what was subscribed to, as soon as there is one."""
        while not self._events:
            message = await self._connection.receive_json()
            if message["type"] == "event":
                self._events.append(message["event"])
        return self._events.popleft()
