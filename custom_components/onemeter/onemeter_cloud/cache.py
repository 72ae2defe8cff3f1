"""Answers that are fresh enough to be used again, and requests that are already on their way."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KEEP_SECONDS: Final = 15 * 60.0
KEEP_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    """The body of an answer and when it came."""

    body: bytes
    at: float


class ResponseCache:
    """The newest answer to each request, at most `KEEP_SECONDS` old and `KEEP_BYTES` in all.

    Bodies are kept as they came, so that nobody can change what another caller gets.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """Start empty."""
        self._clock = clock or (lambda: time.monotonic())  # noqa: PLW0108 (found anew each call)
        self._answers: dict[str, _Answer] = {}
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def get(self, key: str, max_age: float) -> bytes | None:
        """Return the answer to a request if it is less than `max_age` seconds old."""
        answer = self._answers.get(key)
        if answer is None or self._clock() - answer.at >= max_age:
            return None
        return answer.body

    def age(self, key: str) -> float | None:
        """Return how many seconds ago the answer to a request came, `None` if there is none."""
        answer = self._answers.get(key)
        return None if answer is None else self._clock() - answer.at

    def put(self, key: str, body: bytes) -> None:
        """Keep an answer, and let go of what is too old or too much, oldest first."""
        now = self._clock()
        self._answers.pop(key, None)
        self._answers[key] = _Answer(body, now)
        size = sum(len(answer.body) for answer in self._answers.values())
        for old_key, answer in tuple(self._answers.items()):
            if now - answer.at >= KEEP_SECONDS or size > KEEP_BYTES:
                size -= len(answer.body)
                del self._answers[old_key]

    @asynccontextmanager
    async def only_one(self, key: str) -> AsyncIterator[None]:
        """Let one caller at a time ask this; the next finds the answer of the one before."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[key]
            if users > 1:
                self._locks[key] = (lock, users - 1)
            else:
                del self._locks[key]
