"""Until when what is known of a device can be shown as its present state."""

from typing import TYPE_CHECKING

from homeassistant.core import callback

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable


class Freshness:
    """Keeps a deadline for each device, and tells when one has passed.

    Deadlines are on the event loop's clock, which neither a wrong time of day nor its correction
    can move.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_expired: Callable[[], None]) -> None:
        """Start without any device."""
        self._loop = loop
        self._on_expired = on_expired
        self._deadlines: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    @callback
    def extend(self, device_ids: Iterable[str], seconds: float) -> None:
        """Keep devices fresh for so many seconds from now on, if they are not for longer."""
        deadline = self._loop.time() + seconds
        for device_id in device_ids:
            self._deadlines[device_id] = max(self._deadlines.get(device_id, deadline), deadline)
        self._set_timer()

    @callback
    def clear(self) -> None:
        """Let nothing be fresh any more; nobody is told."""
        self._deadlines.clear()
        self._set_timer()

    def is_fresh(self, device_id: str) -> bool:
        """Tell whether what is known of a device can still be shown."""
        deadline = self._deadlines.get(device_id)
        return deadline is not None and self._loop.time() < deadline

    @callback
    def _set_timer(self) -> None:
        """Wake up when the next deadline passes."""
        if self._timer is not None:
            self._timer.cancel()
        now = self._loop.time()
        coming = min((time for time in self._deadlines.values() if time > now), default=None)
        self._timer = self._loop.call_at(coming, self._expired) if coming is not None else None

    @callback
    def _expired(self) -> None:
        self._timer = None
        self._set_timer()
        self._on_expired()
