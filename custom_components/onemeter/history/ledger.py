"""The statistics of one device in the recorder: what stands there, and making it right."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.const import UnitOfEnergy
from homeassistant.util.unit_conversion import EnergyConverter

from ..onemeter_cloud.series import ENERGY_KEYS
from .costs import async_settle
from .meaning import EARLIEST, ENERGY_COMPENSATION, ENERGY_COST, statistic_id
from .recorder import (
    CLOCK_TOLERANCE_SECONDS,
    Statistic,
    async_add,
    async_last_rows,
    async_make_equal,
    async_rows,
    async_settled,
    async_windows,
    differing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from homeassistant.core import HomeAssistant

    from ..onemeter_cloud.history import HourRow
    from .outline import Outline
    from .prices import PriceLists

    type Rows = Mapping[str, Sequence[HourRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Reads and writes a device's statistics, by the keys of their series.

    `device_name` is what the owner calls the device, `names` are those of statistics by their keys,
    with a place for it. All times are epoch seconds.
    """

    hass: HomeAssistant
    device_id: str
    device_name: str
    names: Mapping[str, str]

    async def async_older(self, before: int) -> Rows:
        """Return what stands before an hour, as far as there were readers then.

        The recorder may know more than the cloud does: what the cloud has lost is still true.
        """
        older: dict[str, list[HourRow]] = {key: [] for key in ENERGY_KEYS}
        async for _, _, rows in async_windows(self.hass, self._energy_ids, EARLIEST, before):
            for key, of_key in self._by_key(rows).items():
                older[key] += of_key
        return older

    async def async_known(self, start: int) -> Rows:
        """Return what stands from an hour on; of a series without that, its last rows."""
        await async_settled(self.hass, self._id(ENERGY_KEYS[0]))
        known = self._by_key(await async_rows(self.hass, self._energy_ids, start))
        return {
            key: rows or await async_last_rows(self.hass, self._id(key), 2)
            for key, rows in known.items()
        }

    async def async_fits(self, outlines: Mapping[str, Outline], now: int) -> bool:
        """Tell whether all that stands there is as it was written, and nothing else is."""
        ids = [self._id(key) for key in outlines]
        first = min(outline.first for outline in outlines.values())
        until = now + CLOCK_TOLERANCE_SECONDS
        for outside in (
            await async_rows(self.hass, ids, 0, first),
            await async_rows(self.hass, ids, until),
        ):
            if any(outside.values()):
                return False
        async for begin, end, rows in async_windows(self.hass, ids, first, until):
            if not all(
                outline.fits(rows[self._id(key)], begin, end) for key, outline in outlines.items()
            ):
                return False
        return True

    async def async_make_equal(
        self, rows: Rows, now: int, on_done: Callable[[int], None] | None = None
    ) -> int:
        """Make the statistics equal to rows; return how many had to be written.

        `on_done` is called with how many of all rows are right.
        """
        changed = right = 0

        def note(of_key: int) -> None:
            if on_done is not None:
                on_done(right + of_key)

        for key, of_key in rows.items():
            changed += await async_make_equal(
                self.hass, self._statistic(key), of_key, now=now, on_done=note
            )
            right += len(of_key)
        return changed

    async def async_write(self, rows: Rows, known: Rows) -> int:
        """Write the rows that differ from those known; return how many did."""
        return sum(
            [
                await async_add(self.hass, self._statistic(key), differing(of_key, known[key]))
                for key, of_key in rows.items()
            ]
        )

    async def async_settle_costs(self, prices: PriceLists, since: int | None, now: int) -> int:
        """Make money right from an hour on, or all of it; return how many rows differed."""
        return sum(
            [
                await async_settle(
                    self.hass,
                    self._statistic(key),
                    {self._id(energy): of_energy for energy, of_energy in lists.items()},
                    since=since,
                    now=now,
                )
                for key, lists in (
                    (ENERGY_COST, prices.cost),
                    (ENERGY_COMPENSATION, prices.compensation),
                )
                if lists
            ]
        )

    def _statistic(self, key: str) -> Statistic:
        """Return the statistic of a series: energy, or money in the home's currency."""
        money = key in {ENERGY_COST, ENERGY_COMPENSATION}
        return Statistic(
            statistic_id=self._id(key),
            name=self.names[key].format(device=self.device_name),
            unit=self.hass.config.currency if money else UnitOfEnergy.KILO_WATT_HOUR,
            unit_class=None if money else EnergyConverter.UNIT_CLASS,
        )

    def _id(self, key: str) -> str:
        return statistic_id(self.device_id, key)

    @property
    def _energy_ids(self) -> tuple[str, ...]:
        return tuple(map(self._id, ENERGY_KEYS))

    def _by_key(self, rows: Rows) -> Rows:
        return {key: rows[self._id(key)] for key in ENERGY_KEYS}
