"""The tables of the database, in SQL that SQLite and PostgreSQL share."""

# SQLAlchemy evaluates the annotations, so what they name is imported at run time.
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all tables share."""


class AccountRow(Base):
    """An account: keys that see the same devices."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)


class ApiKeyRow(Base):
    """An API key of an account: only the hash of its text."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200), unique=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)


class DeviceRow(Base):
    """A device: the fields of `DeviceRecord`, and the short number that its readings carry."""

    __tablename__ = "devices"

    number: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str | None] = mapped_column(Text)
    serial_number: Mapped[str | None] = mapped_column(Text)
    mac: Mapped[str | None] = mapped_column(Text)
    meter_id: Mapped[str | None] = mapped_column(Text)
    manufacturer: Mapped[str | None] = mapped_column(Text)
    protocol: Mapped[str | None] = mapped_column(Text)
    multiplier: Mapped[float]
    main_register: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    firmware: Mapped[str | None] = mapped_column(Text)
    hardware: Mapped[str | None] = mapped_column(Text)
    disabled: Mapped[bool]
    owner: Mapped[dict[str, Any]] = mapped_column(JSON)
    contract: Mapped[dict[str, Any]] = mapped_column(JSON)
    extra: Mapped[dict[str, Any]] = mapped_column(JSON)
    omit: Mapped[list[str]] = mapped_column(JSON)


class ReadingRow(Base):
    """One reading: its registers as one JSON text, which is compact and goes in and out quickly."""

    __tablename__ = "readings"
    # One tree in the order of (device, time) instead of a table and an index beside it.
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - declared so by SQLAlchemy

    device_number: Mapped[int] = mapped_column(
        ForeignKey("devices.number", ondelete="CASCADE"), primary_key=True
    )
    time: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    registers: Mapped[str] = mapped_column(Text)


class WithheldReadingRow(Base):
    """A reading that is kept back: it lies in a withheld span, and no query of the API sees it.

    No instant of a device is in this table and in `readings` at the same time.
    """

    __tablename__ = "withheld_readings"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - declared so by SQLAlchemy

    device_number: Mapped[int] = mapped_column(
        ForeignKey("devices.number", ondelete="CASCADE"), primary_key=True
    )
    time: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    registers: Mapped[str] = mapped_column(Text)


class WithheldSpanRow(Base):
    """A span whose readings are kept back, bounds included; those of a device are disjoint."""

    __tablename__ = "withheld_spans"

    id: Mapped[int] = mapped_column(primary_key=True)
    device_number: Mapped[int] = mapped_column(
        ForeignKey("devices.number", ondelete="CASCADE"), index=True
    )
    start: Mapped[int | None] = mapped_column(BigInteger)
    end: Mapped[int | None] = mapped_column(BigInteger)


class DemoMeterRow(Base):
    """A meter behind a device of the living demo: the first one, and each that replaced another.

    `since` is the time of its first reading, null as long as it has none; `registers` is what its
    registers start at, as JSON.
    """

    __tablename__ = "demo_meters"

    id: Mapped[int] = mapped_column(primary_key=True)
    device_number: Mapped[int] = mapped_column(
        ForeignKey("devices.number", ondelete="CASCADE"), index=True
    )
    since: Mapped[int | None] = mapped_column(BigInteger)
    registers: Mapped[dict[str, Any]] = mapped_column(JSON)
