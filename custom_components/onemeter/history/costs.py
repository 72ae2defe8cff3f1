"""What energy costs: made of the energy that stands in the recorder and of the owner's prices.

So a new price, a corrected one, and a statistic of money that was lost need no readings.
"""

from typing import TYPE_CHECKING

from ..onemeter_cloud.costs import Priced, cost_rows
from ..onemeter_cloud.history import HOUR_SECONDS, HourRow
from .recorder import async_add, async_make_equal, async_rows, async_windows, differing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeassistant.core import HomeAssistant

    from ..onemeter_cloud.costs import Price
    from .recorder import Rows, Statistic

    type Prices = Mapping[str, Sequence[Price]]


async def async_settle(
    hass: HomeAssistant, money: Statistic, prices: Prices, *, since: int | None, now: int
) -> int:
    """Make a statistic of money right from an hour on; return how many rows differed.

    `prices` are those of each statistic of energy, by their ids. Without `since`, or where what was
    paid before is not there, it is all made anew.
    """
    begin = min(price.start for of_energy in prices.values() for price in of_energy)
    if since is not None and since > begin:
        first = since - since % HOUR_SECONDS
        before = await async_rows(hass, [money.statistic_id, *prices], first - HOUR_SECONDS, first)
        if paid := before[money.statistic_id]:
            rows = [
                HourRow(row.start, row.state + paid[-1].state, row.sum + paid[-1].sum)
                for row in await _rows(hass, prices, first, now, before)
            ]
            known = await async_rows(hass, [money.statistic_id], first)
            return await async_add(hass, money, differing(rows, known[money.statistic_id]))
    before = await async_rows(hass, prices, begin - HOUR_SECONDS, begin)
    rows = await _rows(hass, prices, begin, now, before)
    return await async_make_equal(hass, money, rows, now=now)


async def _rows(
    hass: HomeAssistant, prices: Prices, first: int, now: int, before: Rows
) -> list[HourRow]:
    """Return the costs of the hours from `first` on; `before` are the rows of the hour before."""
    sums = {the_id: before[the_id][-1].sum if before[the_id] else 0.0 for the_id in prices}
    costs: list[HourRow] = []
    async for _, _, rows in async_windows(hass, prices.keys(), first, now + HOUR_SECONDS):
        costs += cost_rows(
            [
                Priced(rows=rows[the_id], prices=of_energy, before=sums[the_id])
                for the_id, of_energy in prices.items()
            ],
            costs[-1].sum if costs else 0.0,
        )
        sums |= {the_id: of_energy[-1].sum for the_id, of_energy in rows.items() if of_energy}
    return costs
