"""The ten load profiles by the names that the API has for them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from onemeter_server.energy.calendars import Calendar
from onemeter_server.energy.profiles import (
    all_day_traces,
    daily_usage_in_tariffs,
    day_fine,
    day_weekend,
    day_working,
    load_duration,
    power_overspends,
    tariff_overall_summary,
    week_coarse,
    week_fine,
)
from onemeter_server.energy.tariffs import Contract, TariffError, power_limit

from .errors import invalid_profile_type, report_not_available

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onemeter_server.energy.profiles import Row
    from onemeter_server.energy.quarters import Registers
    from onemeter_server.energy.tariffs import Tariff
    from onemeter_server.models.records import DeviceRecord


class ProfileType(StrEnum):
    """What a profile shows; `energy.profiles` says it in detail."""

    ALL_DAY_TRACES = "allDayTraces"
    DAILY_USAGE_IN_TARIFFS = "dailyUsageInTariffs"
    DAY_FINE = "dayFine"
    DAY_WEEKEND = "dayWeekend"
    DAY_WORKING = "dayWorking"
    LOAD_DURATION = "loadDuration"
    POWER_OVERSPENDS = "powerOverspends"
    TARIFF_OVERALL_SUMMARY = "tariffOverallSummary"
    WEEK_COARSE = "weekCoarse"
    WEEK_FINE = "weekFine"

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the type of a name in any case; raise the API's 400 if there is none."""
        for one in cls:
            if one.lower() == name.lower():
                return one
        raise invalid_profile_type(name)

    @property
    def only_sure(self) -> bool:
        """Whether energy counts only where it is sure when it was used."""
        return self not in _OF_ALL_ENERGY


# Sums, in which no energy may be missing.
_OF_ALL_ENERGY: Final = frozenset(
    {
        ProfileType.DAILY_USAGE_IN_TARIFFS,
        ProfileType.POWER_OVERSPENDS,
        ProfileType.TARIFF_OVERALL_SUMMARY,
    }
)

_OF_CLOCKS: Final[Mapping[ProfileType, Callable[[Registers, Calendar], list[Row]]]] = {
    ProfileType.ALL_DAY_TRACES: all_day_traces,
    ProfileType.DAY_FINE: day_fine,
    ProfileType.DAY_WEEKEND: day_weekend,
    ProfileType.DAY_WORKING: day_working,
    ProfileType.WEEK_COARSE: week_coarse,
    ProfileType.WEEK_FINE: week_fine,
}

_OF_TARIFFS: Final[Mapping[ProfileType, Callable[[Registers, Calendar, Tariff], list[Row]]]] = {
    ProfileType.DAILY_USAGE_IN_TARIFFS: daily_usage_in_tariffs,
    ProfileType.TARIFF_OVERALL_SUMMARY: tariff_overall_summary,
}


def profile_of(kind: ProfileType, device: DeviceRecord) -> Callable[[Registers], list[Row]]:
    """Return what makes a profile of a device out of the usages of at least one register.

    Raises the API's 400 when it takes a contract that the device does not have.
    """
    calendar = Calendar(zone=device.zone)
    if kind is ProfileType.LOAD_DURATION:
        return load_duration
    if (of_clocks := _OF_CLOCKS.get(kind)) is not None:
        return lambda registers: of_clocks(registers, calendar)
    try:
        if (of_tariffs := _OF_TARIFFS.get(kind)) is not None:
            tariff = Contract.parse(device.contract).distribution
            return lambda registers: of_tariffs(registers, calendar, tariff)
        limit = power_limit(device.contract)
    except TariffError as error:
        raise report_not_available() from error
    return lambda registers: power_overspends(next(iter(registers.values())), limit)
