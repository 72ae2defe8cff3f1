"""What Home Assistant's system information tells of all accounts together."""

import math
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components import system_health
from homeassistant.const import CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
from yarl import URL

from .account import is_account
from .const import DOMAIN
from .onemeter_cloud import Priority

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from datetime import timedelta

    from homeassistant.core import HomeAssistant

    from .data import OneMeterConfigEntry, OneMeterData

_CAN_REACH_SERVER: Final = "can_reach_server"
_MINUTES_PER_HOUR: Final = 60
_MINUTES_PER_DAY: Final = 24 * _MINUTES_PER_HOUR


@callback
def async_register(_hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Tell Home Assistant whom to ask."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the information; a server's reachability follows once it is known."""
    entries = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN, include_disabled=False)
        if is_account(entry)
    ]
    loaded: list[OneMeterConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return {
        "accounts": len(entries),
        **await _async_reachability(hass, {URL(entry.data[CONF_URL]) for entry in entries}),
        **_of_accounts([entry.runtime_data for entry in loaded]),
    }


async def _async_reachability(
    hass: HomeAssistant, addresses: Iterable[URL]
) -> dict[str, Coroutine[Any, Any, str | dict[str, str]]]:
    """Return for each server whether it answers; where there are several, with its name."""
    servers = sorted({address.origin() for address in addresses})
    names = [_CAN_REACH_SERVER]
    if len(servers) > 1:
        path = f"component.{DOMAIN}.system_health.info.{_CAN_REACH_SERVER}"
        texts = await async_get_translations(hass, hass.config.language, "system_health", {DOMAIN})
        names = [f"{texts[path]} ({server.authority})" for server in servers]
    return {
        name: system_health.async_check_can_reach_url(hass, str(server))
        for name, server in zip(names, servers, strict=False)
    }


def _of_accounts(accounts: list[OneMeterData]) -> dict[str, Any]:
    """Return what running accounts know; what nobody knows is left out."""
    clouds = [account.coordinator.cloud for account in accounts]
    info: dict[str, Any] = {
        "requests_last_hour": sum(cloud.requests_in_last_hour for cloud in clouds)
    }
    if clouds:
        wait = max(cloud.seconds_until_allowed(Priority.USER) for cloud in clouds)
        info["next_request_in"] = f"{math.ceil(wait)} s"
    dates = [
        state.read_at
        for account in accounts
        for state in account.coordinator.data.values()
        if state.read_at is not None
    ]
    if dates:
        info["newest_reading"] = age_text(dt_util.utcnow() - max(dates))
    percents = [
        account.history.percent(device_id)
        for account in accounts
        if account.history is not None
        for device_id in account.coordinator.subentry_ids
    ]
    if percents:
        info["history_progress"] = f"{min(percents)} %"
    return info


def age_text(age: timedelta) -> str:
    """Return an age in the two units that matter, with signs that all languages know."""
    minutes = max(0, int(age.total_seconds() // 60))
    days, minutes_of_day = divmod(minutes, _MINUTES_PER_DAY)
    hours, minutes_of_hour = divmod(minutes_of_day, _MINUTES_PER_HOUR)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes_of_hour} min"
    return f"{minutes_of_hour} min"
