"""Registers as numbers: values come as numbers, as numeric texts, or as something else."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .records import JSON


def as_number(value: JSON) -> int | float | None:
    """Return a register's value as a finite number, `None` if it is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if isfinite(value) else None
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        return number if isfinite(number) else None
    return None
