"""Writing to the database: accounts, keys, devices and readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import batched, filterfalse
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from .keys import hash_key
from .registers import check_start_values
from .spans import Span
from .tables import (
    AccountRow,
    ApiKeyRow,
    DemoMeterRow,
    DeviceRow,
    ReadingRow,
    WithheldReadingRow,
)
from .withholding import release_span, withheld_spans, withhold_span

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from .database import Database
    from .records import DeviceRecord, Values
    from .withholding import ReadingTable

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
        nothing. What lies in a withheld span is kept back. All are added or none. Raises
        `UnknownDeviceError`.
        """

        async def work(session: AsyncSession) -> None:
            number = await _hold_device(session, device_id)
            spans = await withheld_spans(session, number)

            def is_withheld(reading: tuple[int, Values]) -> bool:
                return any(reading[0] in span for span in spans)

            for batch in batched(readings, _ROWS_AN_INSERT):
                visible = filterfalse(is_withheld, batch)
                await self._upsert(session, ReadingRow, number, visible)
                kept_back = filter(is_withheld, batch)
                await self._upsert(session, WithheldReadingRow, number, kept_back)

        await self._database.transact(work)

    async def withhold(
        self, device_id: str, start: int | None = None, end: int | None = None
    ) -> None:
        """Keep back a device's readings from `start` to `end`, those to come too.

        Bounds are epoch seconds and included; `None` for none. Until they are released, the
        readings are as good as not there: as if the reader were out of every gateway's range.
        Raises `UnknownDeviceError`, and `ValueError` when the span would end before it starts.
        """
        span = Span(start=start, end=end)

        async def work(session: AsyncSession) -> None:
            await withhold_span(session, await _hold_device(session, device_id), span)

        await self._database.transact(work)

    async def release(
        self, device_id: str, start: int | None = None, end: int | None = None
    ) -> None:
        """Let a device's withheld readings from `start` to `end` appear, as if uploaded by hand.

        No reading of this span is kept back any longer, and what is withheld outside it stays so:
        releasing up to the present is one upload while the reader stays out of range. Bounds and
        errors are those of `withhold`.
        """
        span = Span(start=start, end=end)

        async def work(session: AsyncSession) -> None:
            await release_span(session, await _hold_device(session, device_id), span)

        await self._database.transact(work)

    async def replace_meter(
        self, device_id: str, registers: Mapping[str, float] | None = None
    ) -> None:
        """Put a new meter behind a device of the living demo, from its next reading on.

        `registers` says what energy registers (OBIS code, kWh or kvarh) start at; those that are
        not named start at 0. Readings given to `add_readings` are facts, which this does not
        change. Raises `UnknownDeviceError`, and `ValueError` for what no energy register can show.
        """
        start_values = dict(registers or {})
        check_start_values(start_values)

        async def work(session: AsyncSession) -> None:
            number = (await _device(session, device_id)).number
            session.add(DemoMeterRow(device_number=number, since=None, registers=start_values))

        await self._database.transact(work)

    async def install_first_meter(self, device_id: str, since: int) -> None:
        """Note when a device of the living demo was read first. Raises `UnknownDeviceError`."""

        async def work(session: AsyncSession) -> None:
            number = (await _device(session, device_id)).number
            session.add(DemoMeterRow(device_number=number, since=since, registers={}))

        await self._database.transact(work)

    async def install_new_meters(self, device_id: str, since: int) -> list[dict[str, float]]:
        """Install the meters that `replace_meter` has announced: their first reading is at `since`.

        Returns what their registers start at, in the order in which they were announced. Raises
        `UnknownDeviceError`.
        """

        async def work(session: AsyncSession) -> list[dict[str, float]]:
            number = (await _device(session, device_id)).number
            meters = await session.scalars(
                select(DemoMeterRow)
                .where(DemoMeterRow.device_number == number, DemoMeterRow.since.is_(None))
                .order_by(DemoMeterRow.id)
            )
            announced = list(meters)
            for meter in announced:
                meter.since = since
            return [meter.registers for meter in announced]

        return await self._database.transact(work)

    async def _upsert(
        self,
        session: AsyncSession,
        table: ReadingTable,
        number: int,
        readings: Iterable[tuple[int, Values]],
    ) -> None:
        rows = [
            {"device_number": number, "time": time, "registers": orjson.dumps(values).decode()}
            for time, values in readings
        ]
        if rows:
            await session.execute(_upsert_statement(self._database.dialect, table), rows)


def _upsert_statement(dialect: str, table: ReadingTable) -> sqlite.Insert | postgresql.Insert:
    """Return the one statement that SQL dialects do not share: insert, or update what is there."""
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_update(
        index_elements=[table.device_number, table.time],
        set_={"registers": insert.excluded.registers},
    )


async def _hold_device(session: AsyncSession, device_id: str) -> int:
    """Return a device's number; until the transaction's end nobody else can hold the device.

    Whoever writes readings or withheld spans holds the device first: else a reading could be added
    beside a span that is just being withheld. Writing a row is the lock that all databases have.
    """
    number = await session.scalar(
        update(DeviceRow)
        .where(DeviceRow.id == str(UUID(device_id)))
        .values(name=DeviceRow.name)
        .returning(DeviceRow.number)
    )
    if number is None:
        raise UnknownDeviceError(device_id)
    return number


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
