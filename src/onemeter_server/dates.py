"""Instants as the API writes and reads them: ISO 8601, UTC, milliseconds and `Z`."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

_SECONDS_A_DAY: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


def format_epoch(seconds: int) -> str:
    """Return epoch seconds as the API's date (`2024-05-23T07:00:00.000Z`)."""
    day, second = divmod(seconds, _SECONDS_A_DAY)
    return _day(day) + _time_of_day(second)


def parse_instant(text: str) -> datetime:
    """Return an ISO 8601 date as an aware instant; one without a time zone is taken as UTC.

    Raises `ValueError` when the text is not such a date.
    """
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


# Answers carry tens of thousands of dates, which share their days and their times of day.
@lru_cache(maxsize=4096)
def _day(day: int) -> str:
    return f"{date.fromordinal(_EPOCH_ORDINAL + day).isoformat()}T"


@lru_cache(maxsize=4096)
def _time_of_day(second: int) -> str:
    minutes, seconds = divmod(second, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.000Z"
