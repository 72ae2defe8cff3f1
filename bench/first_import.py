"""How long a first import takes, and what follows it: from the cloud's answer to the database.

A real local cloud on a socket, a real recorder on a new SQLite file, and the integration's own way
between them. Run it with `scripts/bench first_import`; each history has a process of its own, so
that its peak of memory is its own.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from custom_components.onemeter.energy import Plan, compute
from custom_components.onemeter.onemeter_cloud import OneMeterCloud, Priority, Readings
from custom_components.onemeter.onemeter_cloud.models import parse_device
from custom_components.onemeter.prices import PriceLists
from custom_components.onemeter.reader import HistoryReader, tail_of
from custom_components.onemeter.series import energy_series
from custom_components.onemeter.statistics import Series, async_write
from onemeter_server.app import create_app
from onemeter_server.database import Database
from onemeter_server.records import DeviceRecord
from onemeter_server.serve import serving
from onemeter_server.store import Store

from .statistics import PUBLIC_ROWS, home_assistant, hours, series, speed, write_publicly

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from custom_components.onemeter.energy import Result

YEARS: Final = (1, 5)
QUARTER_SECONDS: Final = 900
DEVICE_ID: Final = "5ba4b0f0-6c1e-4f6a-9d53-0a0a7d1f0001"
KEY: Final = "an-invented-key"
CODES: Final = ("1_8_0", "1_8_1", "1_8_2", "1_8_3", "2_8_0", "15_8_0")


def registers(number: int) -> dict[str, float]:
    """Return the registers of six series after so many quarter-hours."""
    return {code: round(0.07 * (index + 1) * number, 2) for index, code in enumerate(CODES, 1)}


async def write(hass: HomeAssistant, result: Result) -> int:
    """Write the rows of all series; return how many differed."""
    return sum(
        [
            await async_write(
                hass,
                Series(statistic_id=f"onemeter:{key}", name=key, unit="kWh", unit_class="energy"),
                rows,
            )
            for key, rows in result.rows.items()
        ]
    )


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
            await store.add_readings(
                DEVICE_ID,
                ((first + n * QUARTER_SECONDS, registers(n + 1)) for n in range(count)),
            )
            async with serving(create_app(database)) as url, home_assistant(folder, None) as hass:
                public = await speed(
                    "public call", write_publicly, hass, series("public"), hours(PUBLIC_ROWS)
                )
                await import_and_refresh(hass, url, public)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory, the cloud and Home Assistant included: {peak:.0f} MB")


async def import_and_refresh(hass: HomeAssistant, url: str, public: float) -> None:
    """Do a first import, an hourly and a daily refresh."""
    async with OneMeterCloud(KEY, base_url=url) as cloud:
        device = parse_device(await cloud.request(f"devices/{DEVICE_ID}"), DEVICE_ID)
        plan = Plan(
            series=energy_series(device), multiplier=1.0, limit_kw=200.0, prices=PriceLists()
        )
        reader = HistoryReader(
            cloud=cloud, priority=Priority.USER, max_wait=0.0, always_with_neighbours=False
        )
        start = time.perf_counter()
        part = await reader.everything(device, plan.codes)
        read = time.perf_counter()
        whole = await asyncio.to_thread(compute, part.readings, plan)
        computed = time.perf_counter()
        rows = await write(hass, whole)
        written = time.perf_counter()
        print(
            f"first import: {part.count:,} readings, {rows:,} rows in {written - start:.2f} s"
            f" (read {read - start:.2f}, computed {computed - read:.2f},"
            f" written {written - computed:.2f})"
        )
        per_second = rows / (written - computed)
        print(f"written {per_second:,.0f} rows/s, {per_second / public:.0f} times the public call")

        tail = tail_of(part.readings)
        later = Readings(
            times=(*tail.times, tail.times[-1] + QUARTER_SECONDS),
            rows=(
                *tail.rows,
                {
                    code: float(value) + 0.5
                    for code, value in tail.rows[-1].items()
                    if code in CODES
                },
            ),
        )
        start = time.perf_counter()
        changed = await write(hass, compute(later, plan, whole.constants))
        print(f"a poll: {changed} rows in {time.perf_counter() - start:.3f} s")
        await write(hass, compute(tail, plan, whole.constants))

        since = datetime.fromtimestamp(part.readings.times[-1], UTC) - timedelta(days=7)
        week = await reader.part(device, plan.codes, since, None)
        start = time.perf_counter()
        changed = await write(hass, compute(week.readings, plan, whole.constants))
        print(
            f"a daily refresh of {week.count} readings where nothing changed:"
            f" {changed} rows in {time.perf_counter() - start:.3f} s"
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
