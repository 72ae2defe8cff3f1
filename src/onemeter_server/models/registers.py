"""Registers that count energy, and what they can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from onemeter_cloud.obis import REGISTERS, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNTER_MAXIMUM: Final = 42_949_672.95
"""The highest value of a counter, in kWh or kvarh."""

COUNTER_DECIMALS: Final = 2
"""Counters show hundredths."""

_COUNTED: Final = frozenset({Quantity.ENERGY, Quantity.REACTIVE_ENERGY})


def counts_energy(code: str) -> bool:
    """Tell whether an OBIS code is a register that counts active or reactive energy."""
    register = REGISTERS.get(code)
    return register is not None and register.quantity in _COUNTED


def check_start_values(registers: Mapping[str, float]) -> None:
    """Raise `ValueError` unless all are energy registers with values that a counter can show."""
    for code, value in registers.items():
        if not counts_energy(code):
            raise ValueError(f"{code} is no register that counts energy")
        if not 0 <= value <= COUNTER_MAXIMUM:
            raise ValueError(f"{code} cannot start at {value}")
