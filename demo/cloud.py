"""The local cloud as a process: `onemeter-server run --demo`."""

import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, override

import aiohttp

from .errors import DemoError
from .processes import HOST, ChildProcess

API_KEY: Final = "demo"

_START_SECONDS: Final = 60.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


class LocalCloud(ChildProcess):
    """A OneMeter Cloud with two meters on this machine; ready when `async with` is entered."""

    def __init__(self, folder: Path, *, port: int) -> None:
        """Describe the server; its log goes to `folder`, its data stays in memory."""
        super().__init__(
            "The local cloud",
            (
                Path(sys.executable).with_name("onemeter-server"),
                *("run", "--demo", "--host", HOST, "--port", str(port)),
            ),
            log=folder / "cloud.log",
            folder=folder,
        )
        self.url = f"http://{HOST}:{port}"

    @override
    async def ready(self) -> None:
        """Wait until the server answers."""
        async with aiohttp.ClientSession() as session:

            async def answers() -> bool:
                try:
                    async with session.get(f"{self.url}/api/devices/", timeout=_TIMEOUT):
                        return True
                except aiohttp.ClientError:
                    return False

            await self.until(answers, within_seconds=_START_SECONDS, what="answer")

    async def devices(self) -> list[dict[str, Any]]:
        """Return the devices as the server describes them, straight from its API."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": API_KEY}) as session,
            session.get(f"{self.url}/api/devices/", timeout=_TIMEOUT) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise DemoError(f"{self.name} answered {response.status}: {await response.text()}")
            answer: dict[str, list[dict[str, Any]]] = await response.json()
        return answer["devices"]
