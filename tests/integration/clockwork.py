"""Moving the frozen time while requests travel over real sockets."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

STEP = timedelta(seconds=30)
CREEP = timedelta(microseconds=200)


async def live_through(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, time: timedelta, step: timedelta = STEP
) -> None:
    """Let the time go on in steps, and finish after each what it set off."""
    end = dt_util.utcnow() + time
    while dt_util.utcnow() < end:
        await pass_in_one_step(hass, freezer, step)


async def pass_in_one_step(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, time: timedelta
) -> None:
    """Let some time be over at once, and finish what that set off."""
    freezer.tick(time)
    async_fire_time_changed(hass)
    await settle(hass, freezer)


async def settle(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Finish what is under way.

    What waits for its turn in the request budget waits for the clock, which creeps on meanwhile:
    hardly at first, while requests are on their way, then faster.
    """
    creep = CREEP
    await hass.async_block_till_done()
    while any(not task.done() for task in hass._background_tasks):  # noqa: SLF001
        freezer.tick(creep)
        creep *= 1.01
        async_fire_time_changed(hass)
        await asyncio.sleep(0)
    await hass.async_block_till_done()
