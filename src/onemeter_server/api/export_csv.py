"""An export as CSV: UTF-8 with a byte order mark, without which spreadsheets misread Polish."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from .export_files import text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from onemeter_server.models.records import JSON

    from .export_files import Table

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_BYTE_ORDER_MARK: Final = "\ufeff"


async def csv_answer(
    table: Table, *, separator: str, decimal: str, title: str | None
) -> AsyncIterator[bytes]:
    """Yield the lines of a table, nothing at all if it has no rows.

    The first line has the names of the columns: the date, then each code with what it is. A `title`
    stands in a line before it. Dates are written as `2024-05-23 07:00:00`, numbers with a `decimal`
    mark and as many digits as they have.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=separator)
    lines.write(_BYTE_ORDER_MARK)
    if title is not None:
        writer.writerow([text_of(title)])
    titles = zip(table.columns, table.descriptions, strict=True)
    writer.writerow([table.date, *(text_of(f"{code} {words}") for code, words in titles)])
    async for page in table.pages:
        for row in page:
            date = datetime.fromtimestamp(row.time + table.offset, UTC)
            values = (row.values.get(code) for code in table.columns)
            writer.writerow([f"{date:%Y-%m-%d %H:%M:%S}", *(_cell(one, decimal) for one in values)])
        yield lines.getvalue().encode()
        lines.seek(0)
        lines.truncate()


def _cell(value: JSON, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text_of(value)
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.replace(".", decimal)
