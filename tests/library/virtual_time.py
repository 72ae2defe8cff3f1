"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for something to happen, lets the time pass that it would have waited."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, move the clock on by `timeout`."""
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("Nothing is left to wait for: in real time this would hang")
            self.now += timeout
        return ready


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The event loop of `in_virtual_time`."""

    def __init__(self) -> None:
        """Start at zero."""
        self._jumping_selector = _JumpingSelector()
        super().__init__(self._jumping_selector)

    def time(self) -> float:
        """Return the virtual seconds since the start."""
        return self._jumping_selector.now


def in_virtual_time[T](main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; hours of waiting pass at once."""
    with asyncio.Runner(loop_factory=_VirtualTimeLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Return the seconds on the clock of the running event loop."""
    return asyncio.get_running_loop().time()
