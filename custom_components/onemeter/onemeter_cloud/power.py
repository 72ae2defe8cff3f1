"""Average power from two readings, for meters that have no register of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .models import Device

_SECONDS_PER_HOUR: Final = 3600.0


def average_power_kw(earlier: Device, later: Device, *, multiply: bool = True) -> float | None:
    """Return the average power between the last readings of two states of one device, in kW.

    It comes from the main register of the device. `None` where that register is missing, has
    fallen (the meter was replaced), or where it has not been read since.
    """
    code = later.main_register
    if code is None:
        return None
    start, end = earlier.last_reading.time_of(code), later.last_reading.time_of(code)
    if start is None or end is None or end <= start:
        return None
    before, after = earlier.number(code, multiply=multiply), later.number(code, multiply=multiply)
    if before is None or after is None or after < before:
        return None
    return (after - before) / ((end - start).total_seconds() / _SECONDS_PER_HOUR)
