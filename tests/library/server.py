"""A small HTTP server on a real socket that answers what a test tells it to, well or badly."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from types import TracebackType

    type Answer = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came over the socket; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and the two ends of the connection that it came on."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes to the client, as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_client_leaves(self) -> None:
        """Wait until the client has closed its end."""
        await self.reader.read()


@dataclass(slots=True)
class CloudServer:
    """The server. Answers are used up in order; the last one stays."""

    requests: list[Request] = field(default_factory=list)
    _answers: list[Answer] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)
    _opened: int = 0

    async def __aenter__(self) -> Self:
        """Listen on a free port of the loopback interface."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening and end every connection."""
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        """The server's address without a path."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    @property
    def url(self) -> str:
        """The base URL of the API on this server."""
        return f"{self.origin}/api/"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.requests]

    def will(self, *answers: Answer) -> None:
        """Answer the next requests with these; the last one answers all that follow."""
        self._answers = list(answers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self._opened += 1
        connection = self._opened
        try:
            with contextlib.suppress(
                asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError
            ):
                while not writer.is_closing():
                    head = await reader.readuntil(b"\r\n\r\n")
                    request = _parse(head, connection)
                    self.requests.append(request)
                    answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                    await answer(Exchange(request=request, reader=reader, writer=writer))
        finally:
            self._connections.discard(task)
            writer.close()


def _parse(head: bytes, connection: int) -> Request:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _version = first.split(" ")
    parts = urlsplit(target)
    return Request(
        method=method,
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        },
        connection=connection,
    )


def head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the head of an answer."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unheard Of"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def text(
    body: bytes | str,
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer with this body, whatever it is."""
    content = body.encode() if isinstance(body, str) else body

    async def answer(exchange: Exchange) -> None:
        fields = {"Content-Type": content_type, "Content-Length": str(len(content))}
        await exchange.send(head(status, (fields | dict(headers or {})).items()) + content)

    return answer


def data(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with JSON."""
    return text(orjson.dumps(value), status=status, headers=headers)


def error(
    status: int, name: str, message: str, *, headers: Mapping[str, str] | None = None
) -> Answer:
    """Answer with an error in the API's own shape."""
    body = {"status": "error", "error": name, "message": message, "statusCode": status}
    return data(body, status=status, headers=headers)


def echo_key(status: int) -> Answer:
    """Answer with an error whose name and message both repeat the key that was sent."""

    async def answer(exchange: Exchange) -> None:
        key = exchange.request.headers["authorization"]
        await error(status, f"Bad {key}", f"The key {key} is not welcome")(exchange)

    return answer


def bytes_then_close(content: bytes) -> Answer:
    """Send these bytes, which may be no HTTP at all, and close the connection."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(content)
        exchange.writer.close()

    return answer


def cut_short(*, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Promise a hundred bytes, send seven of them and close the connection."""
    fields = {"Content-Length": "100"} | dict(headers or {})
    return bytes_then_close(head(status, fields.items()) + b'{"devic')


def chunked(
    *chunks: bytes, complete: bool = True, headers: Mapping[str, str] | None = None
) -> Answer:
    """Answer in chunks, and leave out the last, empty one unless it is to be complete."""

    async def answer(exchange: Exchange) -> None:
        fields = {"Transfer-Encoding": "chunked"} | dict(headers or {})
        await exchange.send(head(200, fields.items()))
        for chunk in chunks:
            await exchange.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        if complete:
            await exchange.send(b"0\r\n\r\n")
        else:
            exchange.writer.close()

    return answer


async def reset(exchange: Exchange) -> None:
    """Break the connection instead of answering."""
    exchange.writer.transport.abort()


async def stall(exchange: Exchange) -> None:
    """Take the request and never answer."""
    await exchange.until_client_leaves()


async def stall_in_the_body(exchange: Exchange) -> None:
    """Begin to answer and never get to the end."""
    await exchange.send(head(200, [("Content-Length", "100")]) + b'{"devic')
    await exchange.until_client_leaves()


@dataclass(slots=True)
class Gate:
    """An answer that a test holds back until it opens the gate."""

    behind: Answer
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, exchange: Exchange) -> None:
        """Tell that the request is here, wait for the gate, then answer."""
        self.reached.set()
        await self.open.wait()
        await self.behind(exchange)


async def endless(exchange: Exchange) -> None:
    """Send white space for as long as the client takes it."""
    await exchange.send(head(200, [("Transfer-Encoding", "chunked")]))
    while True:
        await exchange.send(b"400\r\n" + b" " * 0x400 + b"\r\n")


def garbled_with_key(template: bytes) -> Answer:
    """Send these bytes with the key that was sent in the place of `KEY`, and close."""

    async def answer(exchange: Exchange) -> None:
        key = exchange.request.headers["authorization"].encode()
        await bytes_then_close(template.replace(b"KEY", key))(exchange)

    return answer
