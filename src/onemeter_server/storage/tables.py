"""The tables of the database, in SQL that SQLite and PostgreSQL share.

What is changed here needs a migration beside it (`migrations/versions`).
"""

# SQLAlchemy evaluates the annotations, so what they name is imported at run time.
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, Text
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
    """A device: the fields of `DeviceRecord`, and the short number that its readings carry.

    What its readings tell is kept ready: `summary` (JSON), and the whole answer `payload` (JSON),
    which holds from `payload_from` to before `payload_until` (epoch seconds). They are null when
    they have to be made anew.
    """

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
    summary: Mapped[bytes | None] = mapped_column(LargeBinary)
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    payload_from: Mapped[int | None] = mapped_column(BigInteger)
    payload_until: Mapped[int | None] = mapped_column(BigInteger)


class ReadingDayRow(Base):
    """The readings of a device and a UTC day (days since 1970), packed as `packing` says."""

    __tablename__ = "reading_days"

    device_number: Mapped[int] = mapped_column(
        ForeignKey("devices.number", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    packed: Mapped[bytes] = mapped_column(LargeBinary)
