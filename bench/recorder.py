"""How fast hourly rows are read from Home Assistant's database and written to it, piece by piece.

A real Home Assistant core with a real recorder writes to a new SQLite file, or to the empty
database whose URL is given. Beside each figure stands that of one plain public call with the same
rows in the same run, which keeps the recorder from everything else until it is done. Run it with
`scripts/bench recorder [URL]`: it measures the Home Assistant of `.venv`, and the newest one
(`scripts/setup newest`) in an environment of its own. It fails when something else had to wait for
the recorder for more than half a second longer than for a single row.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from homeassistant import loader
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.config_entries import ConfigEntries
from homeassistant.const import __version__
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder, get_instance
from homeassistant.setup import async_setup_component
from homeassistant.util.dt import utc_from_timestamp

from custom_components.onemeter.history.recorder import (
    Statistic,
    async_add,
    async_make_equal,
    async_windows,
)
from custom_components.onemeter.onemeter_cloud.history import HOUR_SECONDS, HourRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

ROWS: Final = 10_000
FIRST_HOUR: Final = 1_000_000_800
NOW: Final = FIRST_HOUR + ROWS * HOUR_SECONDS
LONGEST_WAIT_SECONDS: Final = 0.5
PROBE_EVERY_SECONDS: Final = 0.005
SINGLES: Final = 100
"""So many plain calls with one row show what this machine does to the shortest piece of work."""

HERE: Final = "--here"
PROJECT: Final = Path(__file__).resolve().parent.parent
ENVIRONMENTS: Final = ("", "newest")


def hours(count: int, offset: float = 0.0) -> list[HourRow]:
    """Return so many hours of a meter, its sum raised by `offset`."""
    return [
        HourRow(FIRST_HOUR + number * HOUR_SECONDS, 4_000 + 0.37 * number, 0.37 * number + offset)
        for number in range(count)
    ]


def statistic(name: str) -> Statistic:
    """Return a statistic of energy."""
    return Statistic(
        statistic_id=f"onemeter:bench_{name}", name=name, unit="kWh", unit_class="energy"
    )


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


async def idle(hass: HomeAssistant) -> None:
    """Wait until the recorder has done all it was asked to do."""
    done = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(done))
    await done


async def write_plainly(hass: HomeAssistant, what: Statistic, rows: Sequence[HourRow]) -> None:
    """Write rows in one public call, and wait until they are there."""
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
    await idle(hass)


async def read_plainly(hass: HomeAssistant, what: Statistic) -> None:
    """Read all rows of a statistic in one public call."""
    await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        utc_from_timestamp(FIRST_HOUR),
        None,
        {what.statistic_id},
        "hour",
        None,
        {"state", "sum"},
    )


async def read(hass: HomeAssistant, what: Statistic) -> None:
    """Read all rows of a statistic as the integration does."""
    count = 0
    async for _, _, rows in async_windows(hass, [what.statistic_id], FIRST_HOUR, NOW):
        count += len(rows[what.statistic_id])
    if count != ROWS:
        raise SystemExit(f"{count} rows were read")


async def seconds_of(work: Awaitable[object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def longest_wait(hass: HomeAssistant, work: Awaitable[object]) -> float:
    """Return how long (s) another task had to wait for the recorder at most, meanwhile."""
    working = asyncio.ensure_future(work)
    longest = 0.0
    while not working.done():
        await asyncio.sleep(PROBE_EVERY_SECONDS)
        longest = max(longest, await seconds_of(idle(hass)))
    await working
    return longest


def line(text: str, ours: float, plain: float) -> None:
    """Print how long something took beside the plain call."""
    speed = f"{ROWS / ours:>11,.0f} rows/s"
    print(f"{text:<18}{ours * 1000:>8,.0f} ms {speed}   plain call {plain * 1000:>8,.0f} ms")


async def measure(url: str | None) -> bool:
    """Measure the Home Assistant of this environment; return whether all is as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        async with home_assistant(folder, url) as hass:
            print(f"--- Home Assistant {__version__}, {get_instance(hass).dialect_name}")
            await write_plainly(hass, statistic("warm"), hours(10))
            ours, plain, held = statistic("ours"), statistic("plain"), statistic("held")
            new, changed = hours(ROWS), hours(ROWS, 1.0)
            for text, rows in (("new rows", new), ("changed rows", changed)):
                line(
                    text,
                    await seconds_of(async_add(hass, ours, rows)),
                    await seconds_of(write_plainly(hass, plain, rows)),
                )
            reading = await seconds_of(read_plainly(hass, plain))
            line("read all", await seconds_of(read(hass, ours)), reading)
            line(
                "nothing to write",
                await seconds_of(async_make_equal(hass, ours, changed, now=NOW)),
                await seconds_of(write_plainly(hass, plain, changed)),
            )
            waits = [
                await longest_wait(hass, async_add(hass, held, rows)) for rows in (new, changed)
            ]
            plainly = await longest_wait(hass, write_plainly(hass, held, new))
            single = max(
                [await seconds_of(write_plainly(hass, held, new[:1])) for _ in range(SINGLES)]
            )
    print(
        f"others waited for the recorder for up to {waits[0] * 1000:.0f} ms (new rows) and"
        f" {waits[1] * 1000:.0f} ms (changed); plain call {plainly * 1000:.0f} ms,"
        f" of a single row {single * 1000:.0f} ms"
    )
    return max(waits) <= LONGEST_WAIT_SECONDS + single


def main(arguments: list[str]) -> int:
    """Measure each environment in a process of its own; return 1 if one is not as it should be."""
    if HERE in arguments:
        arguments.remove(HERE)
        return not asyncio.run(measure(arguments[0] if arguments else None))
    failed = 0
    for name in ENVIRONMENTS:
        python = sys.executable
        if name:
            subprocess.run([PROJECT / "scripts/setup", name], check=True)  # noqa: S603
            python = f"{PROJECT}/.venv-{name}/bin/python"
        command = [python, "-m", "bench.recorder", HERE, *arguments]
        failed |= subprocess.run(command, check=False).returncode  # noqa: S603
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
