"""What the demo prints: its steps with their durations, and a table."""

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .check import Row

_STEP_WIDTH: Final = 60
_HEADINGS: Final = ("Device", "Entity", "Home Assistant", "Cloud", "OK")
_NOTHING: Final = "-"


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    _write(f"{text}\n")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print what is going on and, when it is done, how long it took."""
    _write(f"{what} ".ljust(_STEP_WIDTH, "."))
    start = time.perf_counter()
    result = "stopped after "
    try:
        yield
        result = ""
    finally:
        say(f" {result}{time.perf_counter() - start:.1f} s")


def table(rows: Sequence[Row]) -> str:
    """Return the rows of a comparison as aligned text."""
    cells = [
        _HEADINGS,
        *(
            (
                row.device,
                row.entity,
                row.home_assistant,
                _NOTHING if row.cloud is None else row.cloud,
                "yes" if row.ok else "NO",
            )
            for row in rows
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _write(text: str) -> None:
    # A reader that is gone must not keep the demo from stopping its processes.
    with suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()
