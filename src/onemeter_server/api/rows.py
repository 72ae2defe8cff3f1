"""The answers that have rows of registers: which are shown, and what `meta` says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from onemeter_cloud.obis import REGISTERS
from onemeter_cloud.parsing import as_number
from onemeter_server.models.dates import format_epoch
from onemeter_server.models.records import StoredReading
from onemeter_server.models.register_meta import register_meta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from onemeter_server.models.records import JSON

    from .parameters import ReadingsQuery

# Registers have two decimals; this only cuts off what binary fractions add to a product.
_PRODUCT_DECIMALS: Final = 6


async def rows_answer(
    pages: AsyncIterator[list[StoredReading]], query: ReadingsQuery, multiplier: float
) -> AsyncIterator[bytes]:
    """Yield the JSON of the rows that a query asks for, nothing at all if there are none.

    They come page by page, so memory does not grow with their number; what `meta` says of them
    comes last. It counts all that match, also those that `limit` and `skip` leave out.
    """
    # Only the keys matter; a set would lose their order.
    keys: dict[str, JSON] = {}
    ends: list[int] = []
    count = 0
    separator = b'{"readings":['
    async for page in pages:
        rows = _shown(page, count, query, multiplier)
        count += len(page)
        if not rows:
            continue
        for row in rows:
            keys.update(row.values)
        ends += (rows[0].time, rows[-1].time)
        encoded = [{"date": format_epoch(row.time), **row.values} for row in rows]
        yield separator + orjson.dumps(encoded)[1:-1]
        separator = b","
    if ends:
        meta = {
            "keys": list(keys),
            "range": {"from": format_epoch(min(ends)), "to": format_epoch(max(ends))},
            "count": count,
            "OBIS": {code: register_meta(code, query.locale) for code in keys},
        }
        yield b'],"meta":%b}' % orjson.dumps(meta)


async def shown_rows(
    pages: AsyncIterator[list[StoredReading]], query: ReadingsQuery, multiplier: float
) -> AsyncIterator[list[StoredReading]]:
    """Yield the rows that a query asks for, page by page; what comes after them is not read."""
    count = 0
    async for page in pages:
        if rows := _shown(page, count, query, multiplier):
            yield rows
        count += len(page)
        if count >= query.skip + query.limit:
            return


def _shown(
    page: list[StoredReading], before: int, query: ReadingsQuery, multiplier: float
) -> list[StoredReading]:
    """Return the rows of a page that are shown; `before` is how many came before the page."""
    first = max(0, query.skip - before)
    rows = page[first : max(first, query.skip + query.limit - before)]
    if multiplier == 1 or not query.apply_multiplier:
        return rows
    return [
        StoredReading(
            time=row.time,
            values={code: _times(multiplier, code, row.values[code]) for code in row.values},
        )
        for row in rows
    ]


def _times(multiplier: float, code: str, value: JSON) -> JSON:
    """Return a register times the transformer ratio, if the ratio applies to this register."""
    register = REGISTERS.get(code)
    number = as_number(value)
    if register is None or not register.multiplied or number is None:
        return value
    return round(number * multiplier, _PRODUCT_DECIMALS)
