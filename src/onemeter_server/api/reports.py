"""The answer of `devices/{id}/report/summary`: the energy of a time by zone, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING

from onemeter_server.energy.calendars import Calendar
from onemeter_server.energy.costs import cost_of, energy_by_zone
from onemeter_server.energy.profiles import DECIMALS, power_overspends
from onemeter_server.models.dates import format_epoch

from .profiles import ProfileType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onemeter_server.energy.costs import Cost, ZoneCost
    from onemeter_server.energy.quarters import Usages
    from onemeter_server.energy.tariffs import Contract, Tariff
    from onemeter_server.models.records import JSON, DeviceRecord, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of: a device, its contract, a time, and what was used in it.

    `code` is the register that `active` (kWh) is of; `reactive` (kvarh, inductive) is `None` where
    no register counts it. The bounds of the time are epoch seconds, and `made` is the present.
    """

    device: DeviceRecord
    contract: Contract
    since: int
    until: int
    made: int
    code: str
    active: Usages
    reactive: Usages | None

    def summary(self) -> Values:
        """Return the answer.

        `contractedPowerOverspends` is there if the contract limits the power, `tangensPhi` and what
        else tells of reactive energy if that is counted. Retail prices are those of the contract's
        `retailTariff`; without one they are empty.
        """
        calendar = Calendar(zone=self.device.zone)
        tariff = self.contract.distribution
        active = energy_by_zone(self.active, tariff, calendar)
        profile = {"activeEnergy": self._entity(_by_zone(tariff, active))}
        usage = {"activeEnergy": _told(fsum(active))}
        if self.reactive is not None:
            reactive = energy_by_zone(self.reactive, tariff, calendar)
            profile["tangensPhi"] = {"data": _tangents(tariff, active, reactive)}
            profile["reactiveInductiveEnergy"] = self._entity(_by_zone(tariff, reactive))
            usage["reactiveEnergy"] = _told(fsum(reactive))
        months = calendar.months(self.since, self.until)
        retail = self.contract.retail
        return {
            "range": {"from": format_epoch(self.since), "to": format_epoch(self.until)},
            "profile": profile,
            "usage": usage,
            "prices": {
                "distribution": _distribution(cost_of(tariff, active, months)),
                "retail": _retail(
                    None
                    if retail is None
                    else cost_of(retail, energy_by_zone(self.active, retail, calendar), months)
                ),
            },
            "contract": tariff.name,
            **self._overspends(),
            "meta": {"activeEnergyCode": self.code},
        }

    def _overspends(self) -> Values:
        limit = self.contract.power_limit
        if limit is None:
            return {}
        data = power_overspends(self.active, limit)
        return {"contractedPowerOverspends": self._entity(data, ProfileType.POWER_OVERSPENDS)}

    def _entity(
        self, data: Sequence[JSON], kind: ProfileType = ProfileType.TARIFF_OVERALL_SUMMARY
    ) -> dict[str, JSON]:
        """Return a profile of the device as reports have it."""
        return {
            "data": data,
            "UUID": self.device.id,
            "createdAt": format_epoch(self.made),
            "type": kind,
        }


def _by_zone(tariff: Tariff, energies: Sequence[float]) -> Sequence[JSON]:
    return [
        {"usage": _told(energy), "tariff": zone.name}
        for zone, energy in zip(tariff.zones, energies, strict=True)
    ]


def _tangents(tariff: Tariff, active: Sequence[float], reactive: Sequence[float]) -> Sequence[JSON]:
    """Return reactive energy for active energy, of zones in which there was any."""
    return [
        {"tariff": zone.name, "usage": _told(of_zone / energy)}
        for zone, energy, of_zone in zip(tariff.zones, active, reactive, strict=True)
        if energy > 0
    ]


def _distribution(cost: Cost) -> JSON:
    """Return what distribution costs."""
    return {
        "constantComponent": _told(cost.constant),
        "interimComponent": _told(cost.interim),
        "standingCharge": _told(cost.standing),
        "usageComponents": [_usage_component(zone) for zone in cost.zones],
        "total": _told(cost.total),
    }


def _usage_component(zone: ZoneCost) -> JSON:
    """Return what a zone costs, with a charge for renewable energy only where there is one."""
    component: dict[str, JSON] = {
        "zone": zone.zone,
        "qualityComponent": _told(zone.quality),
        "variableComponent": _told(zone.variable),
    }
    if zone.renewable:
        component["renewableComponent"] = _told(zone.renewable)
    return component


def _retail(cost: Cost | None) -> JSON:
    """Return what the energy itself costs, which has one price a zone and one a month."""
    if cost is None:
        return {"constantComponent": 0.0, "usageComponents": [], "total": 0.0}
    return {
        "constantComponent": _told(cost.constant + cost.interim + cost.standing),
        "usageComponents": [
            {"zone": zone.zone, "price": _told(zone.variable + zone.quality + zone.renewable)}
            for zone in cost.zones
        ],
        "total": _told(cost.total),
    }


def _told(number: float) -> float:
    return round(number, DECIMALS)
