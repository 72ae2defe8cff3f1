"""The endpoint of load profiles."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID, uuid5

import orjson
from fastapi import APIRouter, Path, Query, Response

from onemeter_server.clock import epoch_seconds
from onemeter_server.energy.calendars import Calendar
from onemeter_server.energy.summary import usage_codes
from onemeter_server.models.dates import format_epoch
from onemeter_server.models.register_meta import register_meta
from onemeter_server.models.registers import counts_energy

from .auth import ServicesOf  # noqa: TC001 - FastAPI reads annotations
from .device import DeviceOf  # noqa: TC001 - FastAPI reads annotations
from .errors import (
    invalid_profile_type,
    invalid_query_params,
    invalid_report_bounds,
    no_results,
    report_not_available,
)
from .parameters import ProfileQuery  # noqa: TC001 - FastAPI reads annotations
from .profiles import ProfileType, profile_of
from .schemas.answers import OF_A_DEVICE, answers
from .schemas.profiles import UsageProfile
from .usages import Span, read_usages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onemeter_server.models.records import DeviceRecord

_A_YEAR: Final = timedelta(days=365)
_ID_LENGTH: Final = 24  # as the ids of the vendor's database

router = APIRouter(prefix="/api/devices/{device_id}/usageProfile")


@router.get(
    "/{profile_type}",
    operation_id="getUsageProfile",
    summary="Load profile of a device",
    tags=["Reports"],
    responses=answers(
        UsageProfile,
        "The profile.",
        *OF_A_DEVICE,
        invalid_query_params(),
        invalid_profile_type("…"),
        invalid_report_bounds(),
        report_not_available(),
        no_results(),
    ),
)
async def get_usage_profile(
    services: ServicesOf,
    device: DeviceOf,
    profile_type: Annotated[
        str,
        Path(
            description="Which profile, in upper or lower case.",
            json_schema_extra={"enum": [*ProfileType]},
        ),
    ],
    query: Annotated[ProfileQuery, Query()],
) -> Response:
    """Return when a device uses energy: of the last 365 days if no dates are given.

    It counts energy times the transformer ratio, of the register that tells the device's usage if
    no codes are given.
    """
    record = device.record
    kind = ProfileType.named(profile_type)
    profile = profile_of(kind, record)
    now = epoch_seconds(services.clock())
    registers = await read_usages(
        services.database,
        device,
        _codes(query, record),
        _span(query, record, now),
        only_sure=kind.only_sure,
    )
    if not query.wanted_codes:
        registers = dict(islice(registers.items(), 1))
    # That no power was too high is a result.
    data = await asyncio.to_thread(profile, registers) if registers else []
    if not registers or (not data and kind is not ProfileType.POWER_OVERSPENDS):
        raise no_results()
    return Response(
        orjson.dumps(
            {
                "_id": uuid5(UUID(record.id), kind).hex[:_ID_LENGTH],
                "data": data,
                "UUID": record.id,
                "createdAt": format_epoch(now),
                "type": kind,
                "meta": {
                    "keys": [*registers],
                    "OBIS": {code: register_meta(code, query.locale) for code in registers},
                },
            }
        ),
        media_type="application/json",
    )


def _codes(query: ProfileQuery, device: DeviceRecord) -> Sequence[str]:
    """Return the registers that are asked for, or those that can tell the device's usage."""
    if not query.wanted_codes:
        return usage_codes(device.main_register)
    return [code for code in query.wanted_codes if counts_energy(code)]


def _span(query: ProfileQuery, device: DeviceRecord, now: int) -> Span:
    """Return the time that is asked for: up to now, and from the start of a day a year before."""
    since, until = query.bounds(device.zone)
    if until is None:
        until = now if since is None else max(since, now)
    if since is None:
        calendar = Calendar(zone=device.zone)
        last_day = calendar.local(Span.between(until, until).until).date()
        since = min(until, calendar.start_of(last_day - _A_YEAR))
    return Span.between(since, until)
