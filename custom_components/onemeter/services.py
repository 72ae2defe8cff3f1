"""Actions: reading the history again, and getting readings."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import probatio
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_device_and_config_entry
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .errors import action_error
from .onemeter_cloud import OneMeterError
from .onemeter_cloud.parsing import EARLIEST, LATEST
from .onemeter_cloud.readings import format_instant

if TYPE_CHECKING:
    from homeassistant.util.json import JsonObjectType

    from .data import OneMeterConfigEntry, OneMeterData

SERVICE_IMPORT_HISTORY: Final = "import_history"
SERVICE_GET_READINGS: Final = "get_readings"

ATTR_CODES: Final = "codes"
ATTR_END: Final = "end"
ATTR_START: Final = "start"

LONGEST_WAIT_SECONDS: Final = 120.0
"""How long an action waits for its turn in the request budget before it says that it is spent."""

_IMPORT_HISTORY_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(ATTR_DEVICE_ID): cv.string,
        probatio.Optional(ATTR_START): cv.datetime,
        probatio.Optional(ATTR_END): cv.datetime,
    }
)
_GET_READINGS_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(ATTR_DEVICE_ID): cv.string,
        probatio.Required(ATTR_START): cv.datetime,
        probatio.Optional(ATTR_END): cv.datetime,
        probatio.Optional(ATTR_CODES): probatio.All(cv.ensure_list, [cv.string]),
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_IMPORT_HISTORY,
        _async_import_history,
        schema=_IMPORT_HISTORY_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_READINGS,
        _async_get_readings,
        schema=_GET_READINGS_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


async def _async_import_history(call: ServiceCall) -> JsonObjectType:
    """Read the history of a device again; return how much came of it."""
    account, device_id = _device_of(call)
    start, end = _span_of(call)
    if account.history is None:
        raise _invalid("no_recorder")
    try:
        result = await account.history.async_import(
            device_id, start, end, max_wait=LONGEST_WAIT_SECONDS
        )
    except OneMeterError as err:
        raise action_error(err) from err
    return {"readings": result.readings, "rows_changed": result.rows}


async def _async_get_readings(call: ServiceCall) -> JsonObjectType:
    """Return the stored readings of a device, as the cloud has them."""
    account, device_id = _device_of(call)
    start, end = _span_of(call)
    if start is None:
        raise _invalid("start_after_end")
    try:
        readings = await account.coordinator.cloud.readings(
            device_id,
            start,
            end or dt_util.utcnow(),
            call.data.get(ATTR_CODES),
            max_wait=LONGEST_WAIT_SECONDS,
        )
    except OneMeterError as err:
        raise action_error(err) from err
    return {
        "readings": [
            {**row, "date": format_instant(datetime.fromtimestamp(time, UTC))}
            for time, row in zip(readings.times, readings.rows, strict=True)
        ]
    }


def _device_of(call: ServiceCall) -> tuple[OneMeterData, str]:
    """Return the account and the id of the device that an action is for."""
    entry: OneMeterConfigEntry
    registered, entry = async_get_device_and_config_entry(
        call.hass, DOMAIN, call.data[ATTR_DEVICE_ID], include_child_devices=False
    )
    device_id = next(
        identifier for domain, identifier in registered.identifiers if domain == DOMAIN
    )
    if device_id not in entry.runtime_data.coordinator.present:
        raise _invalid("device_gone")
    return entry.runtime_data, device_id


def _span_of(call: ServiceCall) -> tuple[datetime | None, datetime | None]:
    """Return start and end of an action; times without a zone are those of the home.

    Before and after the years of which readings can be, there is nothing to ask for.
    """
    start, end = (
        _with_zone(call.data[name]) if name in call.data else None
        for name in (ATTR_START, ATTR_END)
    )
    if end is not None and (start is None or start >= end):
        raise _invalid("start_after_end")
    if start is not None and start > dt_util.utcnow():
        raise _invalid("start_in_future")
    return (
        None if start is None else _within_calendar(start),
        None if end is None else _within_calendar(end),
    )


def _with_zone(instant: datetime) -> datetime:
    zone = dt_util.get_default_time_zone()
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=zone)


def _within_calendar(instant: datetime) -> datetime:
    """Return an instant in UTC; one near the ends of Python's calendar could not be there."""
    return min(max(instant, EARLIEST), LATEST).astimezone(UTC)


def _invalid(key: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)
