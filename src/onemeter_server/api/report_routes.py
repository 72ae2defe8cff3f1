"""The endpoint of reports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import orjson
from fastapi import APIRouter, Query, Response

from onemeter_server.clock import epoch_seconds
from onemeter_server.energy.summary import usage_codes
from onemeter_server.energy.tariffs import Contract, TariffError

from .auth import ServicesOf  # noqa: TC001 - FastAPI reads annotations
from .device import DeviceOf  # noqa: TC001 - FastAPI reads annotations
from .errors import (
    invalid_query_params,
    invalid_report_bounds,
    no_date_query,
    no_results,
    report_not_available,
)
from .parameters import ReportQuery  # noqa: TC001 - FastAPI reads annotations
from .reports import Report
from .schemas.answers import OF_A_DEVICE, answers
from .schemas.reports import Summary
from .usages import Span, read_usages

if TYPE_CHECKING:
    from onemeter_server.models.records import DeviceRecord

# Inductive reactive energy: of the first quadrant, or all that was consumed.
_REACTIVE_CODES: Final = ("5_8_0", "3_8_0")

router = APIRouter(prefix="/api/devices/{device_id}/report")


@router.get(
    "/summary",
    operation_id="getSummary",
    summary="Energy and cost of a time",
    tags=["Reports"],
    responses=answers(
        Summary,
        "The report.",
        *OF_A_DEVICE,
        invalid_query_params(),
        no_date_query(),
        invalid_report_bounds(),
        report_not_available(),
        no_results(),
    ),
)
async def get_summary(
    services: ServicesOf, device: DeviceOf, query: Annotated[ReportQuery, Query()]
) -> Response:
    """Return the energy of a time by zone of the device's tariff, and what it costs.

    It counts energy times the transformer ratio, in the quarter-hours that begin from `from` on and
    before `to`. Both have to be given.
    """
    record = device.record
    since, until = query.bounds(record.zone)
    if since is None or until is None:
        raise no_date_query()
    span = Span.between(since, until)
    contract = _contract(record)
    codes = usage_codes(record.main_register)
    registers = await read_usages(services.database, device, (*codes, *_REACTIVE_CODES), span)
    active = next((code for code in codes if code in registers), None)
    if active is None:
        raise no_results()
    report = Report(
        device=record,
        contract=contract,
        since=span.since,
        until=span.until,
        made=epoch_seconds(services.clock()),
        code=active,
        active=registers[active],
        reactive=next((registers[code] for code in _REACTIVE_CODES if code in registers), None),
    )
    summary = await asyncio.to_thread(report.summary)
    return Response(orjson.dumps(summary), media_type="application/json")


def _contract(device: DeviceRecord) -> Contract:
    """Return the contract of a device; raise the API's 400 if it has none that makes sense."""
    try:
        return Contract.parse(device.contract)
    except TariffError as error:
        raise report_not_available() from error
