"""Reads the history of a device from the cloud: all of it, or a part with what lies before it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from homeassistant.util import dt as dt_util

from ..onemeter_cloud import OBIS_METER_SERIAL, ErrorKind, InvalidResponseError, Readings
from ..onemeter_cloud.readings import readings_of
from ..onemeter_cloud.series import energy_codes
from .meaning import EARLIEST, installed_at

if TYPE_CHECKING:
    from ..onemeter_cloud import Device, OneMeterCloud, Priority

MOST_READINGS: Final = 357_120
"""What the API gives at once: ten years of quarter-hours."""

CONTEXT: Final = timedelta(days=2)
"""What is read before a part: it tells which readings are wrong, and which register counts."""

_CONTEXT_READINGS: Final = 16
_BEYOND: Final = timedelta(days=1)
_CLOCK_TOLERANCE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Readings of a history, in pieces; of one instant the later piece tells more surely.

    `count` is the number of readings that were asked for, `to_the_end` tells whether the newest one
    is among them; if not, the hour of the last reading is not complete.
    """

    pieces: tuple[Readings, ...]
    count: int
    to_the_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReader:
    """Reads with a given priority, and waits no longer than `max_wait` seconds for each request."""

    cloud: OneMeterCloud
    priority: Priority
    max_wait: float

    async def whole(self, device: Device) -> Part:
        """Return all readings of a device since its installation."""
        initial = device.initial_reading
        installed = installed_at(device, int(dt_util.utcnow().timestamp()))
        start = datetime.fromtimestamp(EARLIEST if installed is None else installed, UTC)
        pieces = await self._between(device, start, None)
        first = () if initial is None else (readings_of(initial, codes_of(device)),)
        return Part(
            pieces=(*first, *pieces),
            count=sum(len(piece.times) for piece in pieces),
            to_the_end=True,
        )

    async def part(self, device: Device, start: datetime, end: datetime | None) -> Part:
        """Return the readings from `start` to `end` (`None`: now), and what lies before them.

        Where the part starts in a hole, the hours of the hole depend on the last readings before
        it; where it ends in one, on the first reading after it.
        """
        last = (end or dt_util.utcnow()).timestamp()
        until = end + _BEYOND if end is not None and end < dt_util.utcnow() - _BEYOND else None
        pieces = await self._between(device, start - CONTEXT, until)
        if until is not None and not any(
            piece.times and piece.times[-1] >= last for piece in pieces
        ):
            until = None
            pieces = await self._between(device, start - CONTEXT, None)
        if not any(piece.times and piece.times[0] <= start.timestamp() for piece in pieces):
            pieces.insert(0, await self._before(device, start))
        return Part(
            pieces=tuple(pieces),
            count=sum(
                len(piece.between(int(start.timestamp()), int(last)).times) for piece in pieces
            ),
            to_the_end=until is None,
        )

    async def _before(self, device: Device, instant: datetime) -> Readings:
        """Return the last readings before an instant."""
        return await self.cloud.readings_before(
            device.id,
            instant,
            _CONTEXT_READINGS,
            codes_of(device),
            priority=self.priority,
            max_wait=self.max_wait,
        )

    async def _between(
        self, device: Device, start: datetime, end: datetime | None
    ) -> list[Readings]:
        """Return stored readings, in as many requests as the API's limit makes necessary."""
        last = end or dt_util.utcnow() + _CLOCK_TOLERANCE
        codes = codes_of(device)
        pieces: list[Readings] = []
        while True:
            piece = await self.cloud.readings(
                device.id, start, last, codes, priority=self.priority, max_wait=self.max_wait
            )
            if piece.times and not piece.has_number_of(energy_codes(device.named_register)):
                raise InvalidResponseError(ErrorKind.NO_NUMBERS)
            pieces.append(piece)
            if len(piece.times) < MOST_READINGS:
                return pieces
            start = datetime.fromtimestamp(piece.times[-1], UTC)


def codes_of(device: Device) -> tuple[str, ...]:
    """Return what is asked for: all registers that have ever fed a series, whatever it shows now.

    The meter's serial number only where the device has one.
    """
    has_serial = OBIS_METER_SERIAL in (*device.last_reading.values, *device.registers)
    serial = (OBIS_METER_SERIAL,) if has_serial else ()
    return (*energy_codes(device.named_register), *serial)
