"""Instants as the API writes them (ISO 8601, UTC, milliseconds and `Z`) and as people do."""

import re
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from math import ceil, floor
from typing import Final

LATEST: Final = 253_402_300_799
"""The last second of the year 9999, since 1970."""

_SECONDS_A_DAY: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

_SECONDS: Final = re.compile(r"\d{9,10}", re.ASCII)
_MILLISECONDS: Final = re.compile(r"\d{12,13}", re.ASCII)
_YEAR: Final = re.compile(r"\d{4}", re.ASCII)
_MONTH: Final = re.compile(r"\d{4}-\d{2}", re.ASCII)
# The plus of an offset arrives as a space where nobody has escaped it.
_LOST_PLUS: Final = re.compile(r"(.+[T ]\d{2}:\d{2}\S*) (\d{2}:?\d{2})", re.ASCII)


def format_epoch(seconds: int) -> str:
    """Return epoch seconds as the API's date (`2024-05-23T07:00:00.000Z`)."""
    day, second = divmod(seconds, _SECONDS_A_DAY)
    return _day(day) + _time_of_day(second)


def first_second(text: str, zone: tzinfo = UTC) -> int:
    """Return the first whole second (since 1970) of what a text dates.

    That is an ISO 8601 date and time, with a space instead of the `T` if need be; a day, a month
    (`2024-05`) or a year; or seconds or milliseconds since 1970. What names no time zone is taken
    in `zone`, and of a local time that comes twice the first counts. Raises `ValueError` for any
    other text.
    """
    if (period := _period(text)) is not None:
        return floor(min(_of_local(period[0], zone)))
    return ceil(min(_instants(text, zone)))


def last_second(text: str, zone: tzinfo = UTC) -> int:
    """Return the last whole second (since 1970) of what a text dates (see `first_second`).

    That of a day, a month or a year is its last one; of a local time that comes twice the second
    counts.
    """
    if (period := _period(text)) is not None:
        end = period[1]
        return LATEST if end is None else ceil(max(_of_local(end, zone))) - 1
    return floor(max(_instants(text, zone)))


def _period(text: str) -> tuple[datetime, datetime | None] | None:
    """Return the local start and end of the day, month or year that a text names, if it does.

    There is no end where the calendar ends.
    """
    if _YEAR.fullmatch(text):
        first, months = date(int(text), 1, 1), 12
    elif _MONTH.fullmatch(text):
        first, months = date.fromisoformat(f"{text}-01"), 1
    else:
        try:
            first, months = date.fromisoformat(text), 0
        except ValueError:
            return None
    return _midnight(first), _later(first, months)


def _later(day: date, months: int) -> datetime | None:
    """Return the midnight so many months after a day, for none the next one."""
    try:
        if not months:
            return _midnight(date.fromordinal(day.toordinal() + 1))
        years, month = divmod(day.month - 1 + months, 12)
        return _midnight(day.replace(year=day.year + years, month=month + 1))
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - its zone is not known here


def _instants(text: str, zone: tzinfo) -> tuple[float, ...]:
    """Return the epoch seconds that a date and time can mean."""
    if _SECONDS.fullmatch(text):
        return (int(text),)
    if _MILLISECONDS.fullmatch(text):
        return (int(text) / 1000,)
    if (lost := _LOST_PLUS.fullmatch(text)) is not None:
        text = "+".join(lost.groups())
    instant = datetime.fromisoformat(text)
    return (instant.timestamp(),) if instant.tzinfo is not None else _of_local(instant, zone)


def _of_local(local: datetime, zone: tzinfo) -> tuple[float, ...]:
    """Return the epoch seconds of a local time: two where a change of the offset is near."""
    return tuple(local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))


# Answers carry tens of thousands of dates, which share their days and their times of day.
@lru_cache(maxsize=4096)
def _day(day: int) -> str:
    return f"{date.fromordinal(_EPOCH_ORDINAL + day).isoformat()}T"


@lru_cache(maxsize=4096)
def _time_of_day(second: int) -> str:
    minutes, seconds = divmod(second, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.000Z"
