"""The device of a path: one that the caller's account has."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from onemeter_server.storage.devices import KnownDevice, find_device

from .auth import CallerOf, ServicesOf  # noqa: TC001 - FastAPI reads annotations
from .errors import device_not_found

type DeviceId = Annotated[UUID, Path(description="The UUID of the device, its `_id`.")]


async def device(services: ServicesOf, caller: CallerOf, device_id: DeviceId) -> KnownDevice:
    """Return the device of a path; raise the API's 404 if the caller's account has none."""
    found = await find_device(services.database, caller.account, str(device_id))
    if found is None:
        raise device_not_found()
    return found


type DeviceOf = Annotated[KnownDevice, Depends(device)]
