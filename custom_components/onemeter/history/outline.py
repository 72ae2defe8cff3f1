"""What is known of a statistic that was written, and whether the recorder's rows fit to it: pure.

The recorder is asked, not trusted: its database can be new, or an older one from a backup, and its
owner can delete or adjust statistics. Every row has a register (`state`) and a `sum`; within one
meter `sum - state` is one constant, and there is a row for every hour. So a few numbers tell
whether all rows are as they were written.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from ..onemeter_cloud.history import HOUR_SECONDS, TOLERANCE_KWH, HourRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RELATIVE_TOLERANCE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The hours of a statistic, and its meters.

    There is a row for every hour from `first` to `last` (epoch seconds). From each hour of
    `offsets` on, `sum - state` is the constant beside it: one pair for each meter.
    """

    first: int
    last: int
    offsets: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, rows: Sequence[HourRow]) -> Self:
        """Return the outline of rows, of which there is at least one."""
        outline = cls(
            first=rows[0].start,
            last=rows[0].start,
            offsets=((rows[0].start, rows[0].offset),),
        )
        return outline.followed_by(rows)

    def followed_by(self, rows: Sequence[HourRow]) -> Self:
        """Return the outline after rows have been written that go on up to the newest one."""
        if not rows:
            return self
        if rows[0].start < self.first:
            return self.of(rows)
        offsets = [pair for pair in self.offsets if pair[0] <= rows[0].start]
        for row in rows:
            if not _has_offset(row, offsets[-1][1]):
                if offsets[-1][0] == row.start:
                    offsets.pop()
                offsets.append((row.start, row.offset))
        return replace(self, last=max(self.last, rows[-1].start), offsets=tuple(offsets))

    def has_meters_of(self, other: Outline | None) -> bool:
        """Tell whether another outline of the statistic has the same meters at the same times."""
        return (
            other is not None
            and [hour for hour, _ in self.offsets] == [hour for hour, _ in other.offsets]
            and self.first == other.first
        )

    def fits(self, rows: Sequence[HourRow], start: int, end: int) -> bool:
        """Tell whether the recorder's rows of a time (epoch seconds, `end` left out) are right."""
        return self.has_all_hours(rows, start, end) and self.has_offsets_of(rows)

    def has_all_hours(self, rows: Sequence[HourRow], start: int, end: int) -> bool:
        """Tell whether there is a row for every hour of a time in which there has to be one."""
        first = max(self.first, -(-start // HOUR_SECONDS) * HOUR_SECONDS)
        hours = range(first, min(self.last + HOUR_SECONDS, end), HOUR_SECONDS)
        known = {row.start for row in rows}
        return all(hour in known for hour in hours)

    def has_offsets_of(self, rows: Sequence[HourRow]) -> bool:
        """Tell whether rows are of the meters that are known."""
        return all(
            (number := bisect_right(self.offsets, row.start, key=_hour)) > 0
            and _has_offset(row, self.offsets[number - 1][1])
            for row in rows
        )

    def as_json(self) -> dict[str, Any]:
        """Return what can be stored."""
        return {"first": self.first, "last": self.last, "offsets": [*map(list, self.offsets)]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored."""
        return cls(
            first=stored["first"],
            last=stored["last"],
            offsets=tuple((hour, offset) for hour, offset in stored["offsets"]),
        )


def _hour(pair: tuple[int, float]) -> int:
    return pair[0]


def _has_offset(row: HourRow, offset: float) -> bool:
    """Tell whether a row has an offset, but for what rounding makes of large registers."""
    tolerance = TOLERANCE_KWH + _RELATIVE_TOLERANCE * abs(row.state)
    return abs(row.offset - offset) <= tolerance
