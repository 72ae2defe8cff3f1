"""Raw JSON to Python values. Whatever cannot be read becomes `None` (or empty), never an error."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

type JSON = bool | int | float | str | list[JSON] | dict[str, JSON] | None
"""What a JSON document can hold."""

# Dates outside of these years are a reader that lost its clock, not a reading.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM: Final = 1e11

# What fits into 64 bits, with or without a sign: other integers are no JSON everywhere.
_INTEGERS: Final = range(-(2**63), 2**64)

# What a meter gives for a register that it does not have: 32 bits, all set, of some unit.
_NO_VALUES: Final = frozenset(
    value
    for decimals in range(7)
    for value in (0xFFFFFFFF / 10**decimals, 0xFFFFFFFF * 10.0**-decimals)
)

_NOTHING: Final[Mapping[str, JSON]] = MappingProxyType({})


def as_strict_json(value: JSON) -> JSON:
    """Return what can be written as JSON again, as `as_number` and UTF-8 see it.

    Numbers that are not finite become `None`, integers of more than 64 bits become floats, and the
    half of a character that is written as a pair becomes a question mark.
    """
    match value:
        case dict():
            return {_whole(name): as_strict_json(inner) for name, inner in value.items()}
        case list():
            return [as_strict_json(inner) for inner in value]
        case str():
            return _whole(value)
        case float():
            return as_number(value)
        case int() if value not in _INTEGERS:
            return as_number(value)
    return value


def as_mapping(value: JSON) -> Mapping[str, JSON]:
    """Return a JSON object as it is, anything else as an empty mapping."""
    return value if isinstance(value, dict) else _NOTHING


def as_sequence(value: JSON) -> Sequence[JSON]:
    """Return a JSON array as it is, anything else as an empty sequence."""
    return value if isinstance(value, list) else ()


def as_number(value: object) -> float | None:
    """Return a finite number, also from a numeric string; `None` for everything else."""
    if type(value) is float:  # first, as nearly all of a history are
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    # Python would read "1_8_0" as 180.
    if isinstance(value, str) and "_" in value:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def is_no_value(value: object) -> bool:
    """Tell whether a value is what a meter gives for a register that it does not have."""
    return as_number(value) in _NO_VALUES


def as_register(value: object) -> float | None:
    """Return the number that a register shows, `None` also for a meter's "no value"."""
    number = as_number(value)
    return None if number in _NO_VALUES else number


def as_serial(value: object) -> str | None:
    """Return a serial number so that those of one meter are equal, `None` if there is none.

    It comes as a text or as a number, with and without zeros before it.
    """
    if is_no_value(value) or (text := as_text(value)) is None:
        return None
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    return text.lstrip("0") or None


def as_text(value: object) -> str | None:
    """Return a text without surrounding space, also of a number; `None` when nothing is left."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return str(value).strip() or None


def as_boolean(value: JSON) -> bool | None:
    """Return a JSON boolean, `None` for everything else."""
    return value if isinstance(value, bool) else None


def as_instant(value: JSON) -> datetime | None:
    """Return an instant in UTC from ISO 8601 or from epoch (milli)seconds; `None` if absurd.

    A text without a time zone is taken as UTC, as the API's times are.
    """
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value)
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=UTC)
            instant = instant.astimezone(UTC)
        elif (number := as_number(value)) is not None:
            seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
            instant = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return instant if EARLIEST <= instant < LATEST else None


def _whole(text: str) -> str:
    return text.encode(errors="replace").decode()
