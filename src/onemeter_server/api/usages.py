"""What a device has used in a time, quarter-hour by quarter-hour, out of its readings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from onemeter_cloud.obis import OBIS_METER_SERIAL
from onemeter_cloud.readings import Readings
from onemeter_server.energy.intervals import REACH_SECONDS
from onemeter_server.energy.quarters import quarter_bounds, quarter_usages
from onemeter_server.storage.days import Window, read_pages

from .errors import invalid_report_bounds, no_readings_found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from onemeter_server.energy.quarters import Registers, Usages
    from onemeter_server.storage.database import Database
    from onemeter_server.storage.devices import KnownDevice

_QUARTER_SECONDS: Final = 900

# No meter has been read before, or will be after: 1970 and 2106.
_EARLIEST: Final = 0
_LATEST: Final = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The quarter-hours that begin from `since` on and before `until` (epoch seconds)."""

    since: int
    until: int

    @classmethod
    def between(cls, since: int, until: int) -> Self:
        """Return the time between two instants; raise the API's 400 if it ends before it begins.

        Both are moved to the next full quarter-hour, so of one that is cut the end does not count.
        """
        if since > until:
            raise invalid_report_bounds()
        return cls(since=_full_quarter(since), until=_full_quarter(until))


async def read_usages(
    database: Database,
    device: KnownDevice,
    codes: Sequence[str],
    span: Span,
    *,
    only_sure: bool = False,
) -> Registers:
    """Return the usages of registers (kWh, kvarh) in a time, times the transformer ratio.

    Registers of which nothing is known are not there. For `only_sure` see `quarter_usages`. Raises
    the API's 404 when there is nothing at all, and no reading in that time either.
    """
    kept = {*codes, OBIS_METER_SERIAL}
    window = Window(since=span.since - REACH_SECONDS, until=span.until + REACH_SECONDS)
    times: list[int] = []
    rows: list[dict[str, Any]] = []
    async for page in read_pages(database, device.number, window):
        times += (reading.time for reading in page)
        rows += (
            {code: value for code, value in reading.values.items() if code in kept}
            for reading in page
        )
    readings = Readings(times=times, rows=rows)

    def of_registers() -> Registers:
        bounds = quarter_bounds(readings, span.since, span.until, device.record.zone)
        multiplier = device.record.multiplier
        registers = {
            code: quarter_usages(readings, code, bounds, multiplier=multiplier, only_sure=only_sure)
            for code in codes
        }
        return {code: usages for code, usages in registers.items() if _is_known(usages)}

    registers = await asyncio.to_thread(of_registers)
    if not registers and not readings.between(span.since, span.until).times:
        raise no_readings_found()
    return registers


def _is_known(usages: Usages) -> bool:
    """Tell whether anything is known of usages."""
    return any(energy is not None for _, energy in usages)


def _full_quarter(time: int) -> int:
    """Return the first full quarter-hour that is not before an instant, in the time of meters."""
    return -(-min(max(_EARLIEST, time), _LATEST) // _QUARTER_SECONDS) * _QUARTER_SECONDS
