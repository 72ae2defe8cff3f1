"""The endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID  # noqa: TC003 - FastAPI reads annotations

import orjson
from fastapi import APIRouter, Query, Response

from .auth import CallerOf, ServicesOf  # noqa: TC001 - FastAPI reads annotations
from .errors import device_not_found, no_readings_found
from .payload import device_payload
from .queries import KnownDevice, find_device, find_devices, read_history
from .readings import ReadingsQuery, readings_answer

if TYPE_CHECKING:
    from .auth import Services
    from .queries import Caller
    from .records import JSON

router = APIRouter(prefix="/api")


@router.get("/devices")
@router.get("/devices/", include_in_schema=False)
async def get_devices(services: ServicesOf, caller: CallerOf) -> Response:
    """Return every device of the account, with its last reading."""
    devices = await find_devices(services.database, caller.account)
    return _json({"devices": [await _payload(services, device) for device in devices]})


@router.get("/devices/{device_id}")
@router.get("/devices/{device_id}/", include_in_schema=False)
async def get_device(services: ServicesOf, caller: CallerOf, device_id: UUID) -> Response:
    """Return one device, with its last reading."""
    return _json(await _payload(services, await _device(services, caller, device_id)))


@router.get("/devices/{device_id}/readings")
@router.get("/devices/{device_id}/readings/", include_in_schema=False)
async def get_readings(
    services: ServicesOf,
    caller: CallerOf,
    device_id: UUID,
    query: Annotated[ReadingsQuery, Query()],
) -> Response:
    """Return raw readings of a device."""
    device = await _device(services, caller, device_id)
    answer = await readings_answer(services.database, device, query)
    if answer is None:
        raise no_readings_found()
    return Response(answer, media_type="application/json")


async def _device(services: Services, caller: Caller, device_id: UUID) -> KnownDevice:
    device = await find_device(services.database, caller.account, str(device_id))
    if device is None:
        raise device_not_found()
    return device


async def _payload(services: Services, device: KnownDevice) -> dict[str, JSON]:
    now = services.clock()
    history = await read_history(services.database, device, now)
    return device_payload(device.record, history, now)


def _json(content: JSON) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
