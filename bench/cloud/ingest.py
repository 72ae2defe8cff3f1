"""What taking readings in costs, beside a bare insert of the same rows: singly and in bulk."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onemeter_server.feeds.intake import Intake
from onemeter_server.storage.database import Database

from .figures import Figure
from .fleet import Reading, add_fleet, readings_of
from .plain import insert_plainly, name_of, plain_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

type Take = Callable[[int, Sequence[Reading]], Awaitable[None]]

_FIRST_NUMBER: Final = 1_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """Milliseconds of CPU time of this process, and by the clock."""

    cpu: float
    wall: float


async def ingest(
    url: str, *, singles: int, bulk: int, readings_each: int, last: int
) -> AsyncIterator[Figure]:
    """Measure pushes of one reading, each acknowledged, and one push of many.

    Those of one go to devices with so many readings up to an instant.
    """
    dialect = name_of(url)
    numbers = range(_FIRST_NUMBER, _FIRST_NUMBER + singles)
    async with Database.open(url) as database, plain_table(url) as engine:
        fleet = await add_fleet(database, "pushed", numbers, readings_each=readings_each, last=last)
        heap = await add_fleet(
            database,
            "bulk",
            range(_FIRST_NUMBER + singles, _FIRST_NUMBER + singles + 1),
            readings_each=0,
            last=last,
        )
        intake = Intake(database)
        ids = [*fleet.ids, *heap.ids]

        async def ours(device: int, readings: Sequence[Reading]) -> None:
            await intake.take(ids[device], readings)

        async def plain(device: int, readings: Sequence[Reading]) -> None:
            await insert_plainly(engine, device, readings)

        pushes = [(device, [fleet.push(device)[1]]) for device in range(singles)]
        many = [(singles, readings_of(bulk, last))]
        for what, work in (("single push, acknowledged", pushes), (f"bulk of {bulk:,}", many)):
            known, measured = await _cost(plain, work), await _cost(ours, work)
            for kind, a, b in (
                ("CPU", measured.cpu, known.cpu),
                ("wall", measured.wall, known.wall),
            ):
                yield Figure(
                    what=f"{dialect}: {what}, {kind} per reading",
                    measured=a,
                    unit="ms",
                    beside="bare insert",
                    known=b,
                )


async def _cost(take: Take, work: Sequence[tuple[int, Sequence[Reading]]]) -> _Cost:
    """Return what one reading costs."""
    cpu, wall = time.process_time(), time.perf_counter()
    for device, readings in work:
        await take(device, readings)
    count = sum(len(readings) for _, readings in work)
    return _Cost(
        cpu=(time.process_time() - cpu) / count * 1000,
        wall=(time.perf_counter() - wall) / count * 1000,
    )
