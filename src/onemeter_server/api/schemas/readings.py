"""The shapes of readings and of what is made of them."""

from typing import Annotated, TypedDict

from pydantic import ConfigDict, Field, TypeAdapter, with_config

from .fields import SHAPE, Instant, RegisterValue
from .registers import RegisterMeta


@with_config(SHAPE)
class Range(TypedDict):
    """From when to when, both included."""

    since: Annotated[Instant, Field(alias="from")]
    """The first instant, in UTC."""
    to: Instant
    """The last instant, in UTC."""


@with_config(
    ConfigDict(
        **SHAPE,
        json_schema_extra={"additionalProperties": TypeAdapter(RegisterValue).json_schema()},
    )
)
class Row(TypedDict):
    """The registers at one instant, by their OBIS codes. A register that was not read is absent."""

    date: Instant
    """When, in UTC."""


@with_config(SHAPE)
class ReadingsMeta(TypedDict):
    """What the rows hold."""

    keys: list[str]
    """The OBIS codes that occur in the rows."""
    range: Range
    count: int
    """How many rows match, those included that `skip` and `limit` leave out."""
    OBIS: dict[str, RegisterMeta]
    """What is known of the registers in the rows, by their OBIS codes."""


@with_config(SHAPE)
class Readings(TypedDict):
    """Rows in the order of time, and what they hold."""

    readings: list[Row]
    """One row for each instant."""
    meta: ReadingsMeta
