"""Devices in the database: as records, and held by whoever changes something of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from onemeter_server.models.records import DeviceRecord

from .tables import DeviceRow

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from .database import Database


class UnknownDeviceError(LookupError):
    """There is no device of this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """A device and the number that its readings are stored under."""

    number: int
    record: DeviceRecord


async def find_device(database: Database, account: int, device_id: str) -> KnownDevice | None:
    """Return a device of an account, `None` if the account has none of this id."""

    async def work(session: AsyncSession) -> KnownDevice | None:
        row = await session.scalar(
            select(DeviceRow).where(DeviceRow.id == device_id, DeviceRow.account_id == account)
        )
        return None if row is None else KnownDevice(number=row.number, record=record_of(row))

    return await database.read(work)


async def find_devices(database: Database, account: int) -> list[KnownDevice]:
    """Return all devices of an account in the order in which they were added."""

    async def work(session: AsyncSession) -> list[KnownDevice]:
        rows = await session.scalars(
            select(DeviceRow).where(DeviceRow.account_id == account).order_by(DeviceRow.number)
        )
        return [KnownDevice(number=row.number, record=record_of(row)) for row in rows]

    return await database.read(work)


async def hold_device(session: AsyncSession, device_id: str) -> DeviceRow:
    """Return a device's row; until the transaction's end nobody else can hold the device.

    SQLite has one transaction that writes at a time. Raises `UnknownDeviceError`.
    """
    row = await session.scalar(
        select(DeviceRow).where(DeviceRow.id == _plain_id(device_id)).with_for_update()
    )
    if row is None:
        raise UnknownDeviceError(device_id)
    return row


def _plain_id(device_id: str) -> str | None:
    """Return an id as it is stored, `None` for what is none."""
    try:
        return str(UUID(device_id))
    except ValueError:
        return None


def record_of(row: DeviceRow) -> DeviceRecord:
    """Return the record of a row."""
    columns = {field.name: getattr(row, field.name) for field in fields(DeviceRecord)}
    return DeviceRecord(**columns | {"omit": tuple(row.omit)})


def columns_of(record: DeviceRecord) -> dict[str, Any]:
    """Return the columns of a record; raise what `Store.add_device` promises."""
    _ = record.zone
    columns = {field.name: _plain(getattr(record, field.name)) for field in fields(record)}
    return columns | {"id": str(UUID(record.id))}


def _plain(value: object) -> object:
    """Return frozen mappings and sequences as the dicts and lists that JSON columns take."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, Sequence):
        return [_plain(element) for element in value]
    return value
