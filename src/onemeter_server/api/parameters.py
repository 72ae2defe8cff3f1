"""The query parameters of all operations, taken as people write them.

Unknown parameters are ignored, an empty one counts as left out, of a repeated one the last counts
(of codes all do). Dates stay texts here: they are read in the time zone of the device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema, model_validator

from onemeter_server.models.dates import first_second, last_second
from onemeter_server.models.register_meta import Locale  # noqa: TC001 - Pydantic reads annotations
from onemeter_server.storage.days import Window

from .errors import invalid_query_params

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MAXIMUM_ROWS: Final = 357_120

REQUIRED_MARK: Final = "x-required"
"""In the schema of a parameter that is required, but whose absence is no matter of validation."""

# Far more readings than a device can have, and a number that every database takes.
_MAXIMUM_SKIP: Final = 2**31 - 1


def _whole(value: object) -> object:
    """Return a number that is written as `10.0` as a whole one."""
    return value.removesuffix(".0") if isinstance(value, str) else value


def _lower(value: object) -> object:
    """Return a word in lower case."""
    return value.lower() if isinstance(value, str) else value


# No `type` statements: FastAPI would describe these as shapes of their own, without their bounds.
_Whole = Annotated[int, BeforeValidator(_whole)]
_Word = BeforeValidator(_lower)

# A format of our own: dates are taken in more ways than `date-time` says, as people write them.
_Date = Annotated[str, WithJsonSchema({"type": "string", "format": "instant"})]

# A parameter that may be repeated is one text with commas to those who do not repeat it.
_Texts = Annotated[list[str], WithJsonSchema({"type": "string"})]


class Query(BaseModel):
    """What all queries share."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty_ones(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Leave out what is given without a value."""
        return {name: value for name, value in given.items() if value not in ("", None)}


class CodesQuery(Query):
    """Which registers, and in which language their descriptions are."""

    codes: _Texts = Field(
        default_factory=list,
        description="OBIS codes, separated by commas; all that there are if left out.",
        examples=["1_8_0,2_8_0"],
    )
    columns: _Texts = Field(
        default_factory=list, description="Another name of `codes`, which goes before it."
    )
    locale: Annotated[Locale, _Word] = Field(
        default="en", description="The language of the descriptions in `meta`."
    )

    @property
    def wanted_codes(self) -> tuple[str, ...]:
        """The codes in the order asked for, each once; none for all."""
        given = ",".join(self.codes or self.columns).split(",")
        return tuple(dict.fromkeys(code.strip() for code in given if code.strip()))


class BoundsQuery(Query):
    """From when to when."""

    since: _Date | None = Field(
        default=None,
        alias="from",
        description="The first instant. Without an offset it is in the device's time zone.",
    )
    until: _Date | None = Field(
        default=None, alias="to", description="The last instant, in the same ways."
    )

    def bounds(self, zone: ZoneInfo) -> tuple[int | None, int | None]:
        """Return the epoch seconds of both, which are included; raise the API's 400."""
        try:
            return (
                None if self.since is None else first_second(self.since, zone),
                None if self.until is None else last_second(self.until, zone),
            )
        except ValueError as error:
            raise invalid_query_params() from error


class ReadingsQuery(CodesQuery, BoundsQuery):
    """The query of readings."""

    limit: _Whole = Field(
        default=MAXIMUM_ROWS, ge=1, le=MAXIMUM_ROWS, description="How many rows at most."
    )
    skip: _Whole = Field(
        default=0, ge=0, le=_MAXIMUM_SKIP, description="How many rows are left out first."
    )
    sort: Annotated[Literal["ascending", "descending"], _Word] = Field(
        default="ascending", description="Whether the oldest row comes first or the newest."
    )
    apply_multiplier: bool = Field(
        default=False,
        alias="applyMultiplier",
        description="Whether registers are multiplied by the transformer ratio of the device.",
    )

    def window(self, zone: ZoneInfo) -> Window:
        """Return the readings that are looked at."""
        since, until = self.bounds(zone)
        return Window(since=since, until=until, descending=self.sort == "descending")


class ExportQuery(ReadingsQuery):
    """The query of aggregated readings and usages."""

    patch: bool = Field(default=False, description="Fill holes.")
    query_missing: bool = Field(
        default=True, alias="queryMissing", description="Take periods without readings too."
    )
    add_last_usage: bool = Field(
        default=False, alias="addLastUsage", description="Take the period that is not over too."
    )


class FileQuery(ExportQuery):
    """The query of an exported file."""

    @property
    def decimal_mark(self) -> str:
        """The decimal mark of CSV."""
        return self.decimal_separator or ("," if self.locale == "pl" else ".")

    timezone: float = Field(
        default=0, ge=-24, le=24, description="Hours that the dates in the file are ahead of UTC."
    )
    column_separator: str = Field(
        default=";",
        pattern=r'^[^"\r\n\x00]$',
        alias="columnSeparator",
        description="What stands between the columns of CSV.",
    )
    decimal_separator: str | None = Field(
        default=None,
        pattern=r"^[.,]$",
        alias="decimalSeparator",
        description="The decimal mark in CSV; that of the language if left out.",
    )
    beacon_name: str | None = Field(
        default=None,
        max_length=200,
        alias="beaconName",
        description="The name of the device, as the file tells it.",
    )


class ProfileQuery(CodesQuery, BoundsQuery):
    """The query of a load profile."""

    force_recalculate: bool = Field(
        default=False, alias="forceRecalculate", description="Profiles are always computed anew."
    )


class ReportQuery(BoundsQuery):
    """The query of a report. Without both bounds there is none, which the API has words for."""

    since: _Date | None = Field(
        default=None,
        alias="from",
        description="The first instant.",
        json_schema_extra={REQUIRED_MARK: True},
    )
    until: _Date | None = Field(
        default=None,
        alias="to",
        description="The last instant.",
        json_schema_extra={REQUIRED_MARK: True},
    )
