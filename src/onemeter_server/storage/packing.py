"""How the readings of a day are packed into few bytes, exact to the last digit.

A block holds the readings of one device and one UTC day by columns: JSON, compressed by zlib. So a
value comes out as it went in, whatever it is: numbers with all digits, texts, lists, `null`.
"""

from __future__ import annotations

import zlib
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final

import orjson

from onemeter_server.models.records import StoredReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onemeter_server.models.records import JSON

_LEVEL: Final = 6


def pack(readings: Sequence[StoredReading]) -> bytes:
    """Return a block of readings, which are in the order of time.

    Raises `TypeError` for a value that JSON does not have, a number beyond 64 bits among them.
    """
    steps = [after.time - before.time for before, after in pairwise(readings)]
    values: dict[str, list[JSON]] = {}
    places: dict[str, list[int]] = {}
    for place, reading in enumerate(readings):
        for code, value in reading.values.items():
            values.setdefault(code, []).append(value)
            places.setdefault(code, []).append(place)
    # A register that every reading has needs no places.
    columns = [
        [code, of_code] if len(of_code) == len(readings) else [code, of_code, places[code]]
        for code, of_code in values.items()
    ]
    return zlib.compress(orjson.dumps([readings[0].time, steps, columns]), _LEVEL)


def unpack(block: bytes) -> list[StoredReading]:
    """Return the readings of a block."""
    first, steps, columns = orjson.loads(zlib.decompress(block))
    rows: list[dict[str, Any]] = [{} for _ in range(len(steps) + 1)]
    for code, values, *places in columns:
        for place, value in zip(places[0] if places else range(len(rows)), values, strict=True):
            rows[place][code] = value
    times = accumulate(steps, initial=first)
    return [StoredReading(time=time, values=row) for time, row in zip(times, rows, strict=True)]
