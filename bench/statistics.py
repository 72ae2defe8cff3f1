"""How fast hourly rows reach Home Assistant's database: in bulk, and through its own import.

A real Home Assistant core with a real recorder writes to a new SQLite file, or to the empty
database whose URL is given. Run it with `.venv/bin/python bench/statistics.py [URL]`. It fails when
writing in bulk is not at least 50 times as fast as the public call.
"""

import sys
from pathlib import Path

# Python looks for modules beside the program first, and this one bears a name of the standard
# library's; the integration is found from the project's folder.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from homeassistant import loader
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_add_external_statistics
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder, get_instance
from homeassistant.setup import async_setup_component
from homeassistant.util.dt import utc_from_timestamp

from custom_components.onemeter.onemeter_cloud.history import HOUR_SECONDS, HourRow
from custom_components.onemeter.statistics import Series, async_write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    type Write = Callable[[HomeAssistant, Series, list[HourRow]], Awaitable[None]]

BULK_ROWS: Final = 250_000
PUBLIC_ROWS: Final = 5_000
FIRST_HOUR: Final = 1_000_000_800
LEAST_RATIO: Final = 50


def hours(count: int, offset: float = 0.0) -> list[HourRow]:
    """Return so many hours of a meter, its sum raised by `offset`."""
    return [
        HourRow(FIRST_HOUR + number * HOUR_SECONDS, 4_000 + 0.37 * number, 0.37 * number + offset)
        for number in range(count)
    ]


def series(name: str) -> Series:
    """Return a statistic of energy."""
    return Series(statistic_id=f"onemeter:bench_{name}", name=name, unit="kWh", unit_class="energy")


@asynccontextmanager
async def home_assistant(folder: str, url: str | None) -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant that has nothing but a recorder, with the recorder's own defaults."""
    hass = HomeAssistant(folder)
    hass.config.skip_pip = True
    hass.config_entries = ConfigEntries(hass, {})
    loader.async_setup(hass)
    async_initialize_recorder(hass)
    hass.set_state(CoreState.running)
    config = {"recorder": {} if url is None else {"db_url": url}}
    if not await async_setup_component(hass, "recorder", config):
        raise SystemExit("The recorder did not start")
    await get_instance(hass).async_recorder_ready.wait()
    try:
        yield hass
    finally:
        await hass.async_stop(force=True)


async def write_publicly(hass: HomeAssistant, what: Series, rows: list[HourRow]) -> None:
    """Write rows as Home Assistant does, in one public call, and wait until they are there."""
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=what.name,
        source="onemeter",
        statistic_id=what.statistic_id,
        unit_class=what.unit_class,
        unit_of_measurement=what.unit,
    )
    statistics = [
        StatisticData(start=utc_from_timestamp(row.start), state=row.state, sum=row.sum)
        for row in rows
    ]
    async_add_external_statistics(hass, metadata, statistics)
    written = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(written))
    await written


async def write_in_bulk(hass: HomeAssistant, what: Series, rows: list[HourRow]) -> None:
    """Write rows as the integration does."""
    await async_write(hass, what, rows)


async def speed(
    text: str, write: Write, hass: HomeAssistant, what: Series, rows: list[HourRow]
) -> float:
    """Write, print and return the rows a second."""
    begin = time.perf_counter()
    await write(hass, what, rows)
    took = time.perf_counter() - begin
    result = len(rows) / took
    print(f"{text:<24}{len(rows):>9,} rows {took:>8.3f} s {result:>12,.0f} rows/s")
    return result


async def longest_window(hass: HomeAssistant) -> float:
    """Return how long (s) the recorder was held at most, while rows were new and then changed."""
    what = series("held")
    longest = 0.0
    for offset in (0.0, 1.0):
        last = time.perf_counter()

        def measure(_: int) -> None:
            nonlocal last, longest
            now = time.perf_counter()
            last, longest = now, max(longest, now - last)

        await async_write(hass, what, hours(50_000, offset), on_written=measure)
    return longest


async def main(url: str | None) -> bool:
    """Measure; return whether bulk is as much faster as it must be."""
    with tempfile.TemporaryDirectory() as folder:
        async with home_assistant(folder, url) as hass:
            dialect = get_instance(hass).dialect_name
            print(
                f"Home Assistant's recorder on {dialect}, {folder if url is None else 'server'}\n"
            )
            await write_publicly(hass, series("warm"), hours(10))
            await write_in_bulk(hass, series("warm"), hours(20))

            public, bulk = series("public"), series("bulk")
            few, many = PUBLIC_ROWS, BULK_ROWS
            public_new = await speed("public call, new", write_publicly, hass, public, hours(few))
            public_changed = await speed(
                "public call, changed", write_publicly, hass, public, hours(few, 1.0)
            )
            bulk_new = await speed("bulk, new", write_in_bulk, hass, bulk, hours(many))
            bulk_changed = await speed("bulk, changed", write_in_bulk, hass, bulk, hours(many, 1.0))
            bulk_same = await speed(
                "bulk, nothing to write", write_in_bulk, hass, bulk, hours(many, 1.0)
            )
            held = await longest_window(hass)
    print(f"\nbulk / public call: new {bulk_new / public_new:.0f}", end=", ")
    print(f"changed {bulk_changed / public_changed:.0f}", end=", ")
    print(f"unchanged {bulk_same / public_changed:.0f}")
    print(f"longest window: {held * 1000:.0f} ms")
    return bulk_new / public_new >= LEAST_RATIO


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None)))
