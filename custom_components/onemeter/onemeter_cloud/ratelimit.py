"""The request budget of one API key on one server.

One request a minute, a burst of three for somebody who waits in front of a screen, and longer
pauses when the server asks for them (429, or 5xx with `Retry-After`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from .errors import ErrorKind, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_SECONDS: Final = 60.0
BURST_REQUESTS: Final = 3
FIRST_BACKOFF_SECONDS: Final = 120.0
LONGEST_BACKOFF_SECONDS: Final = 6 * 3600.0
_HOUR_SECONDS: Final = 3600.0
_MOST_REQUESTS_IN_AN_HOUR: Final = BURST_REQUESTS + int(_HOUR_SECONDS / INTERVAL_SECONDS)
_BACKOFF_JITTER: Final = 0.25
_ROUNDING_SECONDS: Final = 1e-6


class Priority(IntEnum):
    """Who asks. Users go first and may use the burst; background work keeps the full distance."""

    USER = 0
    BACKGROUND = 1


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request that waits for its turn; `moved` is set when its place in the queue changed."""

    priority: Priority
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class RateLimiter:
    """Hands out the requests of one budget, in order of priority, then of arrival.

    A bucket of `BURST_REQUESTS` tokens gains one every `INTERVAL_SECONDS`; a refusal leaves one and
    stops the count until the pause is over. `clock` counts seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """Start with a full bucket."""
        self._clock = clock or (lambda: time.monotonic())  # noqa: PLW0108 (found anew each call)
        self._tokens = float(BURST_REQUESTS)
        self._counted_at = self._clock()
        self._newest: deque[float] = deque(maxlen=_MOST_REQUESTS_IN_AN_HOUR)
        self._refusals = 0
        self._queue: list[_Ticket] = []

    @property
    def requests_in_last_hour(self) -> int:
        """The number of requests that were started in the last hour."""
        an_hour_ago = self._clock() - _HOUR_SECONDS
        return sum(started_at > an_hour_ago for started_at in self._newest)

    def seconds_until_allowed(self, priority: Priority) -> float:
        """Return how long a request of this priority would wait if it came now."""
        ahead = sum(ticket.priority <= priority for ticket in self._queue)
        return self._wait(priority, ahead)

    async def acquire(self, priority: Priority, max_wait: float) -> None:
        """Wait for the turn of one request and count it.

        Raises `RateLimitError` at once, without waiting, when the turn is more than `max_wait`
        seconds away, and later when it has moved further than that.
        """
        ticket = _Ticket(priority)
        self._queue.append(ticket)
        self._queue.sort(key=lambda queued: queued.priority)
        self._notify_others(ticket)
        deadline = self._clock() + max_wait
        try:
            while (wait := self._wait(priority, self._queue.index(ticket))) > 0:
                if self._clock() + wait > deadline + _ROUNDING_SECONDS:
                    raise RateLimitError(ErrorKind.BUDGET_SPENT, retry_after=wait)
                ticket.moved.clear()
                # Either way look again: the turn has come, or its place in the queue has moved.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await ticket.moved.wait()
            self._refill()
            self._tokens -= 1
            self._newest.append(self._clock())
        finally:
            self._queue.remove(ticket)
            self._notify_others(ticket)

    def refused(self, retry_after: float | None) -> float:
        """Note that the server refused a request (429); return the pause in seconds.

        Without the server's word on it the pause doubles each time, with jitter, so that many
        clients do not come back together.
        """
        self._refusals += 1
        if retry_after is None:
            pause = FIRST_BACKOFF_SECONDS * 2.0 ** min(self._refusals - 1, 16)
            pause = min(pause, LONGEST_BACKOFF_SECONDS)
            pause *= random.uniform(1 - _BACKOFF_JITTER, 1)  # noqa: S311
        else:
            pause = retry_after
        return self.pause(pause)

    def pause(self, seconds: float) -> float:
        """Send nothing for so long, within reason; return the pause in seconds."""
        seconds = min(max(seconds, INTERVAL_SECONDS), LONGEST_BACKOFF_SECONDS)
        now = self._clock()
        # Nobody rushes in afterwards: one request, then one a minute. A refusal of what was on its
        # way already does not shorten the pause of the one before.
        self._tokens = 1.0
        self._counted_at = max(self._counted_at, now + seconds)
        self._notify_others(None)
        return self._counted_at - now

    def accepted(self) -> None:
        """Note that the server gave data: the next refusal starts with the shortest pause again."""
        self._refusals = 0

    def _refill(self) -> None:
        now = self._clock()
        if now > self._counted_at:
            gained = (now - self._counted_at) / INTERVAL_SECONDS
            self._tokens = min(float(BURST_REQUESTS), self._tokens + gained)
            self._counted_at = now

    def _wait(self, priority: Priority, ahead: int) -> float:
        """Return the seconds until the request that has `ahead` others before it may start."""
        self._refill()
        now = self._clock()
        wait = self._counted_at - now + (ahead + 1 - self._tokens) * INTERVAL_SECONDS
        if priority is Priority.BACKGROUND:
            last = self._newest[-1] if self._newest else float("-inf")
            wait = max(wait, max(last + INTERVAL_SECONDS - now, 0.0) + ahead * INTERVAL_SECONDS)
        return wait if wait > _ROUNDING_SECONDS else 0.0

    def _notify_others(self, ticket: _Ticket | None) -> None:
        for queued in self._queue:
            if queued is not ticket:
                queued.moved.set()
