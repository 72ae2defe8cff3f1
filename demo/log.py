"""What Home Assistant's log says about the integration: pure functions of its text."""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_START: Final = re.compile(
    r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\S* (?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) "
)

# Home Assistant says so of every custom integration.
_NOT_TESTED: Final = "We found a custom integration"

ERRORS: Final = frozenset({"ERROR", "CRITICAL"})
WARNINGS: Final = frozenset({"WARNING"})


def records_about(text: str, word: str, levels: frozenset[str], *, root: str = "") -> list[str]:
    """Return the records of these levels that mention a word, tracebacks included.

    `root` is a folder whose own path is no mention: tracebacks are full of it.
    """
    return [
        record
        for level, record in _records(text)
        if level in levels
        and _NOT_TESTED not in record
        and word in (record.replace(root, "") if root else record).casefold()
    ]


def _records(text: str) -> Iterator[tuple[str, str]]:
    """Yield level and text of each record; lines without a time belong to the record before."""
    level, lines = "", list[str]()
    for line in text.splitlines():
        if start := _START.match(line):
            if lines:
                yield level, "\n".join(lines)
            level, lines = start["level"], []
        lines.append(line)
    if lines:
        yield level, "\n".join(lines)
