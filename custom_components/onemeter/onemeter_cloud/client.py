"""One account of a OneMeter Cloud: every request of the project goes through here."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NoReturn, Self

import aiohttp
import orjson
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from .account import account_of
from .errors import (
    AuthenticationError,
    CannotConnectError,
    ErrorKind,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    OneMeterError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from .models import Device, parse_device, parse_devices
from .parsing import JSON, as_mapping, as_strict_json, as_text
from .ratelimit import Priority
from .readings import Readings, format_instant, parse_readings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from types import TracebackType

_LOGGER = logging.getLogger(__name__)

DEFAULT_BASE_URL: Final = "https://cloud.onemeter.com/api/"

CONNECT_TIMEOUT_SECONDS: Final = 10.0
TOTAL_TIMEOUT_SECONDS: Final = 60.0
LARGEST_BODY_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_AGE_SECONDS: Final = 55.0
DEFAULT_MAX_WAIT_SECONDS: Final = 120.0

_CHUNK_BYTES: Final = 64 * 1024
_PARSE_IN_THREAD_BYTES: Final = 256 * 1024
_LONGEST_MESSAGE: Final = 200
_API_KEY: Final = re.compile(r"[\x21-\x7e]+")
_SPACE: Final = re.compile(r"\s")
_DEVICE_ID: Final = re.compile(r"[0-9A-Za-z_-]+")


def normalise_base_url(url: str) -> str:
    """Return the base URL of a server's API: with `/api/` if no path is given, ending in a slash.

    Raises `ValueError` for what is not an absolute http(s) URL or carries a user or a query.
    """
    parsed = URL(url := url.strip())
    host = parsed.raw_host
    if parsed.scheme not in {"http", "https"} or not host or _SPACE.search(f"{url}{host}"):
        raise ValueError("A server's address starts with http:// or https://")
    if parsed.user or parsed.password or parsed.query_string or parsed.fragment:
        raise ValueError("A server's address holds no user, query or fragment")
    path = parsed.path.rstrip("/") or "/api"
    return str(parsed.with_path(f"{path}/"))


class OneMeterCloud:
    """A client for one API key on one server.

    All clients of one key and server in a process share one request budget and one cache of recent
    answers. Without a `session` of the caller's, each request opens and closes its own; inside
    `async with` one session serves them all.

    Every method raises the exceptions of `errors.py`, whose root is `OneMeterError`.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = DEFAULT_BASE_URL,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        """Keep key and server; raise `AuthenticationError` for what cannot be a key.

        Raises `ValueError` for what cannot be a server's address.
        """
        self._api_key = api_key.strip()
        if not _API_KEY.fullmatch(self._api_key):
            raise AuthenticationError(ErrorKind.INVALID_KEY)
        self._base_url = URL(normalise_base_url(base_url))
        self._session = session
        self._own_session: aiohttp.ClientSession | None = None
        self._account = account_of(str(self._base_url), self._api_key)

    @property
    def base_url(self) -> str:
        """The server's address, ending in a slash."""
        return str(self._base_url)

    @property
    def web_url(self) -> str:
        """The address of the server's web pages, for people."""
        return str(self._base_url.origin())

    async def __aenter__(self) -> Self:
        """Hold one session until the end of the block, if none was given."""
        if self._session is None:
            self._own_session = aiohttp.ClientSession()
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
        if self._own_session is not None:
            session, self._own_session = self._own_session, None
            await session.close()

    async def devices(
        self,
        *,
        max_age: float = DEFAULT_MAX_AGE_SECONDS,
        priority: Priority = Priority.USER,
        max_wait: float = DEFAULT_MAX_WAIT_SECONDS,
    ) -> tuple[Device, ...]:
        """Return every device of the account with its last reading, in one request.

        The parameters are those of `request`.
        """
        return parse_devices(
            await self.request("devices/", max_age=max_age, priority=priority, max_wait=max_wait)
        )

    async def device(
        self,
        device_id: str,
        *,
        max_age: float = DEFAULT_MAX_AGE_SECONDS,
        priority: Priority = Priority.USER,
        max_wait: float = DEFAULT_MAX_WAIT_SECONDS,
    ) -> Device:
        """Return one device with its last reading; a recent list of all devices answers as well.

        The parameters are those of `request`.
        """
        path = device_path(device_id)
        if (listed := await self._listed_device(device_id, path, max_age)) is not None:
            return listed
        return parse_device(
            await self.request(path, max_age=max_age, priority=priority, max_wait=max_wait),
            device_id,
        )

    async def _listed_device(self, device_id: str, path: str, max_age: float) -> Device | None:
        """Return a device from a recent list of all, unless an answer of its own is newer."""
        cache = self._account.cache
        list_key = self._url("devices/").human_repr()
        own_age = cache.age(self._url(path).human_repr())
        body = cache.get(list_key, max_age if own_age is None else min(max_age, own_age))
        if body is None:
            return None
        try:
            devices = parse_devices(await _decode(body))
        except InvalidResponseError:
            return None  # What the list is good for, its own caller has been told.
        wanted = device_id.casefold()
        return next((device for device in devices if device.id.casefold() == wanted), None)

    async def readings(  # noqa: PLR0913 (the API's own parameters)
        self,
        device_id: str,
        start: datetime,
        end: datetime,
        codes: Iterable[str] | None = None,
        *,
        apply_multiplier: bool = False,
        priority: Priority = Priority.USER,
        max_wait: float = DEFAULT_MAX_WAIT_SECONDS,
    ) -> Readings:
        """Return the stored readings of a device from `start` to `end` (aware), oldest first.

        `codes` limits them to these registers. Without readings in that time the result is empty.
        Never answered from the cache.
        """
        params = {
            "from": format_instant(start),
            "to": format_instant(end),
            "sort": "ascending",
            "applyMultiplier": "true" if apply_multiplier else "false",
        }
        if codes is not None:
            params["codes"] = ",".join(codes)
        return await self._readings(device_id, params, priority, max_wait)

    async def readings_before(  # noqa: PLR0913 (the API's own parameters)
        self,
        device_id: str,
        instant: datetime,
        count: int,
        codes: Iterable[str],
        *,
        priority: Priority = Priority.USER,
        max_wait: float = DEFAULT_MAX_WAIT_SECONDS,
    ) -> Readings:
        """Return the `count` newest readings up to an instant (aware), oldest first."""
        params = {
            "to": format_instant(instant),
            "sort": "descending",
            "limit": str(count),
            "codes": ",".join(codes),
        }
        return await self._readings(device_id, params, priority, max_wait)

    async def _readings(
        self, device_id: str, params: Mapping[str, str], priority: Priority, max_wait: float
    ) -> Readings:
        """Return the readings that a query of a device gives, none if there are none."""
        path = device_path(device_id, "readings")
        try:
            data = await self.request(path, params, priority=priority, max_wait=max_wait)
        except NotFoundError as err:
            if not err.no_readings:
                raise
            return Readings(times=(), rows=())
        return await asyncio.to_thread(parse_readings, data)

    async def request(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        max_age: float | None = None,
        priority: Priority = Priority.USER,
        max_wait: float = DEFAULT_MAX_WAIT_SECONDS,
    ) -> JSON:
        """Return the JSON that the server answers to a GET of `path`, relative to the base URL.

        `max_age`: an answer to the same request that is less than this many seconds old will do;
        `None`: neither look for one nor keep this one. `max_wait`: how many seconds the request may
        wait for its turn in the budget before it raises `RateLimitError`. Raises
        `InvalidRequestError` for a path that leads out of the API: the key stays at home.
        """
        url = self._url(path, params)
        if max_age is None:
            return await _decode(await self._fetch(url, priority, max_wait))
        key = url.human_repr()
        cache = self._account.cache
        # A background request that waits for its turn must not make a user wait with it.
        async with cache.only_one(f"{priority} {key}"):
            if (body := cache.get(key, max_age)) is None:
                body = await self._fetch(url, priority, max_wait)
                data = await _decode(body)
                cache.put(key, body)
                return data
        return await _decode(body)

    def seconds_until_allowed(self, priority: Priority = Priority.USER) -> float:
        """Return how long a request of this priority would wait for its turn now."""
        return self._account.limiter.seconds_until_allowed(priority)

    @property
    def requests_in_last_hour(self) -> int:
        """The number of requests for this key and server that were started in the last hour."""
        return self._account.limiter.requests_in_last_hour

    def _url(self, path: str, params: Mapping[str, str] | None = None) -> URL:
        url = self._base_url.join(URL(path))
        if url.origin() != self._base_url.origin() or not url.path.startswith(self._base_url.path):
            raise InvalidRequestError(ErrorKind.INVALID_PATH)
        return url.with_query(params) if params else url

    async def _fetch(self, url: URL, priority: Priority, max_wait: float) -> bytes:
        """Wait for the turn, send the request and return the body of a good answer."""
        await self._account.limiter.acquire(priority, max_wait)
        try:
            async with (
                self._any_session() as session,
                session.get(
                    url,
                    headers={"Authorization": self._api_key, "Accept": "application/json"},
                    # The key must not follow a redirect to somebody else.
                    allow_redirects=False,
                    middlewares=(_send_once,),
                    timeout=aiohttp.ClientTimeout(
                        total=TOTAL_TIMEOUT_SECONDS,
                        connect=CONNECT_TIMEOUT_SECONDS,
                        sock_connect=CONNECT_TIMEOUT_SECONDS,
                    ),
                ) as response,
            ):
                _LOGGER.debug("GET %s answered %s", url.path, response.status)
                if response.status != HTTPStatus.OK:
                    self._raise_for_status(response, await _read_error(response))
                body = await _read(response)
        # What aiohttp raises can quote request and answer, and with them the key: not chained.
        except TimeoutError:
            raise RequestTimeoutError(ErrorKind.TIMEOUT) from None
        except aiohttp.ClientPayloadError as err:
            if isinstance(err.__cause__, ContentEncodingError):
                raise InvalidResponseError(ErrorKind.NOT_UNPACKED) from None
            raise CannotConnectError(ErrorKind.BROKEN_CONNECTION) from None
        except (aiohttp.InvalidURL, aiohttp.ClientResponseError):
            raise InvalidResponseError(ErrorKind.NOT_HTTP) from None
        except (aiohttp.ClientError, OSError, UnicodeError) as err:
            raise CannotConnectError(_kind_of(err), detail=self._safe(str(err))) from None
        self._account.limiter.accepted()
        return body

    @asynccontextmanager
    async def _any_session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Give the session of the caller or of the block, else one for this request alone."""
        session = self._session or self._own_session
        if session is not None:
            yield session
        else:
            async with aiohttp.ClientSession() as own:
                yield own

    def _raise_for_status(self, response: aiohttp.ClientResponse, body: bytes) -> NoReturn:
        """Raise the exception that an answer other than 200 stands for."""
        status = response.status
        error, message = _server_words(body)
        words = message and self._safe(message)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            pause = self._account.limiter.refused(_retry_after(response))
            raise RateLimitError(
                ErrorKind.TOO_MANY_REQUESTS, retry_after=pause, server_message=words
            )
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise AuthenticationError(ErrorKind.KEY_REFUSED, status=status, server_message=words)
        if status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(
                ErrorKind.NOT_FOUND,
                status=status,
                error=error and self._safe(error),
                server_message=words,
            )
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise InvalidRequestError(
                ErrorKind.REQUEST_REFUSED, status=status, server_message=words
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            asked = _retry_after(response)
            raise ServerError(
                ErrorKind.SERVER_ERROR,
                status=status,
                retry_after=None if asked is None else self._account.limiter.pause(asked),
                server_message=words,
            )
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise InvalidResponseError(ErrorKind.REDIRECTED, status=status)
        raise InvalidResponseError(ErrorKind.UNEXPECTED_STATUS, status=status)

    def _safe(self, text: str) -> str:
        """Return a text of the outside world on one line, cut to size, and without the key."""
        return " ".join(text.split()).replace(self._api_key, "***")[:_LONGEST_MESSAGE]


def device_path(device_id: str, *below: str) -> str:
    """Return the path of a device, or of something below it.

    Raises `InvalidRequestError` for what cannot be a device's id.
    """
    if not _DEVICE_ID.fullmatch(device_id):
        raise InvalidRequestError(ErrorKind.INVALID_DEVICE_ID)
    return "/".join(("devices", device_id, *below))


async def _send_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request once. aiohttp by itself would repeat it, past the budget, if it breaks off."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # Nothing has been sent, and aiohttp does not try again.
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as err:
        # The parent of both, which aiohttp does not take as a reason to repeat.
        raise aiohttp.ClientConnectionError(str(err)) from None


def _kind_of(err: Exception) -> ErrorKind:
    """Return why there was no connection to get an answer through."""
    match err:
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # UnicodeError: an absurd host
            return ErrorKind.UNKNOWN_HOST
        case aiohttp.ClientSSLError():
            return ErrorKind.NO_SECURE_CONNECTION
        case aiohttp.ClientConnectorError():
            return ErrorKind.NO_CONNECTION
    return ErrorKind.BROKEN_CONNECTION


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return a body (unpacked), `InvalidResponseError` as soon as it is larger than we take."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            raise InvalidResponseError(ErrorKind.TOO_LARGE, mebibytes=LARGEST_BODY_BYTES // 1024**2)
    return bytes(body)


async def _read_error(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an error, nothing if it cannot be read: the status says enough."""
    try:
        return await _read(response)
    except (aiohttp.ClientError, InvalidResponseError, OSError):
        return b""


async def _decode(body: bytes) -> JSON:
    """Return the JSON of a body; a large one is read in a thread. Raises `InvalidResponseError`."""
    if len(body) >= _PARSE_IN_THREAD_BYTES:
        return await asyncio.to_thread(_loads, body)
    return _loads(body)


def _loads(body: bytes) -> JSON:
    try:
        data: JSON = orjson.loads(body)
    except orjson.JSONDecodeError:
        # NaN, Infinity and halves of characters are no JSON, but some servers write them.
        try:
            data = as_strict_json(json.loads(body))
        except (ValueError, RecursionError) as err:
            raise InvalidResponseError(ErrorKind.NOT_JSON) from err
    return data


def _server_words(body: bytes) -> tuple[str | None, str | None]:
    """Return the name and the message of an error, where the server gives them as it should."""
    try:
        data = as_mapping(_loads(body))
    except OneMeterError:
        return None, None
    return as_text(data.get("error")), as_text(data.get("message"))


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Return the seconds that `Retry-After` asks for, `None` without one that can be read.

    A date is compared with the server's own clock, where it tells it.
    """
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    # A year beyond all dates is an `OverflowError` before Python 3.14.
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    try:
        now = parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, OverflowError):
        now = datetime.now(UTC)
    if until.tzinfo is None or now.tzinfo is None:
        return None
    return max(0.0, (until - now).total_seconds())
