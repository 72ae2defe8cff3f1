"""An export as XLSX: written to a temporary file row by row, then streamed."""

from __future__ import annotations

import asyncio
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from .export_files import text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from onemeter_server.models.records import StoredReading

    from .export_files import Table

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# Excel counts days from the end of 1899.
_DAY_OF_EPOCH: Final = 25_569
_SECONDS_A_DAY: Final = 86_400
_DATE_FORMAT: Final = "yyyy-mm-dd hh:mm:ss"
_WIDTHS: Final = (20, 24)
_PART_BYTES: Final = 65_536


async def xlsx_answer(table: Table) -> AsyncIterator[bytes]:
    """Yield the parts of a workbook of one sheet, nothing at all if the table has no rows.

    Four lines stand above the rows: the device's name, what the rows are, what the columns are, and
    the date's title with the codes. Each row has a date and a number for each code. Memory does not
    grow with their number.
    """
    with TemporaryFile() as file:
        with TemporaryDirectory() as folder:
            sheet: _Sheet | None = None
            async for page in table.pages:
                if sheet is None:
                    sheet = await asyncio.to_thread(_Sheet, file, folder, table)
                await asyncio.to_thread(sheet.add, page)
            if sheet is None:
                return
            await asyncio.to_thread(sheet.close)
        file.seek(0)
        while part := await asyncio.to_thread(file.read, _PART_BYTES):
            yield part


class _Sheet:
    """A sheet that rows are added to."""

    def __init__(self, file: BinaryIO, folder: str, table: Table) -> None:
        """Begin a workbook in a file, with what it needs meanwhile in a folder."""
        self._book = Workbook(file, {"constant_memory": True, "tmpdir": folder})
        self._dates = self._book.add_format({"num_format": _DATE_FORMAT})
        self._sheet = self._book.add_worksheet()
        self._columns, self._offset = table.columns, table.offset
        self._sheet.set_column(0, 0, _WIDTHS[0])
        self._sheet.set_column(1, max(1, len(table.columns)), _WIDTHS[1])
        lines = (
            [table.name],
            [table.about],
            ["", *table.descriptions],
            [table.date, *table.columns],
        )
        for number, line in enumerate(lines):
            for column, text in enumerate(line):
                self._sheet.write_string(number, column, text_of(text))
        self._next = len(lines)

    def add(self, rows: Iterable[StoredReading]) -> None:
        """Add the next rows."""
        for row in rows:
            day = (row.time + self._offset) / _SECONDS_A_DAY + _DAY_OF_EPOCH
            self._sheet.write_number(self._next, 0, day, self._dates)
            for column, code in enumerate(self._columns, 1):
                value = row.values.get(code)
                if isinstance(value, int | float) and not isinstance(value, bool):
                    self._sheet.write_number(self._next, column, value)
                elif value is not None:
                    self._sheet.write_string(self._next, column, text_of(value))
            self._next += 1

    def close(self) -> None:
        """Write what is left."""
        self._book.close()
