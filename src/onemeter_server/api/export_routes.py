"""The endpoints of exports."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from onemeter_server.clock import epoch_seconds
from onemeter_server.energy.aggregates import Kind  # noqa: TC001 - FastAPI reads annotations
from onemeter_server.energy.intervals import (
    Aggregation,
)
from onemeter_server.storage.ready import read_device

from .auth import CallerOf, ServicesOf  # noqa: TC001 - FastAPI reads annotations
from .device import DeviceOf  # noqa: TC001 - FastAPI reads annotations
from .errors import invalid_aggregation, invalid_query_params, no_results
from .export_csv import MEDIA_TYPE as CSV
from .export_csv import csv_answer
from .export_files import Table, registers_of, table_of
from .export_xlsx import MEDIA_TYPE as XLSX
from .export_xlsx import xlsx_answer
from .exports import read_periods
from .parameters import ExportQuery, FileQuery  # noqa: TC001 - FastAPI reads annotations
from .rows import rows_answer
from .schemas.answers import OF_A_DEVICE, Answers, answers, refusals
from .schemas.readings import Readings
from .streams import streamed

_ERRORS: Final = (*OF_A_DEVICE, invalid_query_params(), invalid_aggregation(), no_results())


def _file_answers(media_type: str) -> Answers:
    """Return the answers of an operation that gives a file."""
    schema = {"type": "string", "contentMediaType": media_type}
    content = {media_type: {"schema": schema}}
    return {200: {"description": "The file.", "content": content}, **refusals(*_ERRORS)}


type AggregationOf = Annotated[Aggregation, Path(description="How long the periods are.")]

router = APIRouter(prefix="/api/devices/{device_id}/export")


@router.get(
    "/{kind}/{aggregation}/data",
    operation_id="getExport",
    summary="Registers or usages by quarters, hours or days",
    tags=["Readings"],
    responses=answers(Readings, "The periods.", *_ERRORS),
)
async def get_periods(
    services: ServicesOf,
    device: DeviceOf,
    kind: Annotated[Kind, Path(description="Registers at the starts of periods, or usages.")],
    aggregation: AggregationOf,
    query: Annotated[ExportQuery, Query()],
) -> Response:
    """Return registers at the starts of quarters, hours or days, or what they count in them.

    Rows have the date of the start. A period is in a hole where readings are more than one and a
    half periods apart: `patch` fills it in proportion to time, and without that it has no registers
    or, with `queryMissing=false`, no row.
    """
    periods = read_periods(services.database, device, query, kind, aggregation)
    return await streamed(rows_answer(periods, query, device.record.multiplier), no_results())


async def table(
    services: ServicesOf,
    device: DeviceOf,
    caller: CallerOf,
    aggregation: AggregationOf,
    query: Annotated[FileQuery, Query()],
) -> Table:
    """Return the table of a file."""
    now = epoch_seconds(services.clock())
    registers: list[str] = []
    if not query.wanted_codes:
        told = await read_device(services.database, caller.account, device.record.id, now)
        registers = registers_of(told)
    return table_of(services.database, device, query, aggregation, registers)


type TableOf = Annotated[Table, Depends(table)]


@router.get(
    "/{aggregation}/data.csv",  # noqa: FAST003 - `TableOf` has it
    operation_id="getCsv",
    summary="Registers as CSV",
    tags=["Readings"],
    response_class=Response,
    responses=_file_answers(CSV),
)
async def get_csv(table: TableOf, query: Annotated[FileQuery, Query()]) -> Response:
    """Return registers at the starts of quarters, hours or days as a file for spreadsheets.

    UTF-8 with a byte order mark; one line of titles, and one with `beaconName` before it if that is
    given. Without codes there is a column for each register that counts energy.
    """
    lines = csv_answer(
        table,
        separator=query.column_separator,
        decimal=query.decimal_mark,
        title=query.beacon_name,
    )
    return await streamed(lines, no_results(), media_type=CSV, headers=table.headers("csv"))


@router.get(
    "/{aggregation}/data.xlsx",  # noqa: FAST003 - `TableOf` has it
    operation_id="getXlsx",
    summary="Registers as an Excel workbook",
    tags=["Readings"],
    response_class=Response,
    responses=_file_answers(XLSX),
)
async def get_xlsx(table: TableOf) -> Response:
    """Return registers at the starts of quarters, hours or days as a workbook.

    Four lines stand above the rows; each row has a date, and a number for each code. Without codes
    there is a column for each register that counts energy.
    """
    return await streamed(
        xlsx_answer(table), no_results(), media_type=XLSX, headers=table.headers("xlsx")
    )
