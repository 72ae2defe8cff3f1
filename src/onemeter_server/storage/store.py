"""Accounts, keys and devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from .devices import columns_of, hold_device
from .keys import hash_key
from .ready import forget
from .tables import AccountRow, ApiKeyRow, DeviceRow

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from onemeter_server.models.records import DeviceRecord

    from .database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the number of the key and of the account it belongs to."""

    key: int
    account: int


class NameTakenError(Exception):
    """Another key already has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key as it can be listed: its name and the name of its account."""

    name: str
    account: str


class Store:
    """The accounts of a database, with their keys and devices."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
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

        return await self._database.write(work)

    async def add_key(self, account: int, name: str, key: str) -> None:
        """Let a key see an account's devices. Raises `NameTakenError`; only a hash is kept."""

        async def work(session: AsyncSession) -> None:
            if await session.scalar(select(ApiKeyRow.id).where(ApiKeyRow.name == name)) is not None:
                raise NameTakenError(name)
            session.add(ApiKeyRow(account_id=account, name=name, key_hash=hash_key(key)))

        await self._database.write(work)

    async def find_caller(self, key: str) -> Caller | None:
        """Return whose key this is, `None` if nobody's."""
        key_hash = hash_key(key)

        async def work(session: AsyncSession) -> Caller | None:
            row = await session.scalar(select(ApiKeyRow).where(ApiKeyRow.key_hash == key_hash))
            return None if row is None else Caller(key=row.id, account=row.account_id)

        return await self._database.read(work)

    async def list_keys(self) -> list[KeyRecord]:
        """Return the names of all keys, in order."""

        async def work(session: AsyncSession) -> list[KeyRecord]:
            rows = await session.execute(
                select(ApiKeyRow.name, AccountRow.name)
                .join(AccountRow, AccountRow.id == ApiKeyRow.account_id)
                .order_by(ApiKeyRow.name)
            )
            return [KeyRecord(name=name, account=account) for name, account in rows]

        return await self._database.read(work)

    async def remove_key(self, name: str) -> bool:
        """Remove a key by its name; tell whether there was one."""

        async def work(session: AsyncSession) -> bool:
            found = await session.scalar(select(ApiKeyRow).where(ApiKeyRow.name == name))
            if found is None:
                return False
            await session.delete(found)
            return True

        return await self._database.write(work)

    async def add_device(self, account: int, record: DeviceRecord) -> None:
        """Add a device to an account.

        Raises `ValueError` when its id is no UUID, `ZoneInfoNotFoundError` when its time zone is
        unknown, and SQLAlchemy's `IntegrityError` when the id is taken.
        """
        columns = columns_of(record)

        async def work(session: AsyncSession) -> None:
            session.add(DeviceRow(account_id=account, **columns))

        await self._database.write(work)

    async def update_device(self, record: DeviceRecord) -> None:
        """Replace all fields of the device of this id. Raises `UnknownDeviceError`."""
        columns = columns_of(record)

        async def work(session: AsyncSession) -> None:
            row = await hold_device(session, record.id)
            for name, value in columns.items():
                setattr(row, name, value)
            forget(row)

        await self._database.write(work)

    async def remove_device(self, device_id: str) -> None:
        """Remove a device with all its readings. Raises `UnknownDeviceError`."""

        async def work(session: AsyncSession) -> None:
            await session.delete(await hold_device(session, device_id))

        await self._database.write(work)

    async def count_devices(self) -> int:
        """Return the number of devices of all accounts."""

        async def work(session: AsyncSession) -> int:
            return await session.scalar(select(func.count()).select_from(DeviceRow)) or 0

        return await self._database.read(work)
