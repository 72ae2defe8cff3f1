"""What can go wrong with the OneMeter Cloud API: one tree of exceptions, and a table of kinds.

Every text is safe to show and to log: it carries the server's own message where there is one, and
never the API key.
"""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, override

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorKind(StrEnum):
    """What went wrong, for programs: those who show it to people word it in their language."""

    # The key
    INVALID_KEY = "invalid_key"
    KEY_REFUSED = "key_refused"

    # Too many requests
    BUDGET_SPENT = "budget_spent"
    TOO_MANY_REQUESTS = "too_many_requests"

    # The request
    INVALID_DEVICE_ID = "invalid_device_id"
    INVALID_PATH = "invalid_path"
    NOT_FOUND = "not_found"
    REQUEST_REFUSED = "request_refused"

    # The connection and the server
    NO_CONNECTION = "no_connection"
    NO_SECURE_CONNECTION = "no_secure_connection"
    UNKNOWN_HOST = "unknown_host"
    BROKEN_CONNECTION = "broken_connection"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"

    # The answer
    NOT_HTTP = "not_http"
    REDIRECTED = "redirected"
    UNEXPECTED_STATUS = "unexpected_status"
    NOT_UNPACKED = "not_unpacked"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NO_DEVICES = "no_devices"
    NO_READINGS = "no_readings"
    NOT_A_DEVICE = "not_a_device"
    ANOTHER_DEVICE = "another_device"
    NO_NUMBERS = "no_numbers"


SENTENCES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {
        ErrorKind.INVALID_KEY: "An API key is a word of plain letters, digits and signs",
        ErrorKind.KEY_REFUSED: "The server does not accept the API key (HTTP {status})",
        ErrorKind.BUDGET_SPENT: "The request budget is spent for the next {seconds} s",
        ErrorKind.TOO_MANY_REQUESTS: "The server wants to be left alone for {seconds} s",
        ErrorKind.INVALID_DEVICE_ID: "This is no device id",
        ErrorKind.INVALID_PATH: "This path is not part of the API",
        ErrorKind.NOT_FOUND: "The server does not have what was asked for (HTTP {status})",
        ErrorKind.REQUEST_REFUSED: "The server does not take the request (HTTP {status})",
        ErrorKind.NO_CONNECTION: "No connection to the server",
        ErrorKind.NO_SECURE_CONNECTION: "No secure connection to the server",
        ErrorKind.UNKNOWN_HOST: "The name of the server cannot be looked up",
        ErrorKind.BROKEN_CONNECTION: "The connection broke before or in the middle of the answer",
        ErrorKind.TIMEOUT: "The server did not answer in time",
        ErrorKind.SERVER_ERROR: "The server cannot answer now (HTTP {status})",
        ErrorKind.NOT_HTTP: "The server does not speak HTTP as it should",
        ErrorKind.REDIRECTED: "The server redirects to another address (HTTP {status})",
        ErrorKind.UNEXPECTED_STATUS: "The server answered HTTP {status} where it should give data",
        ErrorKind.NOT_UNPACKED: "The answer cannot be unpacked",
        ErrorKind.TOO_LARGE: "The answer is larger than {mebibytes} MiB",
        ErrorKind.NOT_JSON: "The answer is not JSON that can be read",
        ErrorKind.NO_DEVICES: "The answer holds no list of devices",
        ErrorKind.NO_READINGS: "The answer holds no list of readings",
        ErrorKind.NOT_A_DEVICE: "The answer is not a device",
        ErrorKind.ANOTHER_DEVICE: "The answer is another device than the one asked for",
        ErrorKind.NO_NUMBERS: "The readings hold no numbers",
    }
)
"""Each kind in English, with the figures that belong to it."""


class OneMeterError(Exception):
    """Anything that this library raises about the cloud.

    `kind` tells what it is, and `figures` the numbers that belong to it by their names: `status`
    (HTTP), `seconds` (to wait), `mebibytes` (the limit). `server_message` are the server's own
    words, if it said any: on one line, cut to size and without the key. `str()` puts all of it into
    an English sentence, with what the system said of a connection.

    `retry_after` is the number of seconds until the next request is allowed, where the server or
    our own budget tells it.
    """

    retry_after: float | None = None

    def __init__(
        self,
        kind: ErrorKind,
        *,
        server_message: str | None = None,
        detail: str | None = None,
        **figures: int,
    ) -> None:
        """Keep the parts; `detail` is for logs, in whatever language it is."""
        super().__init__(kind)
        self.kind = kind
        self.figures: Mapping[str, int] = MappingProxyType(figures)
        self.server_message = server_message
        self._detail = detail

    @override
    def __str__(self) -> str:
        """Say in English what went wrong."""
        sentence = SENTENCES[self.kind].format_map(self.figures)
        if self._detail:
            sentence = f"{sentence}: {self._detail}"
        if self.server_message is None:
            return sentence
        return f'{sentence}. The server says: "{self.server_message}"'


class AuthenticationError(OneMeterError):
    """The server refuses the API key (401, 403), or the key cannot be one."""


class RateLimitError(OneMeterError):
    """The request is over the limit: the server said so (429), or our own budget is spent.

    `retry_after` is always there; `by_server` tells whether it was the server.
    """

    retry_after: float

    def __init__(
        self, kind: ErrorKind, *, retry_after: float, server_message: str | None = None
    ) -> None:
        """Keep when to come back."""
        super().__init__(kind, server_message=server_message, seconds=ceil(retry_after))
        self.retry_after = retry_after

    @property
    def by_server(self) -> bool:
        """Whether it was the server who said so."""
        return self.kind is ErrorKind.TOO_MANY_REQUESTS


class NotFoundError(OneMeterError):
    """What was asked for is not there (404); `error` is the server's name for it, if any."""

    def __init__(
        self,
        kind: ErrorKind,
        *,
        status: int,
        error: str | None = None,
        server_message: str | None = None,
    ) -> None:
        """Keep the server's name of the error."""
        super().__init__(kind, server_message=server_message, status=status)
        self.error = error

    @property
    def no_readings(self) -> bool:
        """Whether the device is there and merely has no readings to give."""
        return self.error == "NotFoundError"


class InvalidRequestError(OneMeterError):
    """The request makes no sense to the server (400 and other 4xx), or could not be one."""


class CannotConnectError(OneMeterError):
    """No answer: the server cannot be reached, or the connection broke."""


class RequestTimeoutError(CannotConnectError):
    """The server did not answer in time."""


class ServerError(CannotConnectError):
    """The server answered that it cannot answer now (5xx), perhaps with when to come back."""

    def __init__(
        self,
        kind: ErrorKind,
        *,
        status: int,
        retry_after: float | None = None,
        server_message: str | None = None,
    ) -> None:
        """Keep when to come back."""
        super().__init__(kind, server_message=server_message, status=status)
        self.retry_after = retry_after


class InvalidResponseError(OneMeterError):
    """The answer is not what the API promises: not JSON, of another shape, too large."""
