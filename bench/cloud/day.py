"""A town's day on one process: a million readings, and everybody's devices once a minute.

Readings come as pushes of one, each acknowledged; `devices/` is asked for over a socket by another
process, once for each minute's worth of readings. Nothing waits for the clock, so a minute's load
takes as long as the process needs for it.
"""

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Final

from onemeter_server.app import create_app
from onemeter_server.feeds.intake import Intake
from onemeter_server.serve import address_of, listen, serving
from onemeter_server.storage.database import Database

from .figures import Figure
from .plain import name_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .fleet import Fleet

_READINGS_A_METER_AND_DAY: Final = 100
_MINUTES_A_DAY: Final = 1_440
_AT_ONCE: Final = 4
"""So many pushes are on their way at a time."""


async def town(url: str, fleet: Fleet, *, minutes: int) -> AsyncIterator[Figure]:
    """Measure so many minutes' worth of load of an account."""
    count = len(fleet.ids)
    a_day = count * _READINGS_A_METER_AND_DAY
    pushes = round(a_day / _MINUTES_A_DAY * minutes)
    what = f"{name_of(url)}: {a_day:,} readings a day, {count:,} meters"
    listener = listen("127.0.0.1", 0)
    address = address_of(listener)
    async with Database.open(url) as database, serving(create_app(database), listener):
        intake = Intake(database)
        longest = 0.0

        async def push(places: Sequence[int]) -> None:
            nonlocal longest
            for place in places:
                device_id, reading = fleet.push(place)
                began = time.perf_counter()
                await intake.take(device_id, [reading])
                longest = max(longest, time.perf_counter() - began)

        async def poll() -> float:
            return sum([await _ask(address, fleet.key) for _ in range(minutes)]) / minutes

        cpu, wall = time.process_time(), time.perf_counter()
        polling = asyncio.create_task(poll())
        await asyncio.gather(*(push(range(pushes)[begin::_AT_ONCE]) for begin in range(_AT_ONCE)))
        polled = await polling
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    needed = minutes * 60
    for kind, took in (("CPU", cpu), ("wall", wall)):
        yield Figure(
            what=f"{what}, {kind}",
            measured=needed / took,
            unit="times",
            goal=1,
            at_least=True,
            beside=f"as fast as needed: {minutes} minutes' load in {took:.1f} s",
        )
    yield Figure(
        what=f"{what}, longest push",
        measured=longest * 1000,
        unit="ms",
        beside="devices/ meanwhile, wall",
        known=polled * 1000,
    )


async def _ask(address: str, key: str) -> float:
    """Ask for all devices in another process; return how many seconds it took."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.cloud.client", address, key, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await client.communicate()
    return float(printed)
