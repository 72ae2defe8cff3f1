"""Moving the frozen time while requests travel over real sockets."""

import asyncio
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from homeassistant.helpers.aiohttp_client import DATA_CONNECTOR
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.onemeter.onemeter_cloud import account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

STEP = timedelta(seconds=30)
PAST_THE_NEXT_POLL = timedelta(minutes=31)
CREEP = timedelta(milliseconds=250)
LOOK_AGAIN_SECONDS = 0.002


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
    """Let some time be over at once, and finish what that set off.

    Without asyncio's debug mode, which would note a traceback for each of very many callbacks.
    """
    hass.loop.set_debug(False)
    freezer.tick(time)
    async_fire_time_changed(hass)
    await settle(hass, freezer)


async def settle(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Finish what is under way.

    The time goes on only for what waits for its turn in the request budget: a request that is on
    its way must not run into its time limit because the machine is slow.
    """
    await hass.async_block_till_done()
    while any(not task.done() for task in hass._background_tasks):  # noqa: SLF001
        queued = any(shared.limiter._queue for shared in account._ACCOUNTS.values())  # noqa: SLF001
        if queued and not any(on_their_way(hass)):
            freezer.tick(CREEP)
            async_fire_time_changed(hass)
            await asyncio.sleep(0)
        else:
            await let_threads_work(hass)
    await hass.async_block_till_done()


def on_their_way(hass: HomeAssistant) -> Iterator[object]:
    """Return the connections of Home Assistant's web clients that a request is travelling on."""
    for connector in hass.data.get(DATA_CONNECTOR, {}).values():
        yield from connector._acquired  # noqa: SLF001


async def let_threads_work(hass: HomeAssistant) -> None:
    """Let some real time go by, as the loop's own stands still.

    A loop that looks all the time takes the processor from the threads that it waits for: those of
    the databases, which do most of the work.
    """
    await hass.loop.run_in_executor(None, threading.Event().wait, LOOK_AGAIN_SECONDS)
