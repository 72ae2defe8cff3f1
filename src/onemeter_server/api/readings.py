"""The readings of a device as its query asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onemeter_server.models.records import StoredReading
from onemeter_server.storage.days import read_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable

    from onemeter_server.storage.database import Database
    from onemeter_server.storage.devices import KnownDevice

    from .parameters import ReadingsQuery


async def read_readings(
    database: Database, device: KnownDevice, query: ReadingsQuery
) -> AsyncIterator[list[StoredReading]]:
    """Yield the readings of a device that a query asks for, page by page.

    Raises the API's 400 for bounds that are no dates.
    """
    codes = frozenset(query.wanted_codes)
    async for page in read_pages(database, device.number, query.window(device.record.zone)):
        yield _with(codes, page) if codes else page


def _with(codes: Collection[str], page: Iterable[StoredReading]) -> list[StoredReading]:
    """Return readings with these registers alone, none that has none of them."""
    return [
        StoredReading(time=reading.time, values=values)
        for reading in page
        if (values := {code: value for code, value in reading.values.items() if code in codes})
    ]
