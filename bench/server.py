"""What the server needs for what is asked of it: each figure beside its goal.

Run it with `scripts/bench server`: a year of a device, accounts of 1,000 and 10,000 devices, ten
years of readings, pushes and bulk, and a million readings a day; in SQLite, and in a PostgreSQL
that it starts where Debian's programs are installed. Answers come from the command
`onemeter-server` in a process of its own, over a socket. `--quick` is the same with few devices and
readings: goals for a number of devices shrink with it. It fails when a goal is missed.

CPU time is that of the server's process: without the database's own where that is PostgreSQL.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onemeter_server.storage.database import Database
from tests.postgres import postgres_programs, postgres_server

from .cloud.answers import add_history, answers, turn_of_month
from .cloud.day import town
from .cloud.figures import print_figures, print_head
from .cloud.fleet import add_fleet
from .cloud.ingest import ingest
from .cloud.size import sizes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .cloud.figures import Figure

DAY_SECONDS: Final = 86_400
READINGS_EACH: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    days: int
    fleets: tuple[int, ...]
    history: int
    singles: int
    bulk: int
    minutes: int


FULL: Final = Sizes(
    days=365,
    fleets=(1_000, 10_000),
    history=350_000,
    singles=500,
    bulk=35_040,
    minutes=5,
)
QUICK: Final = Sizes(days=3, fleets=(20, 100), history=20_000, singles=10, bulk=500, minutes=2)


@contextmanager
def databases(*, postgres: bool) -> Iterator[list[str]]:
    """Yield the URLs of new databases: of SQLite, and of PostgreSQL where it is installed."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        urls = [f"sqlite:///{folder}/cloud.sqlite"]
        programs = postgres_programs() if postgres else None
        if programs is not None:
            # What is acknowledged has to be on disk.
            server = stack.enter_context(postgres_server(programs, durable=True))
            urls.append(stack.enter_context(server.database("bench")))
        elif postgres:
            print("PostgreSQL is not installed, so only SQLite is measured.")
        yield urls


def latest_noon(now: int) -> int:
    """Return the latest noon of UTC: a push after it meets a day that is half full, as they do."""
    return now - (now - DAY_SECONDS // 2) % DAY_SECONDS


async def figures(url: str, size: Sizes) -> AsyncIterator[Figure]:
    """Measure the server on the empty database of a URL."""
    last = latest_noon(int(time.time()))
    fleets = []
    first = 1
    async with Database.open(url) as database:
        for count in size.fleets:
            numbers = range(first, first := first + count)
            fleets.append(
                await add_fleet(
                    database, f"of-{count}", numbers, readings_each=READINGS_EACH, last=last
                )
            )
        history = await add_history(database, size.history, last, first)
    async for figure in answers(url, fleets, history):
        yield figure
    async for figure in ingest(
        url, singles=size.singles, bulk=size.bulk, readings_each=READINGS_EACH, last=last
    ):
        yield figure
    async for figure in town(url, fleets[-1], minutes=size.minutes):
        yield figure
    async for figure in turn_of_month(url, fleets[0]):
        yield figure


async def measure(size: Sizes, *, postgres: bool) -> bool:
    """Print all figures; return whether all goals are met."""
    print_head()
    met = print_figures([figure async for figure in sizes(size.days)])
    with databases(postgres=postgres) as urls:
        for url in urls:
            async for figure in figures(url, size):
                met &= print_figures([figure])
    return met


def main(arguments: list[str]) -> int:
    """Measure; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench server", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few devices and readings")
    parser.add_argument("--sqlite", action="store_true", help="leave out PostgreSQL")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} CPUs, on which {load:.1f} processes run already")
    met = asyncio.run(measure(QUICK if options.quick else FULL, postgres=not options.sqlite))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
