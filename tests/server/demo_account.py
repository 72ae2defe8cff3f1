"""An account with the demo's two devices, and the readings of a Sunday and a Monday."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from onemeter_server.demo.meters import FLAT, HOUSE, flat_readings, house_readings

from .conftest import at

if TYPE_CHECKING:
    from onemeter_server.feeds.intake import Intake
    from onemeter_server.storage.store import Store

QUARTER_SECONDS: Final = 900
INSTALLED: Final = at("2024-05-18T22:00:00Z")  # a Sunday begins in Warsaw
READINGS: Final = 200


async def add_demo_devices(account: int, store: Store, intake: Intake) -> None:
    """Add both devices with one reading in each quarter-hour from `INSTALLED` on."""
    for record, readings in ((HOUSE, house_readings), (FLAT, flat_readings)):
        await store.add_device(account, record)
        await intake.take(record.id, islice(readings(INSTALLED), READINGS))
