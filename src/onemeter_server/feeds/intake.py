"""The one intake: whatever brings readings hands them over here."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import batched
from math import isfinite
from typing import TYPE_CHECKING, Final

import orjson

from onemeter_server.models.records import StoredReading
from onemeter_server.storage.days import Outcome, merge_readings
from onemeter_server.storage.devices import hold_device
from onemeter_server.storage.ready import forget, go_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from onemeter_server.models.records import JSON, Values
    from onemeter_server.storage.database import Database
    from onemeter_server.storage.tables import DeviceRow

_READINGS_AT_ONCE: Final = 10_000
# The year 9998's last second: the month after any instant has a date, in every time zone.
_LATEST: Final = 253_370_764_799
_LONGEST_CODE: Final = 64
# What is stored and what is answered puts a value into other lists, within orjson's depth of 254.
_ROOM_AROUND: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of readings, row by row, and why some were refused (row number to reason)."""

    outcomes: Sequence[Outcome]
    reasons: Mapping[int, str]


class Intake:
    """Checks readings and stores them once, whatever comes twice or in another order."""

    def __init__(self, database: Database) -> None:
        """Store in this database."""
        self._database = database

    async def take(self, device_id: str, readings: Iterable[tuple[int, Values]]) -> Receipt:
        """Take readings of a device: (epoch seconds, {OBIS code: value}), in any order.

        A reading at an instant that already has one corrects it register by register; what is said
        again changes nothing. When this returns, everything is on disk; if it raises, nothing is.
        Raises `UnknownDeviceError`, and SQLAlchemy's errors when the database fails.
        """

        async def work(session: AsyncSession) -> Receipt:
            return await take_within(session, await hold_device(session, device_id), readings)

        return await self._database.write(work)


async def take_within(
    session: AsyncSession, row: DeviceRow, readings: Iterable[tuple[int, Values]]
) -> Receipt:
    """Take readings in a transaction that holds their device."""
    outcomes: list[Outcome] = []
    reasons: dict[int, str] = {}
    for batch in batched(readings, _READINGS_AT_ONCE):
        begin = len(outcomes)
        outcomes += [Outcome.REFUSED] * len(batch)
        good: dict[int, StoredReading] = {}
        for place, (time, values) in enumerate(batch, begin):
            if (reason := _reason_to_refuse(time, values)) is None:
                good[place] = StoredReading(time=time, values=values)
            else:
                reasons[place] = reason
        became = await merge_readings(session, row.number, good.values())
        for place, outcome in zip(good, became, strict=True):
            outcomes[place] = outcome
        _keep_ready(row, list(good.values()), became)
    return Receipt(outcomes=outcomes, reasons=reasons)


def _keep_ready(
    row: DeviceRow, readings: Sequence[StoredReading], outcomes: Sequence[Outcome]
) -> None:
    """Let the device's row tell of new readings."""
    if Outcome.CORRECTED in outcomes:
        forget(row)
    elif Outcome.STORED in outcomes:
        told = zip(readings, outcomes, strict=True)
        go_on(row, [reading for reading, outcome in told if outcome is Outcome.STORED])


def _reason_to_refuse(time: int, values: Values) -> str | None:
    """Return why a reading cannot be stored, `None` if it can."""
    if not 0 <= time <= _LATEST:
        return "its date is out of range"
    for code, value in values.items():
        if not 0 < len(code) <= _LONGEST_CODE or not (code.isascii() or _is_exact(code)):
            return "a code is empty, too long or no text"
        if not _is_exact(value):
            return f"{code} has no value that JSON can say"
    return None


def _is_exact(value: JSON) -> bool:
    """Tell whether a value comes out of the database as it goes in."""
    if type(value) is float:  # first, as nearly all are
        return isfinite(value)
    around: JSON = value
    if not isinstance(value, str | int | None):
        for _ in range(_ROOM_AROUND):
            around = [around]
    try:
        return bool(orjson.loads(orjson.dumps(around)) == around)
    except TypeError:
        return False
