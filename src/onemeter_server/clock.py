"""Where the server takes the time from: one callable, so that tests and the demo can move it."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]
"""Returns the present instant, aware, in UTC."""


def system_clock() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def epoch_seconds(instant: datetime) -> int:
    """Return the whole seconds since 1970 of an aware instant, rounded down."""
    return int(instant.timestamp() // 1)
