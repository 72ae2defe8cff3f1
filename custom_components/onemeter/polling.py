"""When to ask the cloud next: pure functions of the clock."""

from datetime import datetime, timedelta
from typing import Final

SHORTEST_WAIT: Final = timedelta(seconds=50)
"""A poll sooner than that after the one before would mostly wait for the request budget."""

_DELAY_AFTER_QUARTER_HOUR: Final = timedelta(seconds=30)
_SPREAD_SECONDS: Final = 20


def delay_of(seed: str) -> timedelta:
    """Return how long after the full interval an account is asked, 30 to 50 s.

    A reading is in the cloud some seconds after it was made. Accounts differ, so that not every
    installation in the world asks in the same second.
    """
    return _DELAY_AFTER_QUARTER_HOUR + timedelta(seconds=sum(seed.encode()) % _SPREAD_SECONDS)


def next_poll(last: datetime, interval: timedelta, delay: timedelta) -> datetime:
    """Return when to poll after a poll that began at `last`, for a fixed interval.

    Polls are aligned to the clock (with 15 minutes: to :00, :15, :30 and :45, when readers read)
    plus `delay`.
    """
    earliest = last + SHORTEST_WAIT
    since_full = (earliest - delay).timestamp() % interval.total_seconds()
    return earliest + (interval - timedelta(seconds=since_full)) % interval
