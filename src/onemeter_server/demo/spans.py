"""Spans of time between whole seconds, perhaps open at an end: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `start` to `end` (epoch seconds, both included); `None` for no bound.

    Raises `ValueError` when it would end before it starts.
    """

    start: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        """Check the order of the bounds."""
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError("A span cannot end before it starts")

    def __contains__(self, time: int) -> bool:
        """Tell whether an instant (epoch seconds) lies in the span."""
        return (self.start is None or self.start <= time) and (self.end is None or time <= self.end)

    def without(self, cut: Span) -> Iterator[Span]:
        """Yield what is left when another span is cut out: nothing, one span or two."""
        ends_before = self.end is not None and cut.start is not None and self.end < cut.start
        starts_after = self.start is not None and cut.end is not None and cut.end < self.start
        if ends_before or starts_after:
            yield self
            return
        if cut.start is not None and (self.start is None or self.start < cut.start):
            yield Span(start=self.start, end=cut.start - 1)
        if cut.end is not None and (self.end is None or cut.end < self.end):
            yield Span(start=cut.end + 1, end=self.end)


def cut_out(spans: list[Span], cut: Span) -> list[Span]:
    """Return spans without the instants of another one."""
    return [left for span in spans for left in span.without(cut)]
