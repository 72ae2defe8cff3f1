"""The small documented client for custom scripts: plain JSON in, plain JSON out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from .client import DEFAULT_BASE_URL, DEFAULT_MAX_AGE_SECONDS, OneMeterCloud, device_path
from .errors import ErrorKind, InvalidResponseError, NotFoundError
from .models import parse_device
from .parsing import JSON, as_mapping
from .readings import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    import aiohttp


class OneMeterApiClient:
    """A client for one device (and the list of all) of a OneMeter account.

    Answers are the API's own JSON. Requests share the budget of one a minute that every client of
    the same key has; a call that would have to wait longer than two minutes for its turn raises
    `RateLimitError`, and a device or list that was asked for within the last minute comes from the
    cache. Errors are those of `onemeter_cloud.errors`, with `OneMeterError` as their root.

    Use it as it is, or in `async with` to keep one connection for several calls.
    """

    def __init__(
        self,
        device_id: str,
        api_key: str,
        *,
        base_url: str = DEFAULT_BASE_URL,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        """Keep the device and the key; nothing is sent yet."""
        self._device_id = device_id
        self._cloud = OneMeterCloud(api_key, base_url=base_url, session=session)

    async def __aenter__(self) -> Self:
        """Hold one session until the end of the block, if none was given."""
        await self._cloud.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close what `async with` opened."""
        await self.close()

    async def close(self) -> None:
        """Close the session that `async with` opened; a session that was given stays open."""
        await self._cloud.close()

    async def get_all_devices(self) -> list[dict[str, JSON]]:
        """Return every device of the account, as `devices/` gives them."""
        data = await self._cloud.request("devices/", max_age=DEFAULT_MAX_AGE_SECONDS)
        return _objects(data, "devices", ErrorKind.NO_DEVICES)

    async def get_device_data(self) -> dict[str, JSON]:
        """Return the device with its last reading, as `devices/{id}` gives it."""
        data = await self._cloud.request(
            device_path(self._device_id), max_age=DEFAULT_MAX_AGE_SECONDS
        )
        parse_device(data, self._device_id)
        return dict(as_mapping(data))

    async def get_readings(self, hours: float, obis_codes: Iterable[str]) -> list[dict[str, JSON]]:
        """Return the readings of the last `hours` hours, oldest first, with these registers only.

        Each is `{"date": "2024-05-23T07:00:00.000Z", "<code>": value, ...}`. The list is empty when
        there are none. Raises `ValueError` unless there is something to ask for.
        """
        codes = [obis_codes] if isinstance(obis_codes, str) else list(obis_codes)
        if not hours > 0 or not codes:
            raise ValueError("Readings need a time above zero and at least one OBIS code")
        end = datetime.now(UTC)
        try:
            start = end - timedelta(hours=hours)
        except OverflowError as err:
            raise ValueError("The calendar does not go back so far") from err
        params = {
            "from": format_instant(start),
            "to": format_instant(end),
            "sort": "ascending",
            "codes": ",".join(codes),
        }
        try:
            data = await self._cloud.request(device_path(self._device_id, "readings"), params)
        except NotFoundError as err:
            if not err.no_readings:
                raise
            return []
        return _objects(data, "readings", ErrorKind.NO_READINGS)

    def extract_device_value(self, device_data: Mapping[str, JSON], obis_code: str) -> JSON:
        """Return a register of what `get_device_data` gave, `None` if the device has none such."""
        last_reading = as_mapping(device_data.get("lastReading"))
        return as_mapping(last_reading.get("OBIS")).get(obis_code)


def _objects(data: JSON, name: str, without: ErrorKind) -> list[dict[str, JSON]]:
    """Return the objects of a list inside an answer; `InvalidResponseError` without such a list."""
    elements = as_mapping(data).get(name)
    if not isinstance(elements, list):
        raise InvalidResponseError(without)
    return [element for element in elements if isinstance(element, dict)]
