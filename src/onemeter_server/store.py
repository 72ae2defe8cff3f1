"""Writing to the database: accounts, keys, devices and readings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import batched
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from .keys import hash_key
from .tables import AccountRow, ApiKeyRow, DeviceRow, ReadingRow

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from .database import Database
    from .records import DeviceRecord, Values

_ROWS_AN_INSERT: Final = 10_000


class NameTakenError(Exception):
    """Another key already has this name."""


class UnknownDeviceError(LookupError):
    """There is no device of this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key as it can be listed: its name and the name of its account."""

    name: str
    account: str


class Store:
    """All that is written to a database."""

    def __init__(self, database: Database) -> None:
        """Write to this database."""
        self._database = database

    async def add_account(self, name: str) -> int:
        """Add an account, or find it if there is one of this name; return its number."""

        async def work(session: AsyncSession) -> int:
            found = await session.scalar(select(AccountRow.id).where(AccountRow.name == name))
            if found is not None:
                return found
            row = AccountRow(name=name)
            session.add(row)
            await session.flush()
            return row.id

        return await self._database.transact(work)

    async def add_key(self, account: int, name: str, key: str) -> None:
        """Let a key see an account's devices. Raises `NameTakenError`; only a hash is kept."""

        async def work(session: AsyncSession) -> None:
            if await session.scalar(select(ApiKeyRow.id).where(ApiKeyRow.name == name)) is not None:
                raise NameTakenError(name)
            session.add(ApiKeyRow(account_id=account, name=name, key_hash=hash_key(key)))

        await self._database.transact(work)

    async def list_keys(self) -> list[KeyRecord]:
        """Return the names of all keys, in order."""

        async def work(session: AsyncSession) -> list[KeyRecord]:
            rows = await session.execute(
                select(ApiKeyRow.name, AccountRow.name)
                .join(AccountRow, AccountRow.id == ApiKeyRow.account_id)
                .order_by(ApiKeyRow.name)
            )
            return [KeyRecord(name=name, account=account) for name, account in rows]

        return await self._database.transact(work)

    async def remove_key(self, name: str) -> bool:
        """Remove a key by its name; tell whether there was one."""

        async def work(session: AsyncSession) -> bool:
            found = await session.scalar(select(ApiKeyRow).where(ApiKeyRow.name == name))
            if found is None:
                return False
            await session.delete(found)
            return True

        return await self._database.transact(work)

    async def add_device(self, account: int, record: DeviceRecord) -> None:
        """Add a device to an account.

        Raises `ValueError` when its id is no UUID, `ZoneInfoNotFoundError` when its time zone is
        unknown, and SQLAlchemy's `IntegrityError` when the id is taken.
        """
        columns = _columns(record)

        async def work(session: AsyncSession) -> None:
            session.add(DeviceRow(account_id=account, **columns))

        await self._database.transact(work)

    async def update_device(self, record: DeviceRecord) -> None:
        """Replace all fields of the device of this id. Raises `UnknownDeviceError`."""
        columns = _columns(record)

        async def work(session: AsyncSession) -> None:
            row = await _device(session, record.id)
            for name, value in columns.items():
                setattr(row, name, value)

        await self._database.transact(work)

    async def remove_device(self, device_id: str) -> None:
        """Remove a device with all its readings. Raises `UnknownDeviceError`."""

        async def work(session: AsyncSession) -> None:
            row = await _device(session, device_id)
            await session.execute(delete(ReadingRow).where(ReadingRow.device_number == row.number))
            await session.delete(row)

        await self._database.transact(work)

    async def count_devices(self) -> int:
        """Return the number of devices of all accounts."""

        async def work(session: AsyncSession) -> int:
            return await session.scalar(select(func.count()).select_from(DeviceRow)) or 0

        return await self._database.transact(work)

    async def add_readings(self, device_id: str, readings: Iterable[tuple[int, Values]]) -> None:
        """Add readings of a device: (epoch seconds, {OBIS code: value}), in any order.

        A reading at an instant that already has one takes its place, so adding twice changes
        nothing. All are added or none. Raises `UnknownDeviceError`.
        """

        async def work(session: AsyncSession) -> None:
            number = (await _device(session, device_id)).number
            upsert = _upsert_reading(self._database.dialect)
            for batch in batched(readings, _ROWS_AN_INSERT, strict=False):
                await session.execute(
                    upsert,
                    [
                        {
                            "device_number": number,
                            "time": time,
                            "registers": orjson.dumps(values).decode(),
                        }
                        for time, values in batch
                    ],
                )

        await self._database.transact(work)


def _upsert_reading(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return the one statement that SQL dialects do not share: insert, or update what is there."""
    insert = postgresql.insert(ReadingRow) if dialect == "postgresql" else sqlite.insert(ReadingRow)
    return insert.on_conflict_do_update(
        index_elements=[ReadingRow.device_number, ReadingRow.time],
        set_={"registers": insert.excluded.registers},
    )


async def _device(session: AsyncSession, device_id: str) -> DeviceRow:
    canonical = str(UUID(device_id))
    row = await session.scalar(select(DeviceRow).where(DeviceRow.id == canonical))
    if row is None:
        raise UnknownDeviceError(device_id)
    return row


def _columns(record: DeviceRecord) -> dict[str, Any]:
    """Return the columns of a device's row; raise what `Store.add_device` promises."""
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
