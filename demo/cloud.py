"""The local cloud as a process: `onemeter-server demo`, with its control interface."""

import sys
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, override

import aiohttp

from .errors import DemoError
from .processes import HOST, ChildProcess, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

API_KEY: Final = "demo"

_START_SECONDS: Final = 60.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


class LocalCloud(ChildProcess):
    """A OneMeter Cloud with two meters on this machine; ready when `async with` is entered."""

    def __init__(self, folder: Path, *, port: int, control_port: int | None = None) -> None:
        """Describe the server; its log goes to `folder`, its data stays in memory.

        Its control interface takes a free port if none is given.
        """
        if control_port is None:
            control_port = free_port()
        super().__init__(
            "The local cloud",
            (
                Path(sys.executable).with_name("onemeter-server"),
                *("demo", "--host", HOST, "--port", str(port)),
                *("--control-port", str(control_port)),
            ),
            log=folder / "cloud.log",
            folder=folder,
        )
        self.url = f"http://{HOST}:{port}"
        self.control_url = f"http://{HOST}:{control_port}"

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

    async def readings(
        self, device_id: str, codes: Sequence[str]
    ) -> list[tuple[int, Mapping[str, float]]]:
        """Return all readings of a device, oldest first: epoch seconds, and registers by code."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": API_KEY}) as session,
            session.get(
                f"{self.url}/api/devices/{device_id}/readings",
                params={"codes": ",".join(codes)},
                timeout=_TIMEOUT,
            ) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise DemoError(f"{self.name} answered {response.status}: {await response.text()}")
            answer: dict[str, list[dict[str, Any]]] = await response.json()
        return [
            (int(datetime.fromisoformat(row["date"]).timestamp()), row)
            for row in answer["readings"]
        ]

    async def withhold(
        self, device_id: str, start: datetime | None = None, end: datetime | None = None
    ) -> None:
        """Keep back a device's readings of a span, those to come too; `None` for an open end.

        Both bounds are aware and included. Raises `DemoError` when the server refuses.
        """
        await self._control(device_id, "withhold", _span(start, end))

    async def release(
        self, device_id: str, start: datetime | None = None, end: datetime | None = None
    ) -> None:
        """Let a device's withheld readings of a span appear, as if uploaded by hand.

        Nothing of the span is kept back any longer. Bounds and errors are those of `withhold`.
        """
        await self._control(device_id, "release", _span(start, end))

    async def replace_meter(
        self, device_id: str, registers: Mapping[str, float] | None = None
    ) -> None:
        """Let a device's energy registers count from these values (kWh) at its next reading.

        Those not named start at 0. Raises `DemoError` when the server refuses.
        """
        await self._control(device_id, "replace-meter", {"registers": dict(registers or {})})

    async def _control(self, device_id: str, what: str, body: dict[str, Any]) -> None:
        url = f"{self.control_url}/devices/{device_id}/{what}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body, timeout=_TIMEOUT) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise DemoError(
                    f"{self.name} refused to {what}: {response.status} {await response.text()}"
                )


def _span(start: datetime | None, end: datetime | None) -> dict[str, str | None]:
    """Return a span as the control interface takes it."""
    return {
        "from": None if start is None else start.astimezone(UTC).isoformat(),
        "to": None if end is None else end.astimezone(UTC).isoformat(),
    }
