"""Keeping readings back, as if the reader were out of every gateway's range.

What is kept back lies in a table of its own, so whoever reads the readings knows nothing of it.
All functions work in a transaction of the caller's that holds the device (`Store`'s do).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, select

from .spans import Span, cut_out
from .tables import ReadingRow, WithheldReadingRow, WithheldSpanRow

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession

type ReadingTable = type[ReadingRow | WithheldReadingRow]


async def withheld_spans(session: AsyncSession, number: int) -> list[Span]:
    """Return the spans of a device that are withheld, in the order of time; they are disjoint."""
    rows = await session.execute(
        select(WithheldSpanRow.start, WithheldSpanRow.end)
        .where(WithheldSpanRow.device_number == number)
        .order_by(WithheldSpanRow.start.is_not(None), WithheldSpanRow.start)
    )
    return [Span(start=start, end=end) for start, end in rows]


async def withhold_span(session: AsyncSession, number: int, span: Span) -> None:
    """Keep back what lies in a span, now and from now on."""
    others = cut_out(await withheld_spans(session, number), span)
    await _replace_spans(session, number, [*others, span])
    await _move(session, number, span, ReadingRow, WithheldReadingRow)


async def release_span(session: AsyncSession, number: int, span: Span) -> None:
    """Give back what lies in a span, and keep nothing of it back from now on."""
    others = cut_out(await withheld_spans(session, number), span)
    await _replace_spans(session, number, others)
    await _move(session, number, span, WithheldReadingRow, ReadingRow)


async def _replace_spans(session: AsyncSession, number: int, spans: list[Span]) -> None:
    await session.execute(delete(WithheldSpanRow).where(WithheldSpanRow.device_number == number))
    session.add_all(
        WithheldSpanRow(device_number=number, start=span.start, end=span.end) for span in spans
    )


async def _move(
    session: AsyncSession, number: int, span: Span, source: ReadingTable, target: ReadingTable
) -> None:
    within = _within(source, number, span)
    columns = ("device_number", "time", "registers")
    found = select(source.device_number, source.time, source.registers).where(within)
    await session.execute(insert(target).from_select(columns, found))
    await session.execute(delete(source).where(within))


def _within(table: ReadingTable, number: int, span: Span) -> ColumnElement[bool]:
    conditions = [table.device_number == number]
    if span.start is not None:
        conditions.append(table.time >= span.start)
    if span.end is not None:
        conditions.append(table.time <= span.end)
    return and_(*conditions)
