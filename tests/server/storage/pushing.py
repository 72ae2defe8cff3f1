"""A program that pushes readings until it is ended, and says of each push that it is taken.

Arguments: the database's URL, the device's id, and the number of the first push.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from typing import Final

from onemeter_server.feeds.intake import Intake
from onemeter_server.storage.database import Database

READINGS_A_PUSH: Final = 96
QUARTER_SECONDS: Final = 900


def readings_of(push: int) -> list[tuple[int, dict[str, float]]]:
    """Return the readings of a push: those of half a day, in each of which two pushes meet."""
    first = push * READINGS_A_PUSH // 2
    return [
        (place * QUARTER_SECONDS, {"1_8_0": place / 4, "2_8_0": place / 8})
        for place in range(first, first + READINGS_A_PUSH)
    ]


async def push_for_ever(url: str, device_id: str, first: int) -> None:
    """Push; a line with its number tells that a push is acknowledged."""
    async with Database.open(url) as database:
        intake = Intake(database)
        for push in count(first):
            await intake.take(device_id, readings_of(push))
            print(push, flush=True)  # noqa: T201 -- what the test reads


if __name__ == "__main__":
    asyncio.run(push_for_ever(sys.argv[1], sys.argv[2], int(sys.argv[3])))
