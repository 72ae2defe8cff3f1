"""Readings in bulk: the rows of `devices/{id}/readings`, as columns of plain numbers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .errors import InvalidResponseError
from .parsing import JSON, as_instant, as_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
            (time, value)
            for time, row in zip(self.times, self.rows, strict=True)
            if (value := as_number(row.get(code))) is not None
        ]


def parse_readings(data: JSON) -> Readings:
    """Return the readings of an answer; `InvalidResponseError` when it does not hold any."""
    if not isinstance(data, dict) or not isinstance(elements := data.get("readings"), list):
        raise InvalidResponseError("The answer holds no list of readings")
    dated = sorted(
        (
            (int(instant.timestamp()), position, row)
            for position, row in enumerate(elements)
            if isinstance(row, dict) and (instant := as_instant(row.get("date"))) is not None
        ),
    )
    return Readings(
        times=tuple(time for time, _, _ in dated), rows=tuple(row for _, _, row in dated)
    )


def format_instant(instant: datetime) -> str:
    """Return an instant the way the API writes it: UTC, milliseconds and `Z`.

    Raises `ValueError` for an instant without a time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("An instant needs a time zone")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
