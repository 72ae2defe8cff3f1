"""What readings would change in a device's statistics, before it is written: pure."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from ..onemeter_cloud.history import DEFAULT_LIMIT_KW, is_same
from .outline import Outline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..onemeter_cloud.history import HourRow

    type Rows = Mapping[str, Sequence[HourRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Rows of statistics by the keys of their series, beside those `known`.

    `outlines` are those of the statistics once the rows have been written. `has_other_meters` tells
    whether they show meters that were not known, `is_surprising` that, or more energy in an hour
    than is possible: more than the limit, and than twice what was known before.
    """

    rows: Rows
    known: Rows
    outlines: Mapping[str, Outline]
    has_other_meters: bool
    is_surprising: bool

    @classmethod
    def of(cls, rows: Rows, known: Rows, outlines: Mapping[str, Outline], limit_kw: float) -> Self:
        """Compare rows with what is known of the statistics."""
        following = {
            key: outlines[key].followed_by(of_key) if key in outlines else Outline.of(of_key)
            for key, of_key in rows.items()
            if of_key
        }
        has_other_meters = not all(
            outline.has_meters_of(outlines.get(key)) for key, outline in following.items()
        )
        most_kwh = max(limit_kw, DEFAULT_LIMIT_KW, 2 * _greatest_hour(known.values()))
        return cls(
            rows=rows,
            known=known,
            outlines=following,
            has_other_meters=has_other_meters,
            is_surprising=has_other_meters
            or any(
                _is_impossible(of_key, known.get(key, ()), most_kwh) for key, of_key in rows.items()
            ),
        )


def _greatest_hour(known: Iterable[Sequence[HourRow]]) -> float:
    """Return the greatest energy of an hour that is known."""
    return max(
        (hour.sum - before.sum for rows in known for before, hour in pairwise(rows)), default=0.0
    )


def _is_impossible(rows: Sequence[HourRow], known: Sequence[HourRow], most_kwh: float) -> bool:
    """Tell whether there is an hour with too much energy that is not known to be so."""
    sums = {row.start: row.sum for row in known}
    return any(
        hour.sum - before.sum > most_kwh and not is_same(sums.get(hour.start, before.sum), hour.sum)
        for before, hour in pairwise(rows)
    )
