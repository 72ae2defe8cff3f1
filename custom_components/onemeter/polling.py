"""When to ask the cloud next: pure functions of the clock."""

from datetime import datetime, timedelta
from typing import Final

SHORTEST_WAIT: Final = timedelta(seconds=30)
"""A poll that comes sooner after the one before would bring nothing new."""

_DELAY_AFTER_QUARTER_HOUR: Final = timedelta(seconds=30)
_SPREAD_SECONDS: Final = 20


def delay_of(seed: str) -> timedelta:
    """Return how long after the full interval an account is asked, 30 to 50 s.

    A reading is in the cloud some seconds after it was made. Accounts differ, so that not every
    installation in the world asks in the same second.
    """
    return _DELAY_AFTER_QUARTER_HOUR + timedelta(seconds=sum(seed.encode()) % _SPREAD_SECONDS)


def until_next_poll(now: datetime, interval: timedelta, delay: timedelta) -> timedelta:
    """Return the time until the next poll of a fixed interval.

    Polls are aligned to the clock (with 15 minutes: to :00, :15, :30 and :45, when readers read)
    plus `delay`. The request budget keeps the distance between requests; here a poll is skipped
    only if it would come nearly at once.
    """
    since_last = timedelta(
        seconds=(now - delay).timestamp() % interval.total_seconds(),
    )
    wait = interval - since_last
    return wait if wait >= SHORTEST_WAIT else wait + interval
