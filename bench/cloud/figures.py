"""Figures: what was measured, its goal, and something known that was measured in the same run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALL_DIGITS_FROM: Final = 100
_WIDTHS: Final = (58, 13, 13, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure in some unit, and its goal: the most it may be, with `at_least` the least.

    `beside` names what was measured beside it, and `known` is how much that was.
    """

    what: str
    measured: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    beside: str = ""
    known: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the goal is met, if there is one."""
        if self.goal is None:
            return True
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal

    def __str__(self) -> str:
        """Return the line of the table."""
        goal = ""
        if self.goal is not None:
            goal = f"{'>=' if self.at_least else '<='} {_number(self.goal)} {self.unit}"
        verdict = "" if self.goal is None else "met" if self.is_met else "MISSED"
        cells = (self.what, f"{_number(self.measured)} {self.unit}", goal, verdict)
        return f"{_columns(cells)}  {self._comparison()}".rstrip()

    def _comparison(self) -> str:
        if self.known is None:
            return self.beside
        known = f"{self.beside} {_number(self.known)} {self.unit}"
        return f"{known}, ratio {self.measured / self.known:.2f}" if self.known else known


def print_head() -> None:
    """Print what the columns of the table are."""
    print(f"{_columns(('figure', 'measured', 'goal', ''))}  beside it, in the same run")


def print_figures(figures: Iterable[Figure]) -> bool:
    """Print figures as they come; return whether all goals are met."""
    met = True
    for figure in figures:
        print(figure, flush=True)
        met &= figure.is_met
    return met


def _columns(cells: tuple[str, ...]) -> str:
    what, *others = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    )
    return " ".join((what, *others))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _ALL_DIGITS_FROM else f"{value:.3g}"
