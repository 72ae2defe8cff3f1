"""The endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from onemeter_server.clock import epoch_seconds
from onemeter_server.storage.ready import read_device, read_devices

from .auth import CallerOf, ServicesOf  # noqa: TC001 - FastAPI reads annotations
from .device import DeviceId, DeviceOf  # noqa: TC001 - FastAPI reads annotations
from .errors import device_not_found, no_readings_found
from .parameters import ReadingsQuery  # noqa: TC001 - FastAPI reads annotations
from .readings import read_readings
from .rows import rows_answer
from .schemas.answers import OF_A_DEVICE, OF_READINGS, answers
from .schemas.devices import Device, Devices
from .schemas.readings import Readings
from .streams import streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

router = APIRouter(prefix="/api")


@router.get(
    "/devices",
    operation_id="getDevices",
    summary="All devices",
    tags=["Devices"],
    responses=answers(Devices, "The devices, in the order in which they were added."),
)
async def get_devices(services: ServicesOf, caller: CallerOf) -> Response:
    """Return every device of the account, each with the newest value of each register."""
    pages = read_devices(services.database, caller.account, epoch_seconds(services.clock()))
    return StreamingResponse(_devices(pages), media_type="application/json")


@router.get(
    "/devices/{device_id}",
    operation_id="getDevice",
    summary="One device",
    tags=["Devices"],
    responses=answers(Device, "The device.", *OF_A_DEVICE),
)
async def get_device(services: ServicesOf, caller: CallerOf, device_id: DeviceId) -> Response:
    """Return a device with the newest value of each register, and what it used this month."""
    now = epoch_seconds(services.clock())
    answer = await read_device(services.database, caller.account, str(device_id), now)
    if answer is None:
        raise device_not_found()
    return Response(answer, media_type="application/json")


@router.get(
    "/devices/{device_id}/readings",  # noqa: FAST003 - `DeviceOf` has it
    operation_id="getReadings",
    summary="Readings of a device",
    tags=["Readings"],
    responses=answers(Readings, "The readings.", *OF_READINGS),
)
async def get_readings(
    services: ServicesOf,
    device: DeviceOf,
    query: Annotated[ReadingsQuery, Query()],
) -> Response:
    """Return registers as they were read, in the order of time.

    Codes and bounds pick rows, `skip` and `limit` some of these.
    """
    readings = read_readings(services.database, device, query)
    answer = rows_answer(readings, query, device.record.multiplier)
    return await streamed(answer, no_readings_found())


async def _devices(pages: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    begin = b'{"devices":['
    async for page in pages:
        if page:
            yield begin + b",".join(page)
            begin = b","
    yield b"]}" if begin == b"," else begin + b"]}"
