"""What can go wrong with the OneMeter Cloud API: one tree of exceptions.

Every text is safe to show and to log: it carries the server's own message where there is one, and
never the API key.
"""


class OneMeterError(Exception):
    """Anything that this library raises about the cloud.

    `retry_after` is the number of seconds until the next request is allowed, where the server or
    our own budget tells it.
    """

    retry_after: float | None = None


class AuthenticationError(OneMeterError):
    """The server refuses the API key (401, 403), or the key cannot be one."""


class RateLimitError(OneMeterError):
    """The request is over the limit: the server said so (429), or our own budget is spent.

    `retry_after` is always there; `by_server` tells whether it was the server.
    """

    retry_after: float

    def __init__(self, message: str, *, retry_after: float, by_server: bool = False) -> None:
        """Keep when to come back, and who said so."""
        super().__init__(message)
        self.retry_after = retry_after
        self.by_server = by_server


class NotFoundError(OneMeterError):
    """What was asked for is not there (404); `error` is the server's name for it, if any."""

    def __init__(self, message: str, *, error: str | None = None) -> None:
        """Keep the server's name of the error."""
        super().__init__(message)
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

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep when to come back."""
        super().__init__(message)
        self.retry_after = retry_after


class InvalidResponseError(OneMeterError):
    """The answer is not what the API promises: not JSON, of another shape, too large."""
