"""A meter of the living demo: its readings one after another, and a new meter in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onemeter_cloud.parsing import as_number
from onemeter_server.models.registers import COUNTER_DECIMALS, counts_energy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onemeter_server.models.records import JSON, Values


class DemoMeter:
    """The readings of a device that are still to come, as they are shown."""

    def __init__(self, device_id: str, readings: Iterator[tuple[int, Values]]) -> None:
        """Start before the first of these readings, which have no end."""
        self.device_id = device_id
        self._readings = readings
        self._next = next(readings)
        self._before = self._next[1]
        # What the first meter counted until the present one came, and what this one started at.
        self._counted: Values = {}
        self._started_at: Mapping[str, float] = {}

    @property
    def next_time(self) -> int:
        """The time of the next reading, in epoch seconds."""
        return self._next[0]

    def due(self, now: int) -> Iterator[tuple[int, Values]]:
        """Yield the readings up to an instant (epoch seconds, included)."""
        for time, values in self._counted_until(now):
            yield time, {code: self._shown(code, value) for code, value in values.items()}

    def skip(self, until: int) -> None:
        """Go on behind an instant (epoch seconds)."""
        for _ in self._counted_until(until):
            pass

    def replace(self, registers: Mapping[str, float]) -> None:
        """Put a new meter in place just after the reading before.

        `registers` is what its energy registers start at; those that are not named start at 0.
        """
        self._counted = {code: value for code, value in self._before.items() if counts_energy(code)}
        self._started_at = registers

    def _counted_until(self, now: int) -> Iterator[tuple[int, Values]]:
        """Yield the readings up to an instant as if the first meter were there still."""
        while self._next[0] <= now:
            yield self._next
            self._before = self._next[1]
            self._next = next(self._readings)

    def _shown(self, code: str, value: JSON) -> JSON:
        number, counted = as_number(value), as_number(self._counted.get(code))
        if number is None or counted is None:
            return value
        return round(number - counted + self._started_at.get(code, 0), COUNTER_DECIMALS)
