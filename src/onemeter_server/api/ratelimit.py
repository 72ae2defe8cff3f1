"""The rate limit of a key: a bucket of requests that the clock fills."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from onemeter_server.clock import Clock


@dataclass(slots=True, kw_only=True)
class _Bucket:
    requests: float
    filled_at: datetime


class RateLimiter:
    """Lets every key make so many requests a minute.

    After a pause up to a minute's worth of requests (at least one) may come at once.
    """

    def __init__(self, per_minute: float, clock: Clock) -> None:
        """Allow `per_minute` requests; raise `ValueError` unless that is more than none."""
        if per_minute <= 0:
            raise ValueError("A rate limit needs to be greater than 0")
        self._per_second = per_minute / 60
        self._capacity = max(1.0, per_minute)
        self._clock = clock
        self._buckets: dict[int, _Bucket] = {}

    def request(self, key: int) -> int | None:
        """Take a request from a key's bucket; return `None`, or the seconds until there is one."""
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(requests=self._capacity, filled_at=now))
        elapsed = max(0.0, (now - bucket.filled_at).total_seconds())
        bucket.requests = min(self._capacity, bucket.requests + elapsed * self._per_second)
        bucket.filled_at = now
        # Sums of small steps end a hair below the whole request that they make up.
        missing = 1.0 - bucket.requests
        if missing > 1e-9:  # noqa: PLR2004 - the hair
            return ceil(missing / self._per_second)
        bucket.requests = max(0.0, bucket.requests - 1.0)
        return None
