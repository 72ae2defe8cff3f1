"""Contracts that the tests of tariffs, costs, profiles and reports are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKDAYS = (1, 2, 3, 4, 5)
WEEKEND = (6, 7)
EVERY_DAY = (*WORKDAYS, *WEEKEND)
EVERY_MONTH = (*range(1, 13),)


def period(
    weekdays: Sequence[int], *hours: tuple[int, int], months: Sequence[int] = EVERY_MONTH
) -> dict[str, Any]:
    """When a zone holds: from hour to hour, on these weekdays of these months."""
    return {
        "inEffect": {"months": [*months], "weekdays": [*weekdays]},
        "bounds": [
            {"from": {"hour": begin, "minute": 0}, "to": {"hour": end, "minute": 0}}
            for begin, end in hours
        ],
    }


def zone(name: str, price: float, *periods: dict[str, Any]) -> dict[str, Any]:
    """A zone of a tariff."""
    return {"name": name, "variablePriceComponent": price, "periods": [*periods]}


def tariff(name: str, *zones: dict[str, Any], **prices: float) -> dict[str, Any]:
    """A tariff in the vendor's shape; prices that are not given are 0."""
    return {
        "_id": "000000000000000000000000",
        "distributionNetworkOperator": "Operator",
        "name": name,
        "prices": {
            "constantPriceComponent": 0,
            "qualityComponent": 0,
            "interimComponent": 0,
            "renewableEnergyCharge": 0,
            "standingCharge": 0,
            **prices,
        },
        "reactiveEnergyFeeMultiplier": 3,
        "zones": [*zones],
    }


G11 = tariff(
    "G11",
    zone("Cała doba", 0.25, period(EVERY_DAY, (0, 24))),
    constantPriceComponent=9,
    qualityComponent=0.0125,
    interimComponent=2,
    standingCharge=1,
)
G12 = tariff(
    "G12",
    zone("Dzienna", 0.4, period(EVERY_DAY, (6, 13), (15, 22))),
    zone("Nocna", 0.1, period(EVERY_DAY, (13, 15), (22, 6))),
    constantPriceComponent=9,
)
G12W = tariff(
    "G12w",
    zone("Szczytowa", 0.5, period(WORKDAYS, (6, 13), (15, 22))),
    zone(
        "Pozaszczytowa",
        0.125,
        period(WORKDAYS, (0, 6), (13, 15), (22, 24)),
        period(WEEKEND, (0, 24)),
    ),
    constantPriceComponent=10,
)
