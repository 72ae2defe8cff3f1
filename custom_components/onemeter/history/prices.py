"""What the owner pays and gets for energy: the prices stored with a device, as price lists."""

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from ..onemeter_cloud.costs import Price
from ..onemeter_cloud.history import HOUR_SECONDS
from ..onemeter_cloud.series import ENERGY_EXPORT, ENERGY_IMPORT, TARIFF_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

CONF_PRICES: Final = "prices"
CONF_VALID_FROM: Final = "valid_from"
IMPORT_PRICES: Final = (ENERGY_IMPORT, *TARIFF_KEYS)
PRICE_FIELDS: Final = (*IMPORT_PRICES, ENERGY_EXPORT)
"""The keys of stored prices: those of the energy series that they are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLists:
    """Price lists by the key of the energy series that they are for.

    `cost` holds those whose money is paid, `compensation` those whose money comes back. A series
    that never had a price has no list.
    """

    cost: Mapping[str, Sequence[Price]] = field(default_factory=dict)
    compensation: Mapping[str, Sequence[Price]] = field(default_factory=dict)


def with_prices(
    stored: Iterable[Mapping[str, Any]], valid_from: date, prices: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return the stored prices with those of a date put in place, taken away if there are none.

    Stored are dictionaries in the order of their dates: `valid_from` (ISO date) and a price per kWh
    for each of `PRICE_FIELDS` that has one.
    """
    day = valid_from.isoformat()
    others = [dict(period) for period in stored if period[CONF_VALID_FROM] != day]
    new = [{CONF_VALID_FROM: day, **prices}] if prices else []
    return sorted(others + new, key=lambda period: period[CONF_VALID_FROM])


def price_lists(
    stored: Iterable[Mapping[str, Any]], timezone: tzinfo, until: datetime
) -> PriceLists:
    """Return the price lists of stored prices, from midnight of their dates on.

    Those that do not start before `until` are left out. Prices of tariffs take the place of the
    price for all; a period without a price for something makes it cost nothing.
    """
    lists: dict[str, list[Price]] = {key: [] for key in PRICE_FIELDS}
    for period in stored:
        start = _hour_of(date.fromisoformat(period[CONF_VALID_FROM]), timezone)
        if start >= until.timestamp():
            continue
        by_tariff = any(key in period for key in TARIFF_KEYS)
        for key, prices in lists.items():
            per_kwh = 0.0 if key == ENERGY_IMPORT and by_tariff else period.get(key, 0.0)
            prices.append(Price(start=start, per_kwh=per_kwh))
    used = {
        key: tuple(prices)
        for key, prices in lists.items()
        if any(price.per_kwh for price in prices)
    }
    return PriceLists(
        cost={key: prices for key, prices in used.items() if key != ENERGY_EXPORT},
        compensation={key: prices for key, prices in used.items() if key == ENERGY_EXPORT},
    )


def _hour_of(day: date, timezone: tzinfo) -> int:
    """Return midnight of a day in epoch seconds, up to the next full hour of UTC."""
    midnight = datetime.combine(day, time(), timezone).timestamp()
    return math.ceil(midnight / HOUR_SECONDS) * HOUR_SECONDS
