"""How many bytes a reading takes in SQLite, and whether all comes back as it went in."""

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from onemeter_server.feeds.intake import Intake
from onemeter_server.storage.database import Database
from onemeter_server.storage.days import Window, read_pages
from onemeter_server.storage.devices import find_devices
from onemeter_server.storage.store import Store

from .figures import Figure
from .fleet import QUARTER_SECONDS, Reading, readings_of, record_of_meter, with_odd_values
from .plain import insert_plainly, plain_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_GOAL_BYTES: Final = 64
_AT_ONCE: Final = 10_000


async def sizes(days: int) -> AsyncIterator[Figure]:
    """Measure a history of so many days."""
    last = int(time.time()) // QUARTER_SECONDS * QUARTER_SECONDS
    for decimals in (2, 3):
        readings = with_odd_values(readings_of(days * 96, last, decimals=decimals))
        yield Figure(
            what=f"SQLite: a reading of twelve registers, {decimals} decimals",
            measured=await _packed_size(readings) / len(readings),
            unit="B",
            goal=_GOAL_BYTES,
            beside="row of a plain table",
            known=await _plain_size(readings) / len(readings),
        )
    yield Figure(
        what="SQLite: the same, in a file that grew push by push",
        measured=await _packed_size(readings[-96 * min(days, 30) :], at_once=1)
        / (96 * min(days, 30)),
        unit="B",
        goal=_GOAL_BYTES,
    )


async def _packed_size(readings: Sequence[Reading], at_once: int = _AT_ONCE) -> int:
    """Return how many bytes more a database has with readings; all have to come back."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cloud.sqlite"
        url = f"sqlite+aiosqlite:///{file}"
        async with Database.open(url) as database:
            account = await Store(database).add_account("bench")
            await Store(database).add_device(account, record_of_meter(1))
        empty = file.stat().st_size
        async with Database.open(url) as database:
            (device,) = await find_devices(database, account)
            intake = Intake(database)
            for first in range(0, len(readings), at_once):
                await intake.take(device.record.id, readings[first : first + at_once])
            back = [
                (reading.time, reading.values)
                async for page in read_pages(database, device.number, Window())
                for reading in page
            ]
        # Equal numbers of other types are not the same: 1 is not 1.0, nor is it True.
        if repr(back) != repr(list(readings)):
            raise SystemExit("What was read is not what was written")
        return file.stat().st_size - empty


async def _plain_size(readings: Sequence[Reading]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plain.sqlite"
        async with plain_table(f"sqlite+aiosqlite:///{file}") as engine:
            await insert_plainly(engine, 1, readings)
        return file.stat().st_size
