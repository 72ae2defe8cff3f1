"""Reads the history of a device from the cloud: all of it, or a part with its neighbours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from homeassistant.util import dt as dt_util

from .onemeter_cloud import ErrorKind, InvalidResponseError, Readings
from .onemeter_cloud.history import WRONG_READINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .onemeter_cloud import Device, OneMeterCloud, Priority, Reading
    from .onemeter_cloud.parsing import JSON

MOST_READINGS: Final = 357_120
"""What the API gives at once: ten years of quarter-hours."""

TAIL_READINGS: Final = 16
"""How many of the newest readings are kept for the next one: enough to tell a wrong reading."""

_EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC)
_BEYOND: Final = timedelta(days=1)
_CLOCK_TOLERANCE: Final = timedelta(hours=1)
_CONTEXT_READINGS: Final = WRONG_READINGS + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Readings of a part of a history, with those around it that its first and last hour need.

    `count` is the number of readings in the part itself. `to_the_end` tells whether the newest
    reading is among them; if not, the hour of the last reading is not complete.
    """

    readings: Readings
    count: int
    to_the_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReader:
    """Reads with a given priority, and waits no longer than `max_wait` seconds for each request."""

    cloud: OneMeterCloud
    priority: Priority
    max_wait: float

    # Somebody who asks for a part knows that it has changed, perhaps from its first reading on.
    # A part that is only looked through again is likely to start with a reading that was known.
    always_with_neighbours: bool

    async def everything(self, device: Device, codes: tuple[str, ...]) -> Part:
        """Return all readings of a device since its installation."""
        initial = device.initial_reading
        start = initial.date if initial is not None and initial.date is not None else _EARLIEST
        stored = await self._between(device, codes, start, None)
        # Of one instant the history tells more surely than a poll: it comes last.
        readings = joined(single(initial), single(device.last_reading), stored)
        return Part(readings=readings, count=len(readings.times), to_the_end=True)

    async def part(
        self, device: Device, codes: tuple[str, ...], start: datetime, end: datetime | None
    ) -> Part:
        """Return the readings from `start` to `end` (`None`: now), with their neighbours.

        Where the start lies in a hole, the hours of the hole depend on the readings before it;
        where the end does, on the first one after it.
        """
        last = (end or dt_util.utcnow()).timestamp()
        until = end + _BEYOND if end is not None and end + _BEYOND < dt_util.utcnow() else None
        readings = await self._between(device, codes, start, until)
        if until is not None and not (readings.times and readings.times[-1] >= last):
            until = None
            readings = await self._between(device, codes, start, None)
        count = sum(time <= last for time in readings.times)
        if until is None:
            readings = joined(single(device.last_reading), readings)
        starts_in_hole = not readings.times or readings.times[0] > start.timestamp()
        if starts_in_hole or self.always_with_neighbours:
            before = await self.cloud.readings_before(
                device.id,
                start,
                _CONTEXT_READINGS,
                codes,
                priority=self.priority,
                max_wait=self.max_wait,
            )
            readings = joined(before, readings)
        return Part(readings=readings, count=count, to_the_end=until is None)

    async def _between(
        self, device: Device, codes: tuple[str, ...], start: datetime, end: datetime | None
    ) -> Readings:
        """Return stored readings, in as many requests as the API's limit makes necessary."""
        last = end or dt_util.utcnow() + _CLOCK_TOLERANCE
        pieces: list[Readings] = []
        while True:
            piece = await self.cloud.readings(
                device.id, start, last, codes, priority=self.priority, max_wait=self.max_wait
            )
            if piece.times and not piece.has_number_of(codes):
                raise InvalidResponseError(ErrorKind.NO_NUMBERS)
            pieces.append(piece)
            if len(piece.times) < MOST_READINGS:
                return joined(*pieces)
            start = datetime.fromtimestamp(piece.times[-1], UTC)


def single(reading: Reading | None) -> Readings:
    """Return a device's first or last reading as readings; none without a date or from tomorrow."""
    if (
        reading is None
        or reading.date is None
        or reading.date > dt_util.utcnow() + _CLOCK_TOLERANCE
    ):
        return Readings(times=(), rows=())
    return Readings(times=(int(reading.date.timestamp()),), rows=(reading.values,))


def joined(*parts: Readings) -> Readings:
    """Return readings together, in the order of time, one for each instant."""
    filled = [part for part in parts if part.times]
    if len(filled) == 1:
        return filled[0]
    rows: dict[int, Mapping[str, JSON]] = {}
    for part in filled:
        for time, row in zip(part.times, part.rows, strict=True):
            rows[time] = {**rows[time], **row} if time in rows else row
    times = tuple(sorted(rows))
    return Readings(times=times, rows=tuple(rows[time] for time in times))


def tail_of(readings: Readings) -> Readings:
    """Return the newest of the readings."""
    return Readings(
        times=tuple(readings.times[-TAIL_READINGS:]), rows=tuple(readings.rows[-TAIL_READINGS:])
    )
