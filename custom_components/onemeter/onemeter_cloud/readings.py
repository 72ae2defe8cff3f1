"""Readings in bulk: the rows of `devices/{id}/readings`, as columns of plain numbers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, Final

from .errors import ErrorKind, InvalidResponseError
from .obis import OBIS_METER_SERIAL
from .parsing import JSON, as_instant, as_register, is_no_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .models import Reading

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_DAY_SECONDS: Final = 86_400

# Well inside the years that `as_instant` accepts: of these times it need not be asked.
_USUAL_FROM: Final = 1_000_000_000
_USUAL_TO: Final = 4_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Readings of one device in the order of time.

    `times` are epoch seconds; `rows` are the registers read at these times (code to raw JSON, in
    the API's units). Rows without a date that can be read are not here.
    """

    times: Sequence[int]
    rows: Sequence[Mapping[str, JSON]]

    def series(self, code: str) -> list[tuple[int, float]]:
        """Return (epoch seconds, value) of one register, without the rows that do not have it."""
        return [
            (time, number)
            for time, row in zip(self.times, self.rows, strict=True)
            if (number := as_register(row.get(code))) is not None
        ]

    def between(self, start: int, end: int) -> Readings:
        """Return the readings from `start` to `end` (epoch seconds, both included)."""
        first, last = bisect_left(self.times, start), bisect_right(self.times, end)
        return Readings(times=self.times[first:last], rows=self.rows[first:last])

    def has_number_of(self, codes: Iterable[str]) -> bool:
        """Tell whether any of these registers has been read as a number."""
        codes = tuple(codes)
        return any(as_register(row.get(code)) is not None for row in self.rows for code in codes)


def parse_readings(data: JSON) -> Readings:
    """Return the readings of an answer; `InvalidResponseError` when it does not hold any."""
    if not isinstance(data, dict) or not isinstance(elements := data.get("readings"), list):
        raise InvalidResponseError(ErrorKind.NO_READINGS)
    times: list[int] = []
    rows: list[dict[str, JSON]] = []
    for row in elements:
        if isinstance(row, dict) and (time := _epoch_seconds(row.get("date"))) is not None:
            times.append(time)
            rows.append(row)
    if times != sorted(times):  # it is what the server should have done
        order = sorted(range(len(times)), key=times.__getitem__)
        times = [times[position] for position in order]
        rows = [rows[position] for position in order]
    return Readings(times=tuple(times), rows=tuple(rows))


def _epoch_seconds(value: JSON) -> int | None:
    """Return the epoch seconds of `as_instant`; quickly for the usual text with a time zone."""
    if isinstance(value, str):
        try:
            since_epoch = datetime.fromisoformat(value) - _EPOCH
        except (ValueError, TypeError):  # no date; a date without a time zone
            pass
        else:
            seconds = since_epoch.days * _DAY_SECONDS + since_epoch.seconds
            if _USUAL_FROM <= seconds < _USUAL_TO:
                return seconds
    instant = as_instant(value)
    return None if instant is None else int(instant.timestamp())


def readings_of(reading: Reading, codes: Collection[str]) -> Readings:
    """Return what a device's first or last reading tells of registers, each at its own time.

    The cloud puts such a reading together: a register that was not read at `date` stands at its
    `updated_at`. None without any date, and none of a register without a value.
    """
    rows: dict[int, dict[str, JSON]] = {}
    for code, value in reading.values.items():
        has_value = reading.number(code) is not None or code == OBIS_METER_SERIAL
        if code in codes and has_value and (time := reading.time_of(code)) is not None:
            rows.setdefault(int(time.timestamp()), {})[code] = value
    times = tuple(sorted(rows))
    return Readings(times=times, rows=tuple(rows[time] for time in times))


def joined(*parts: Readings) -> Readings:
    """Return readings together, in the order of time, one for each instant.

    Of several values of a register at one instant that of the last part counts, but nothing that
    tells no value.
    """
    filled = [part for part in parts if part.times]
    if len(filled) == 1 and all(map(lt, filled[0].times, islice(filled[0].times, 1, None))):
        return filled[0]
    rows: dict[int, Mapping[str, JSON]] = {}
    for part in filled:
        for time, row in zip(part.times, part.rows, strict=True):
            rows[time] = {**rows[time], **_told(row)} if time in rows else row
    times = tuple(sorted(rows))
    return Readings(times=times, rows=tuple(rows[time] for time in times))


def _told(row: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the registers of a row that have a value."""
    return {
        code: value for code, value in row.items() if value is not None and not is_no_value(value)
    }


def format_instant(instant: datetime) -> str:
    """Return an instant the way the API writes it: UTC, milliseconds and `Z`.

    Raises `ValueError` for an instant without a time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("An instant needs a time zone")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
