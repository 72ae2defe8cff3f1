"""The shape of a load profile."""

from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import ConfigDict, Field, with_config

from .fields import SHAPE, Instant
from .registers import RegisterMeta

ProfileName = Literal[
    "allDayTraces",
    "dailyUsageInTariffs",
    "dayFine",
    "dayWeekend",
    "dayWorking",
    "loadDuration",
    "powerOverspends",
    "tariffOverallSummary",
    "weekCoarse",
    "weekFine",
]


@with_config(SHAPE)
class ProfileTime(TypedDict):
    """A time of a day, of a week from Monday on, or how long a load lasts."""

    hour: Annotated[int, Field(ge=0)]
    """The hour: up to 23 in a day, up to 167 in a week."""
    minute: NotRequired[Annotated[int, Field(ge=0, le=45)]]
    """The minute that a quarter-hour begins at; absent from rows of hours."""


@with_config(
    ConfigDict(
        **SHAPE,
        json_schema_extra={
            "additionalProperties": {
                "type": "number",
                "description": "The energy of a register, in kWh or kvarh.",
                "examples": [0.42],
            }
        },
    )
)
class ProfileRow(TypedDict, total=False):
    """The energy of a span, by the OBIS codes of registers. The type decides on its fields."""

    time: ProfileTime
    date: Instant
    """When the day or the quarter-hour begins, in UTC."""
    tariff: str
    """The zone of the tariff."""
    usage: float
    """The energy of the first register once more, in kWh or kvarh; in rows of zones."""
    value: float
    """The mean power of a quarter-hour, in kW; in `powerOverspends`."""
    overspendValue: float
    """How far that is above the contracted power, in kW; in `powerOverspends`."""


@with_config(SHAPE)
class ProfileMeta(TypedDict):
    """What the rows hold."""

    keys: list[str]
    """The OBIS codes of the registers that were counted."""
    OBIS: dict[str, RegisterMeta]
    """What is known of these registers, by their OBIS codes."""


@with_config(SHAPE)
class UsageProfile(TypedDict):
    """When a device uses energy."""

    _id: Annotated[str, Field(description="An id of the profile.")]
    data: list[ProfileRow]
    """One row for each span."""
    UUID: str
    """The device."""
    createdAt: Instant
    """When the profile was computed, in UTC."""
    type: ProfileName
    """Which profile it is."""
    meta: ProfileMeta
