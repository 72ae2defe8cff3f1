"""What the demo adds to a database: readings that are kept back, and meters that are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import and_, delete, func, insert, select

from onemeter_server.feeds.intake import take_within
from onemeter_server.models.registers import check_start_values
from onemeter_server.storage.days import NOTHING, Extent, Window, read_extent, remove_readings
from onemeter_server.storage.devices import hold_device
from onemeter_server.storage.ready import forget
from onemeter_server.storage.tables import DeviceRow

from .spans import Span, cut_out
from .tables import DemoBase, DemoMeterRow, WithheldReadingRow, WithheldSpanRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession

    from onemeter_server.models.records import Values
    from onemeter_server.storage.database import Database

_READINGS_A_STATEMENT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledMeter:
    """A meter of the living demo: its first reading's time, and what its registers started at."""

    since: int
    registers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is stored of a device: readings that the API shows, and readings that are kept back."""

    device_id: str
    stored: Extent
    withheld: Extent
    withheld_spans: Sequence[Span]


class DemoStore:
    """Readings that are kept back, as if the reader were out of every gateway's range, and meters.

    What is kept back lies in a table of its own until it is released; then it is taken in as if it
    had come just now.
    """

    def __init__(self, database: Database) -> None:
        """Take over a database that has the demo's tables; `opened` makes them."""
        self._database = database

    @classmethod
    async def opened(cls, database: Database) -> Self:
        """Return the store of a database, making the demo's tables if they are missing."""
        await database.write_on_connection(DemoBase.metadata.create_all)
        return cls(database)

    async def add_readings(self, device_id: str, readings: Iterable[tuple[int, Values]]) -> None:
        """Add readings of a device: (epoch seconds, {OBIS code: value}), in any order.

        What lies in a withheld span is kept back. All are added or none. Raises
        `UnknownDeviceError`.
        """

        async def work(session: AsyncSession) -> None:
            row = await hold_device(session, device_id)
            spans = await _spans(session, row.number)
            visible: list[tuple[int, Values]] = []
            kept_back: list[tuple[int, Values]] = []
            for time, values in readings:
                is_withheld = any(time in span for span in spans)
                (kept_back if is_withheld else visible).append((time, values))
            await take_within(session, row, visible)
            await _keep_back(session, row.number, dict(kept_back))

        await self._database.write(work)

    async def withhold(
        self, device_id: str, start: int | None = None, end: int | None = None
    ) -> None:
        """Keep back a device's readings from `start` to `end`, those to come too.

        Bounds are epoch seconds and included; `None` for none. Until they are released, the
        readings are not there. Raises `UnknownDeviceError`, and `ValueError` when the span would
        end before it starts.
        """
        span = Span(start=start, end=end)

        async def work(session: AsyncSession) -> None:
            row = await hold_device(session, device_id)
            others = cut_out(await _spans(session, row.number), span)
            await _replace_spans(session, row.number, [*others, span])
            window = Window(since=span.start, until=span.end)
            removed = await remove_readings(session, row.number, window)
            await _keep_back(
                session, row.number, {reading.time: reading.values for reading in removed}
            )
            forget(row)

        await self._database.write(work)

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
            row = await hold_device(session, device_id)
            others = cut_out(await _spans(session, row.number), span)
            await _replace_spans(session, row.number, others)
            await take_within(session, row, await _given_back(session, row.number, span))

        await self._database.write(work)

    async def inventory(self, device_id: str) -> Inventory | None:
        """Return what is stored of a device of any account, `None` if there is none of this id."""

        async def work(session: AsyncSession) -> Inventory | None:
            number = await session.scalar(select(DeviceRow.number).where(DeviceRow.id == device_id))
            return None if number is None else await _inventory(session, number, device_id)

        return await self._database.read(work)

    async def inventories(self) -> list[Inventory]:
        """Return what is stored of each device of all accounts, in the order of adding."""

        async def work(session: AsyncSession) -> list[Inventory]:
            devices = await session.execute(
                select(DeviceRow.number, DeviceRow.id).order_by(DeviceRow.number)
            )
            return [await _inventory(session, number, id_) for number, id_ in devices.all()]

        return await self._database.read(work)

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
            number = (await hold_device(session, device_id)).number
            session.add(DemoMeterRow(device_number=number, since=None, registers=start_values))

        await self._database.write(work)

    async def install_first_meter(self, device_id: str, since: int) -> None:
        """Note when a device of the living demo was read first. Raises `UnknownDeviceError`."""

        async def work(session: AsyncSession) -> None:
            number = (await hold_device(session, device_id)).number
            session.add(DemoMeterRow(device_number=number, since=since, registers={}))

        await self._database.write(work)

    async def install_new_meters(self, device_id: str, since: int) -> list[dict[str, float]]:
        """Install the meters that `replace_meter` has announced: their first reading is at `since`.

        Returns what their registers start at, in the order in which they were announced. Raises
        `UnknownDeviceError`.
        """

        async def work(session: AsyncSession) -> list[dict[str, float]]:
            number = (await hold_device(session, device_id)).number
            meters = await session.scalars(
                select(DemoMeterRow)
                .where(DemoMeterRow.device_number == number, DemoMeterRow.since.is_(None))
                .order_by(DemoMeterRow.id)
            )
            announced = list(meters)
            for meter in announced:
                meter.since = since
            return [meter.registers for meter in announced]

        return await self._database.write(work)

    async def installed_meters(self, number: int) -> list[InstalledMeter]:
        """Return the meters of a device that have been read, the first one first."""

        async def work(session: AsyncSession) -> list[InstalledMeter]:
            rows = await session.execute(
                select(DemoMeterRow.since, DemoMeterRow.registers)
                .where(DemoMeterRow.device_number == number, DemoMeterRow.since.is_not(None))
                .order_by(DemoMeterRow.since, DemoMeterRow.id)
            )
            return [
                InstalledMeter(since=since, registers=registers)
                for since, registers in rows
                if since is not None
            ]

        return await self._database.read(work)

    async def recorded(self, number: int, *, until: int) -> Extent:
        """Return the extent of all readings of a device up to an instant, the withheld ones too."""

        async def work(session: AsyncSession) -> Extent:
            stored = await read_extent(session, number, Window(until=until))
            withheld = await _withheld_extent(session, number, Span(end=until))
            firsts = [time for time in (stored.first, withheld.first) if time is not None]
            lasts = [time for time in (stored.last, withheld.last) if time is not None]
            if not firsts:
                return NOTHING
            count = stored.count + withheld.count
            return Extent(count=count, first=min(firsts), last=max(lasts))

        return await self._database.read(work)


async def _spans(session: AsyncSession, number: int) -> list[Span]:
    """Return the spans of a device that are withheld, in the order of time; they are disjoint."""
    rows = await session.execute(
        select(WithheldSpanRow.start, WithheldSpanRow.end)
        .where(WithheldSpanRow.device_number == number)
        .order_by(WithheldSpanRow.start.is_not(None), WithheldSpanRow.start)
    )
    return [Span(start=start, end=end) for start, end in rows]


async def _replace_spans(session: AsyncSession, number: int, spans: list[Span]) -> None:
    await session.execute(delete(WithheldSpanRow).where(WithheldSpanRow.device_number == number))
    session.add_all(
        WithheldSpanRow(device_number=number, start=span.start, end=span.end) for span in spans
    )


async def _keep_back(session: AsyncSession, number: int, readings: Mapping[int, Values]) -> None:
    """Keep readings back (epoch seconds to registers), in the place of those kept back before."""
    for some in batched(readings.items(), _READINGS_A_STATEMENT):
        times = [time for time, _ in some]
        await session.execute(
            delete(WithheldReadingRow).where(
                WithheldReadingRow.device_number == number, WithheldReadingRow.time.in_(times)
            )
        )
        await session.execute(
            insert(WithheldReadingRow),
            [
                {"device_number": number, "time": time, "registers": dict(values)}
                for time, values in some
            ],
        )


async def _given_back(session: AsyncSession, number: int, span: Span) -> list[tuple[int, Values]]:
    """Return the readings of a span that are kept back, which they are no longer."""
    within = _within(number, span)
    rows = await session.execute(
        select(WithheldReadingRow.time, WithheldReadingRow.registers)
        .where(within)
        .order_by(WithheldReadingRow.time)
    )
    readings = [(time, registers) for time, registers in rows]
    await session.execute(delete(WithheldReadingRow).where(within))
    return readings


async def _inventory(session: AsyncSession, number: int, device_id: str) -> Inventory:
    return Inventory(
        device_id=device_id,
        stored=await read_extent(session, number, Window()),
        withheld=await _withheld_extent(session, number, Span()),
        withheld_spans=await _spans(session, number),
    )


async def _withheld_extent(session: AsyncSession, number: int, span: Span) -> Extent:
    times = WithheldReadingRow.time
    query = select(func.count(), func.min(times), func.max(times)).where(_within(number, span))
    count, first, last = (await session.execute(query)).one()
    return Extent(count=count, first=first, last=last)


def _within(number: int, span: Span) -> ColumnElement[bool]:
    conditions = [WithheldReadingRow.device_number == number]
    if span.start is not None:
        conditions.append(WithheldReadingRow.time >= span.start)
    if span.end is not None:
        conditions.append(WithheldReadingRow.time <= span.end)
    return and_(*conditions)
