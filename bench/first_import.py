"""How long a first import takes, and what follows it: from the cloud's answer to the database.

A real local cloud on a socket, a real recorder on a new SQLite file, and the integration's own way
between them: read, made, written. Run it with `scripts/bench first_import`; each history has a
process of its own, so that its peak of memory is its own.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from custom_components.onemeter.history.ledger import Ledger
from custom_components.onemeter.history.meaning import Known, Plan, history_of, rows_of
from custom_components.onemeter.history.reader import HistoryReader
from custom_components.onemeter.onemeter_cloud import OneMeterCloud, Priority, Readings
from custom_components.onemeter.onemeter_cloud.history import DEFAULT_LIMIT_KW, HOUR_SECONDS
from custom_components.onemeter.onemeter_cloud.models import parse_device
from custom_components.onemeter.onemeter_cloud.series import ENERGY_KEYS
from onemeter_server.app import create_app
from onemeter_server.feeds.intake import Intake
from onemeter_server.models.records import DeviceRecord
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store
from tests.serving import serving

from .recorder import home_assistant, hours, seconds_of, statistic, write_plainly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeassistant.core import HomeAssistant

    from custom_components.onemeter.history.meaning import Rows

YEARS: Final = (1, 3)
QUARTER_SECONDS: Final = 900
DEVICE_ID: Final = "5ba4b0f0-6c1e-4f6a-9d53-0a0a7d1f0001"
KEY: Final = "an-invented-key"
PLAIN_ROWS: Final = 2_000
CODES: Final = ("1_8_0", "1_8_1", "1_8_2", "1_8_3", "2_8_0", "15_8_0")
PLAN: Final = Plan(
    main_register="15_8_0", multiplier=1.0, limit_kw=DEFAULT_LIMIT_KW, installed=None
)


def registers(number: int) -> dict[str, float]:
    """Return the registers of six series after so many quarter-hours."""
    return {code: round(0.07 * (index + 1) * number, 2) for index, code in enumerate(CODES, 1)}


async def measure(years: int) -> None:
    """Import a history of so many years and refresh it; print what it took."""
    last = int(time.time()) // QUARTER_SECONDS * QUARTER_SECONDS
    count = years * 365 * 96
    first = last - (count - 1) * QUARTER_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        async with Database.open("sqlite+aiosqlite://") as database:
            store = Store(database)
            account = await store.add_account("bench")
            await store.add_key(account, "bench", KEY)
            await store.add_device(account, DeviceRecord(id=DEVICE_ID, main_register="15_8_0"))
            await Intake(database).take(
                DEVICE_ID,
                ((first + n * QUARTER_SECONDS, registers(n + 1)) for n in range(count)),
            )
            async with serving(create_app(database)) as url, home_assistant(folder, None) as hass:
                plain = await seconds_of(write_plainly(hass, statistic("plain"), hours(PLAIN_ROWS)))
                await import_and_refresh(hass, url, PLAIN_ROWS / plain)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory, the cloud and Home Assistant included: {peak:.0f} MB")


def made(parts: Sequence[Readings], known: Rows) -> Rows:
    """Return what readings mean, after what is known; any of them may be new."""
    now = int(time.time())
    readings = history_of(parts, PLAN, now)
    return rows_of(readings, PLAN, known=Known(rows=known, since=0), expected=(), now=now)


async def refresh(ledger: Ledger, parts: Sequence[Readings]) -> int:
    """Write what differs of a part of the history; return how many rows did."""
    first = parts[0].times[0]
    known = await ledger.async_known(first - first % HOUR_SECONDS - HOUR_SECONDS)
    return await ledger.async_write(await asyncio.to_thread(made, parts, known), known)


async def import_and_refresh(hass: HomeAssistant, url: str, plain_per_second: float) -> None:
    """Do a first import, then what a poll and a day bring."""
    ledger = Ledger(
        hass=hass,
        device_id=DEVICE_ID,
        device_name="Bench",
        names={key: f"{{device}} {key}" for key in ENERGY_KEYS},
    )
    async with OneMeterCloud(KEY, base_url=url) as cloud:
        device = parse_device(await cloud.request(f"devices/{DEVICE_ID}"), DEVICE_ID)
        reader = HistoryReader(cloud=cloud, priority=Priority.USER, max_wait=0.0)
        start = time.perf_counter()
        part = await reader.whole(device)
        read = time.perf_counter()
        whole = await asyncio.to_thread(made, part.pieces, {})
        computed = time.perf_counter()
        rows = await ledger.async_make_equal(whole, int(time.time()))
        written = time.perf_counter()
        per_second = rows / (written - computed)
        print(
            f"first import: {part.count:,} readings, {rows:,} rows in {written - start:.2f} s"
            f" (read {read - start:.2f}, made {computed - read:.2f},"
            f" written {written - computed:.2f})\n"
            f"written {per_second:,.0f} rows/s, plain call {plain_per_second:,.0f} rows/s"
        )
        last = part.pieces[-1].times[-1]
        newest = part.pieces[-1].between(last - 48 * HOUR_SECONDS, last)
        poll = Readings(
            times=(last + QUARTER_SECONDS,),
            rows=({code: value + 0.5 for code, value in registers(part.count).items()},),
        )
        begin = time.perf_counter()
        changed = await refresh(ledger, (newest, poll))
        print(f"a poll: {changed} rows in {time.perf_counter() - begin:.3f} s")
        await refresh(ledger, (newest,))

        since = datetime.fromtimestamp(last, UTC) - timedelta(days=7)
        week = await reader.part(device, since, None)
        begin = time.perf_counter()
        changed = await refresh(ledger, week.pieces)
        print(
            f"a daily refresh of {week.count} readings where nothing changed:"
            f" {changed} rows in {time.perf_counter() - begin:.3f} s"
        )


def main() -> None:
    """Measure each history in a process of its own."""
    if len(sys.argv) > 1:
        asyncio.run(measure(int(sys.argv[1])))
        return
    for years in YEARS:
        print(f"--- {years} year(s) of six series", flush=True)
        subprocess.run([sys.executable, "-m", "bench.first_import", str(years)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
