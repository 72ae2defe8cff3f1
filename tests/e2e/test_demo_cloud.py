"""The demo's cloud: a process whose readings can be withheld and whose meters can be replaced."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from demo.cloud import LocalCloud
from demo.errors import DemoError
from demo.processes import free_port
from onemeter_server.demo.meters import FLAT_ID, HOUSE_ID

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def last_dates(cloud: LocalCloud) -> list[str | None]:
    readings = [device["lastReading"] for device in await cloud.devices()]
    return [None if reading is None else reading["date"] for reading in readings]


async def test_its_readings_can_be_withheld_and_released(tmp_path: Path) -> None:
    async with LocalCloud(tmp_path, port=free_port()) as cloud:
        two_years_ago = datetime.now(UTC) - timedelta(days=730)
        await cloud.withhold(HOUSE_ID, two_years_ago)
        assert (await last_dates(cloud))[0] is None

        await cloud.release(HOUSE_ID)
        assert (await last_dates(cloud))[0] is not None

        await cloud.replace_meter(FLAT_ID, {"15_8_0": 10})
        with pytest.raises(DemoError, match="refused to replace-meter: 400"):
            await cloud.replace_meter(FLAT_ID, {"16_7_0": 10})
