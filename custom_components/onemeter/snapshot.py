"""The last good answer of the cloud on the disk, to start with when the cloud cannot be reached.

It holds what entities show of the chosen devices, when that was, and what the poller has learned.
Owners, addresses and keys are not in it: the library does not even read the former.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .onemeter_cloud import Device, device_payload
from .onemeter_cloud.models import parse_device

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant

SHORTEST_SAVE_INTERVAL: Final = timedelta(hours=1)
"""Memory cards wear out; a snapshot that is an hour old is as good to start with."""

_STORE_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the last good answer said, when it came, and what the poller knew then."""

    at: datetime
    devices: Mapping[str, Device]
    schedule: Mapping[str, Any]


class SnapshotStore:
    """Reads and writes an account's snapshot, seldom."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare the file."""
        self._store = _store_of(hass, entry_id)
        # At most one: what comes after it takes its place.
        self._unsaved: deque[Snapshot] = deque(maxlen=1)
        self._saved_at: datetime | None = None

    async def async_load(self) -> Snapshot | None:
        """Return what was stored, `None` if nothing was."""
        stored = await self._store.async_load()
        if stored is None:
            return None
        return Snapshot(
            at=datetime.fromisoformat(stored["at"]),
            devices={
                device_id: parse_device(payload, device_id)
                for device_id, payload in stored["devices"].items()
            },
            schedule=stored["schedule"],
        )

    @callback
    def async_keep(self, snapshot: Snapshot) -> None:
        """Write this, or what comes after it, before long; Home Assistant's end does it at once."""
        pending = bool(self._unsaved)
        self._unsaved.append(snapshot)
        if not pending:
            wait = timedelta()
            if self._saved_at is not None:
                wait = SHORTEST_SAVE_INTERVAL - abs(dt_util.utcnow() - self._saved_at)
            self._store.async_delay_save(self._data, max(wait, timedelta()).total_seconds())

    async def async_flush(self) -> None:
        """Write now what would be written before long."""
        if self._unsaved:
            await self._store.async_save(self._data())

    def _data(self) -> dict[str, Any]:
        """Return what is written: the newest snapshot."""
        snapshot = self._unsaved.pop()
        self._saved_at = dt_util.utcnow()
        return {
            "at": snapshot.at.isoformat(),
            "devices": {
                device_id: device_payload(device) for device_id, device in snapshot.devices.items()
            },
            "schedule": dict(snapshot.schedule),
        }


async def async_forget_snapshot(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the snapshot of an account that is removed."""
    await _store_of(hass, entry_id).async_remove()


def _store_of(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _STORE_VERSION, f"{DOMAIN}.{entry_id}.snapshot")
