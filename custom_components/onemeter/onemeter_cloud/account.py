"""What all clients of one account share: the request budget and the recent answers."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from .cache import ResponseCache
from .ratelimit import RateLimiter


@dataclass(frozen=True, slots=True)
class Account:
    """The shared state of one API key on one server, for the life of the process.

    It outlives its clients on purpose: closing a client and opening another does not buy a second
    budget.
    """

    limiter: RateLimiter = field(default_factory=RateLimiter)
    cache: ResponseCache = field(default_factory=ResponseCache)


_ACCOUNTS: Final[dict[tuple[str, str], Account]] = {}


def account_of(base_url: str, api_key: str) -> Account:
    """Return the shared state of this key on this server."""
    fingerprint = hashlib.sha256(api_key.encode()).hexdigest()
    return _ACCOUNTS.setdefault((base_url, fingerprint), Account())
