"""A cloud that goes wrong as a test tells it to: a server before the real local cloud.

`Fault` is the table of all that can go wrong, `FaultyCloud` the server. Every request comes on a
connection of its own, so that a fault strikes from the next request on.
"""

import asyncio
import socket
import ssl
import struct
import zlib
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum
from functools import cache
from http.client import parse_headers
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import aiohttp
import orjson

from tests.certificates import HOST, Certificate
from tests.library.server import CloudServer, Exchange, Request, chunked, data, error, head, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping

    from tests.library.server import Answer

    from .local_cloud import LocalCloud

    type Behaviour = Callable[[FaultyCloud, Exchange], Awaitable[None]]
    type Json = dict[str, Any]
    type Rewrite = Callable[[Json], Json | None]

HUGE_BODY_BYTES: Final = 200_000_000
BOMB_MEGABYTES: Final = 256
LONGER_THAN_THE_CLIENT_WAITS: Final = timedelta(seconds=62)
DRIP: Final = timedelta(seconds=10)
RETRY_AFTER: Final = timedelta(minutes=10)

# What must never be seen anywhere, and what only the owner may see, as the cloud sends them.
SECRETS: Final = (
    "SECRET-owner-name",
    "secret-owner@owner.invalid",
    "SECRET-user-name",
    "secret-user@user.invalid",
    "SECRET-city",
    "SECRET-country",
    "SECRET-postal",
    "SECRET-street",
    "SECRET-tag",
    "SECRET-mac",
    "52.987654321",
    "21.987654321",
)
OWNERS_SECRETS: Final = ("SECRET-serial-number", "SECRET-meter-id")

_A_MOMENT: Final = timedelta(milliseconds=1)
_MEGABYTE: Final = 1024**2
_CHUNK: Final = b" " * (64 * 1024)
_CLOSE: Final = {"Connection": "close"}
_TOO_MANY: Final = "TooManyRequests"
_HOP_BY_HOP: Final = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRequest(Request):
    """A request and when it came."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RealAnswer:
    """What the real local cloud answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_data(self) -> bool:
        """Whether it is what was asked for, and no error."""
        return self.status == 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """A way to go wrong: what is answered, unless it does not even come to an answer."""

    behaviour: Behaviour
    listens: bool = True
    trusted: bool = True


# Answers that have nothing to do with the real one.


def _instead(answer: Answer) -> Way:
    """Answer this, whatever was asked."""

    async def behave(_cloud: FaultyCloud, exchange: Exchange) -> None:
        await answer(exchange)

    return Way(behaviour=behave)


def _error(status: int, name: str, message: str, *, retry_after: str | None = None) -> Way:
    """Answer with an error in the API's shape."""
    headers = _CLOSE if retry_after is None else _CLOSE | {"Retry-After": retry_after}
    return _instead(error(status, name, message, headers=headers))


def _json(value: object) -> Way:
    """Answer with this JSON."""
    return _instead(data(value, headers=_CLOSE))


def _echoing_key(status: int) -> Way:
    """Answer with an error whose name and message both repeat the key that was sent."""

    async def behave(_cloud: FaultyCloud, exchange: Exchange) -> None:
        key = exchange.request.headers["authorization"]
        answer = error(status, f"Bad {key}", f"The key {key} is not welcome", headers=_CLOSE)
        await answer(exchange)

    return Way(behaviour=behave)


def _error_until_a_date(status: int) -> Way:
    """Answer with an error that tells by a date when to come back."""

    async def behave(_cloud: FaultyCloud, exchange: Exchange) -> None:
        until = format_datetime(datetime.now(UTC) + RETRY_AFTER, usegmt=True)
        answer = error(status, _TOO_MANY, "Too many", headers=_CLOSE | {"Retry-After": until})
        await answer(exchange)

    return Way(behaviour=behave)


def _redirect(status: int) -> Way:
    """Answer that the same thing is to be had elsewhere."""

    async def behave(cloud: FaultyCloud, exchange: Exchange) -> None:
        location = f"{cloud.elsewhere.origin}{exchange.request.path}"
        await text(b"", status=status, headers=_CLOSE | {"Location": location})(exchange)

    return Way(behaviour=behave)


async def _huge(cloud: FaultyCloud, exchange: Exchange) -> None:
    fields = _CLOSE | {"Content-Length": str(HUGE_BODY_BYTES)}
    await exchange.send(head(200, fields.items()))
    for _ in range(0, HUGE_BODY_BYTES, len(_CHUNK)):
        await exchange.send(_CHUNK)
        cloud.bytes_sent += len(_CHUNK)


async def _bomb(_cloud: FaultyCloud, exchange: Exchange) -> None:
    await text(gzip_bomb(), headers=_CLOSE | {"Content-Encoding": "gzip"})(exchange)


@cache
def gzip_bomb() -> bytes:
    """Return 256 MiB of white space, packed by gzip into a quarter of one."""
    megabyte = b" " * _MEGABYTE
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    # After a full flush a packed piece stands for itself, and can be repeated.
    packed = packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(BOMB_MEGABYTES):
        checksum = zlib.crc32(megabyte, checksum)
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    trailer = struct.pack("<II", checksum, BOMB_MEGABYTES * _MEGABYTE)
    return header + packed * BOMB_MEGABYTES + packer.flush() + trailer


# Answers that do not come, or never come to an end.


async def _stall(cloud: FaultyCloud, exchange: Exchange) -> None:
    with cloud.holding():
        cloud.let_time_pass(LONGER_THAN_THE_CLIENT_WAITS)
        await exchange.until_client_leaves()


async def _stall_in_the_body(cloud: FaultyCloud, exchange: Exchange) -> None:
    await exchange.send(head(200, (_CLOSE | {"Content-Length": "100"}).items()) + b'{"devic')
    await _stall(cloud, exchange)


async def _drip(cloud: FaultyCloud, exchange: Exchange) -> None:
    await exchange.send(head(200, (_CLOSE | {"Content-Length": "100"}).items()))
    with cloud.holding():
        for drops in count():
            # No further than the client waits: it may take a moment until it is seen to leave.
            if drops * DRIP < LONGER_THAN_THE_CLIENT_WAITS:
                # Not to the very instant, at which a timer of a frozen loop does not fire yet.
                asyncio.get_running_loop().call_soon(cloud.let_time_pass, DRIP + _A_MOMENT)
            if await _leaves_within(DRIP, exchange):
                break
            await exchange.send(b" ")


async def _leaves_within(time: timedelta, exchange: Exchange) -> bool:
    """Wait for the client to leave, and tell whether it did."""
    try:
        async with asyncio.timeout(time.total_seconds()):
            await exchange.until_client_leaves()
    except TimeoutError:
        return False
    return True


# Answers that are the real one, damaged on the way.


async def _pass_on(cloud: FaultyCloud, exchange: Exchange) -> None:
    await _send(exchange, await cloud.real_answer(exchange.request))


async def _send(exchange: Exchange, answer: RealAnswer, *, length_error: int = 0) -> None:
    length = len(answer.body) + length_error
    fields = {**answer.headers, **_CLOSE, "Content-Length": str(length)}
    await exchange.send(head(answer.status, fields.items()) + answer.body)


def _wrong_length(length_error: int) -> Way:
    """Say that the body is longer or shorter than it is."""

    async def behave(cloud: FaultyCloud, exchange: Exchange) -> None:
        answer = await cloud.real_answer(exchange.request)
        await _send(exchange, answer, length_error=length_error)

    return Way(behaviour=behave)


async def _truncate(cloud: FaultyCloud, exchange: Exchange) -> None:
    body = (await cloud.real_answer(exchange.request)).body
    await chunked(body[: len(body) // 2], complete=False)(exchange)


async def _reset(cloud: FaultyCloud, exchange: Exchange) -> None:
    body = (await cloud.real_answer(exchange.request)).body
    fields = _CLOSE | {"Content-Length": str(len(body))}
    await exchange.send(head(200, fields.items()) + body[: len(body) // 2])
    # A socket that does not linger is not closed but reset.
    connection = exchange.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


# Answers that are the real one with another content.


def _device_of(path: str) -> str | None:
    """Return the id of the device that a path is about, `None` if it is about all of them."""
    _, _, below = path.partition("/devices")
    return below.strip("/").split("/")[0] or None


def _as_it_is(content: Json) -> Json:
    return content


def _rewritten(rewrite: Rewrite, *, readings: Rewrite = _as_it_is) -> Way:
    """Answer with another content: a device or an answer with readings becomes what these return.

    `None`: the device is gone.
    """

    async def behave(cloud: FaultyCloud, exchange: Exchange) -> None:
        answer = await cloud.real_answer(exchange.request)
        device_id = _device_of(exchange.request.path)
        if not answer.is_data or not (device_id is None or cloud.concerns(device_id)):
            return await _send(exchange, answer)
        content = orjson.loads(answer.body)
        if device_id is None:
            devices = [
                rewrite(device) if cloud.concerns(device["_id"]) else device
                for device in content["devices"]
            ]
            changed: Json | None = {"devices": [device for device in devices if device is not None]}
        else:
            changed = (readings if "readings" in content else rewrite)(content)
        if changed is None:
            return await _not_found(exchange)
        return await data(changed, headers=_CLOSE)(exchange)

    return Way(behaviour=behave)


async def _not_found(exchange: Exchange) -> None:
    message = "Device of given UUID not found"
    await error(404, "DeviceNotFound", message, headers=_CLOSE)(exchange)


def _put_for_numbers(stand_in: object) -> Way:
    """Put something else in the place of every number, in devices and readings."""

    def put(value: Any) -> Any:
        match value:
            case dict():
                return {key: put(below) for key, below in value.items()}
            case list():
                return [put(below) for below in value]
            case bool():
                return value
            case int() | float():
                return stand_in
        return value

    return _rewritten(put, readings=put)


def _gone(_content: Json) -> None:
    return None


def _without_last_reading(device: Json) -> Json:
    return {key: value for key, value in device.items() if key != "lastReading"}


def _with_null_reading(device: Json) -> Json:
    return {**device, "lastReading": None}


def _read_at(instant: Callable[[], datetime]) -> Rewrite:
    """Date the last reading at this instant."""

    def rewrite(device: Json) -> Json:
        date = instant().strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return _with_reading(device, date=date)

    return rewrite


def _fallen(device: Json) -> Json:
    registers = (device.get("lastReading") or {}).get("OBIS", {})
    halves = {
        code: value / 2 if "_8_" in code and isinstance(value, int | float) else value
        for code, value in registers.items()
    }
    return _with_reading(device, OBIS=halves)


def _with_reading(device: Json, **changes: object) -> Json:
    if not device.get("lastReading"):
        return device
    return {**device, "lastReading": {**device["lastReading"], **changes}}


def _as_another(device: Json) -> Json:
    return {**device, "_id": other_id(device["_id"])} if "_id" in device else device


def other_id(device_id: str) -> str:
    """Return the id that a device has got; of that one, the id that it had before."""
    return str(UUID(int=UUID(device_id).int ^ 0xF0F0))


async def _renamed(cloud: FaultyCloud, exchange: Exchange) -> None:
    """Know every device by another id only, and none by its own."""
    device_id = _device_of(exchange.request.path)
    if device_id is None:
        await _ANOTHER_DEVICE.behaviour(cloud, exchange)
    elif cloud.concerns(device_id) and (await cloud.real_answer(exchange.request)).is_data:
        await _not_found(exchange)
    elif cloud.concerns(other_id(device_id)):
        path = exchange.request.path.replace(device_id, other_id(device_id))
        answer = await cloud.real_answer(exchange.request, path=path)
        content = orjson.loads(answer.body)
        changed = _as_another(content) if answer.is_data else content
        await data(changed, status=answer.status, headers=_CLOSE)(exchange)
    else:
        await _pass_on(cloud, exchange)


def _with_secrets(device: Json) -> Json:
    owner, owner_mail, user, user_mail, city, country, postal, street, tag, mac, *place = SECRETS
    serial_number, meter_id = OWNERS_SECRETS
    place_names = {"city": city, "country": country, "postal": postal, "street": street}
    position = {"latitude": float(place[0]), "longitude": float(place[1])}
    return _with_reading(
        {
            **device,
            "SN": serial_number,
            "MAC": mac,
            "info": {
                **(device.get("info") or {}),
                "GPSCoords": position,
                "location": place_names,
            },
            "meteringPoint": {"meterID": meter_id},
            "tags": [tag],
            "owner": {"name": owner, "email": owner_mail},
            "users": [{"name": user, "email": user_mail}],
        },
        meterID=meter_id,
    )


_ANOTHER_DEVICE: Final = _rewritten(_as_another)


class Fault(Enum):
    """All that can go wrong."""

    # The key
    UNAUTHORIZED = _error(401, "Unauthorized", "Authorization failed")
    FORBIDDEN = _error(403, "Forbidden", "Forbidden")
    UNAUTHORIZED_WITH_THE_KEY = _echoing_key(401)

    # Too many requests
    TOO_MANY = _error(429, _TOO_MANY, "Too many")
    TOO_MANY_FOR_SECONDS = _error(
        429, _TOO_MANY, "Too many", retry_after=f"{RETRY_AFTER.total_seconds():.0f}"
    )
    TOO_MANY_UNTIL_A_DATE = _error_until_a_date(429)
    TOO_MANY_SOON = _error(429, _TOO_MANY, "Too many", retry_after="soon")
    TOO_MANY_NEGATIVE = _error(429, _TOO_MANY, "Too many", retry_after="-5")
    TOO_MANY_FOR_AGES = _error(429, _TOO_MANY, "Too many", retry_after=str(10**12))

    # The server
    INTERNAL_ERROR = _error(500, "InternalServerError", "Internal Server Error")
    INTERNAL_ERROR_WITH_THE_KEY = _echoing_key(500)
    BAD_GATEWAY = _instead(
        text("<h1>Bad gateway</h1>", status=502, content_type="text/html", headers=_CLOSE)
    )
    UNAVAILABLE = _error(503, "ServiceUnavailable", "Service Unavailable")
    UNAVAILABLE_FOR_SECONDS = _error(
        503,
        "ServiceUnavailable",
        "Service Unavailable",
        retry_after=f"{RETRY_AFTER.total_seconds():.0f}",
    )

    # The connection
    REFUSED = Way(behaviour=_pass_on, listens=False)
    UNTRUSTED_CERTIFICATE = Way(behaviour=_pass_on, trusted=False)
    RESET_IN_THE_BODY = Way(behaviour=_reset)
    STALL = Way(behaviour=_stall)
    STALL_IN_THE_BODY = Way(behaviour=_stall_in_the_body)
    SLOW_DRIP = Way(behaviour=_drip)
    REDIRECT_302 = _redirect(302)
    REDIRECT_307 = _redirect(307)
    REDIRECT_308 = _redirect(308)

    # The body
    TRUNCATED = Way(behaviour=_truncate)
    LENGTH_TOO_LARGE = _wrong_length(100)
    LENGTH_TOO_SMALL = _wrong_length(-1)
    HUGE_BODY = Way(behaviour=_huge)
    GZIP_BOMB = Way(behaviour=_bomb)
    EMPTY_BODY = _instead(text(b"", headers=_CLOSE))
    WEB_PAGE = _instead(
        text("<!doctype html><h1>Welcome</h1>", content_type="text/html", headers=_CLOSE)
    )
    EMPTY_OBJECT = _json({})
    EMPTY_LIST = _json([])
    OTHER_OBJECT = _json({"foo": 1})
    OTHER_LIST = _json(["foo"])
    NUMBER = _json(42)

    # The content, of the devices that the faulty cloud's `devices` names
    DEVICE_GONE = _rewritten(_gone, readings=_gone)
    DEVICE_RENAMED = Way(behaviour=_renamed)
    ANOTHER_DEVICE = _ANOTHER_DEVICE
    NO_LAST_READING = _rewritten(_without_last_reading)
    NULL_LAST_READING = _rewritten(_with_null_reading)
    NULL_FOR_NUMBERS = _put_for_numbers(None)
    TEXT_FOR_NUMBERS = _put_for_numbers("no number")
    READ_IN_TWO_DAYS = _rewritten(_read_at(lambda: datetime.now(UTC) + timedelta(days=2)))
    READ_IN_70_YEARS = _rewritten(_read_at(lambda: datetime.now(UTC) + timedelta(days=25_567)))
    READ_IN_1970 = _rewritten(_read_at(lambda: datetime.fromtimestamp(0, UTC)))
    REGISTERS_FALL = _rewritten(_fallen)
    PERSONAL_DATA = _rewritten(_with_secrets)

    @property
    def needs_https(self) -> bool:
        """Whether only a cloud with an https address can have it."""
        return not self.value.trusted

    @property
    def lets_requests_in(self) -> bool:
        """Whether the cloud sees the requests, and `only` and `devices` can choose."""
        return bool(self.value.listens and self.value.trusted)


def everything(_request: Request) -> bool:
    """Let a fault strike every request."""
    return True


def readings(request: Request) -> bool:
    """Let a fault strike the history only."""
    return request.path.endswith("/readings")


def polls(request: Request) -> bool:
    """Let a fault strike all but the history."""
    return not readings(request)


@dataclass(slots=True, eq=False)
class FaultyCloud:
    """The server before a local cloud, for `make_entry` in its place.

    `only` chooses the requests that a fault strikes, `devices` the devices that faults of content
    are about (`None`: all). `elsewhere` is where redirects lead to: its `requests` should stay
    empty. While a request is held back (stall, drip) `held` is set; then the test has to let time
    pass, unless `pass_time` does (`freezer.tick`).
    """

    requests: list[TimedRequest] = field(default_factory=list)
    only: Callable[[Request], bool] = everything
    devices: Collection[str] | None = None
    elsewhere: CloudServer = field(default_factory=CloudServer)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    bytes_sent: int = 0
    connections: int = 0
    failed_handshakes: int = 0
    certificate: Certificate | None = None
    _untrusted: Certificate | None = None
    _pass_time: Callable[[timedelta], object] | None = None
    _fault: Fault | None = None
    _holds: int = 0
    _cloud_url: str = ""
    _session: aiohttp.ClientSession | None = None
    _port: int = 0
    _listener: socket.socket | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _failures: list[BaseException] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def before(
        cls,
        cloud: LocalCloud,
        *,
        https: bool = False,
        pass_time: Callable[[timedelta], object] | None = None,
    ) -> AsyncIterator[Self]:
        """Stand before a cloud, with a port of its own, without a fault as yet.

        With `https`, clients have to trust `certificate`.
        """
        faulty = cls(_pass_time=pass_time, _cloud_url=cloud.url)
        if https:
            faulty.certificate = await asyncio.to_thread(Certificate.make)
            faulty._untrusted = await asyncio.to_thread(Certificate.make)
        async with (
            faulty.elsewhere,
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True), timeout=aiohttp.ClientTimeout()
            ) as faulty._session,
        ):
            faulty.elsewhere.will(data({"devices": []}))
            # It never listens: it keeps the port while nobody listens on it.
            with _bound_socket(0) as reserved:
                faulty._port = reserved.getsockname()[1]
                faulty._listen()
                try:
                    yield faulty
                finally:
                    await faulty._close()

    @property
    def url(self) -> str:
        """The base URL of the API, as the local cloud's."""
        return f"http{'s' if self.certificate else ''}://{HOST}:{self._port}/api/"

    @property
    def fault(self) -> Fault | None:
        """What goes wrong now, from the next request on; `None`: nothing."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        if fault is not None and fault.needs_https and self.certificate is None:
            raise ValueError("This fault needs a cloud with an https address")
        self._fault = fault
        listens = fault is None or fault.value.listens
        if listens and self._listener is None:
            self._listen()
        elif not listens:
            self._stop_listening()

    def concerns(self, device_id: str) -> bool:
        """Tell whether faults of content are about this device."""
        return self.devices is None or device_id in self.devices

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Note that a request is held back."""
        self._holds += 1
        self.held.set()
        try:
            yield
        finally:
            self._holds -= 1
            if not self._holds:
                self.held.clear()

    def let_time_pass(self, time: timedelta) -> None:
        """Let time pass, if that is not left to the test."""
        if self._pass_time is not None:
            self._pass_time(time)

    async def idle(self) -> None:
        """Wait until every client has its answer, or has been seen to leave."""
        await asyncio.gather(*self._tasks)

    async def real_answer(self, request: Request, *, path: str | None = None) -> RealAnswer:
        """Ask the local cloud the same, or the same of another path."""
        assert self._session is not None
        below = (path or request.path).removeprefix("/api/")
        async with self._session.get(
            f"{self._cloud_url}{below}",
            params=request.query,
            headers={
                name: request.headers[name]
                for name in ("authorization", "accept")
                if name in request.headers
            },
        ) as response:
            return RealAnswer(
                status=response.status,
                headers={
                    name: value
                    for name, value in response.headers.items()
                    if name.lower() not in _HOP_BY_HOP
                },
                body=await response.read(),
            )

    def _listen(self) -> None:
        self._listener = _bound_socket(self._port)
        self._listener.listen()
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _close(self) -> None:
        self._stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failures:
            raise BaseExceptionGroup("The faulty cloud itself failed", self._failures)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError, ConnectionAbortedError:
            return  # Who knocked has left already.
        connection.settimeout(0)
        self.connections += 1
        # Begun at once, so that the connection is closed even if it ends at once.
        task = asyncio.get_running_loop().create_task(
            self._serve(connection, self.connections), eager_start=True
        )
        self._tasks.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)

    async def _serve(self, connection: socket.socket, number: int) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._tls()
            )
        except ConnectionError, ssl.SSLError:
            self.failed_handshakes += 1
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            # The client may leave at any time, and often has to.
            with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                request = _parse(await reader.readuntil(b"\r\n\r\n"), number)
                self.requests.append(request)
                exchange = Exchange(request=request, reader=reader, writer=writer)
                await self._behaviour(request)(self, exchange)
                writer.close()
                await writer.wait_closed()
        finally:
            transport.abort()

    def _tls(self) -> ssl.SSLContext | None:
        if self.certificate is None or self._untrusted is None:
            return None
        trusted = self._fault is None or self._fault.value.trusted
        return (self.certificate if trusted else self._untrusted).server

    def _behaviour(self, request: Request) -> Behaviour:
        if self._fault is None or not self.only(request):
            return _pass_on
        behaviour: Behaviour = self._fault.value.behaviour
        return behaviour


def _bound_socket(port: int) -> socket.socket:
    """Return a socket on a port that others of ours may be bound to as well."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.settimeout(0)
    bound.bind((HOST, port))
    return bound


def _parse(head: bytes, connection: int) -> TimedRequest:
    first, _, fields = head.partition(b"\r\n")
    method, target, _version = first.decode("ascii").split(" ")
    parts = urlsplit(target)
    return TimedRequest(
        method=method,
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in parse_headers(BytesIO(fields)).items()},
        connection=connection,
        at=datetime.now(UTC),
    )
