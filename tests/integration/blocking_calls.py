"""Home Assistant's own detection of calls that block the event loop, kept on during a test.

Home Assistant looks at the stack for the innermost file of an integration: it reports a blocking
call of ours and of what we call, and never one of the local cloud, which shares the loop.
"""

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, override

from homeassistant import block_async_io
from homeassistant.util import loop

from custom_components.onemeter.const import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

_REPORT = f"custom integration '{DOMAIN}'"


class _Reports(logging.Filter):
    """Collects what Home Assistant's detection reports of our integration.

    What it reports of others, such as the local cloud, is kept out of the tests' logs.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.reports: list[str] = []

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a report of ours, and let only such pass."""
        message = record.getMessage()
        ours = _REPORT in message
        if ours:
            self.reports.append(message)
        return ours


@contextmanager
def detection(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Switch the detection on; give the list that its reports of our integration go into.

    In tests Home Assistant leaves out most calls, and it reports each place once per process: here
    it reports all, and each in every test.
    """
    seen = loop._PREVIOUSLY_REPORTED  # noqa: SLF001
    seen.difference_update([place for place in seen if place[0] == DOMAIN])
    reports = _Reports()
    logger = logging.getLogger(loop.__name__)
    logger.addFilter(reports)
    with monkeypatch.context() as patch:
        patch.setattr(block_async_io, "_IN_TESTS", False)
        block_async_io.enable()
    try:
        yield reports.reports
    finally:
        _disable()
        logger.removeFilter(reports)


def _disable() -> None:
    """Undo what Home Assistant patches for the process's life."""
    calls = block_async_io._BLOCKED_CALLS.calls  # noqa: SLF001
    for call in calls:
        setattr(call.object, call.function, call.original_func)
    calls.clear()
