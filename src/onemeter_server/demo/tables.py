"""The demo's own tables, beside those of the server, which know nothing of them."""

# SQLAlchemy evaluates the annotations, so what they name is imported at run time.
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onemeter_server.storage.tables import DeviceRow


def _of_device() -> ForeignKey:
    return ForeignKey(DeviceRow.number, ondelete="CASCADE")


class DemoBase(DeclarativeBase):
    """What the demo's tables share."""


class WithheldReadingRow(DemoBase):
    """A reading that is kept back: it lies in a withheld span, and the server does not have it."""

    __tablename__ = "demo_withheld_readings"

    device_number: Mapped[int] = mapped_column(_of_device(), primary_key=True)
    time: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    registers: Mapped[dict[str, Any]] = mapped_column(JSON)


class WithheldSpanRow(DemoBase):
    """A span whose readings are kept back, bounds included; those of a device are disjoint."""

    __tablename__ = "demo_withheld_spans"

    id: Mapped[int] = mapped_column(primary_key=True)
    device_number: Mapped[int] = mapped_column(_of_device(), index=True)
    start: Mapped[int | None] = mapped_column(BigInteger)
    end: Mapped[int | None] = mapped_column(BigInteger)


class DemoMeterRow(DemoBase):
    """A meter behind a device of the living demo: the first one, and each that replaced another.

    `since` is the time of its first reading, null as long as it has none; `registers` is what its
    registers start at, as JSON.
    """

    __tablename__ = "demo_meters"

    id: Mapped[int] = mapped_column(primary_key=True)
    device_number: Mapped[int] = mapped_column(_of_device(), index=True)
    since: Mapped[int | None] = mapped_column(BigInteger)
    registers: Mapped[dict[str, Any]] = mapped_column(JSON)
