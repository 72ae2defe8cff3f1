"""Client library for the OneMeter Cloud API.

`OneMeterCloud` gives typed devices and readings; `OneMeterApiClient` is the small documented client
for scripts, with plain JSON.
"""

from .api_client import OneMeterApiClient
from .client import DEFAULT_BASE_URL, OneMeterCloud, normalise_base_url
from .errors import (
    AuthenticationError,
    CannotConnectError,
    ErrorKind,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    OneMeterError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from .models import Device, Reading, RegisterInfo, Usage
from .obis import (
    OBIS_BATTERY_VOLTAGE,
    OBIS_ENERGY_ABS,
    OBIS_ENERGY_MINUS,
    OBIS_ENERGY_PLUS,
    OBIS_ENERGY_R1,
    OBIS_ENERGY_R4,
    OBIS_METER_SERIAL,
    OBIS_POWER,
    OBIS_TARIFF,
    REGISTERS,
    Quantity,
    Register,
)
from .payload import device_payload
from .ratelimit import Priority
from .readings import Readings

__all__ = [
    "DEFAULT_BASE_URL",
    "OBIS_BATTERY_VOLTAGE",
    "OBIS_ENERGY_ABS",
    "OBIS_ENERGY_MINUS",
    "OBIS_ENERGY_PLUS",
    "OBIS_ENERGY_R1",
    "OBIS_ENERGY_R4",
    "OBIS_METER_SERIAL",
    "OBIS_POWER",
    "OBIS_TARIFF",
    "REGISTERS",
    "AuthenticationError",
    "CannotConnectError",
    "Device",
    "ErrorKind",
    "InvalidRequestError",
    "InvalidResponseError",
    "NotFoundError",
    "OneMeterApiClient",
    "OneMeterCloud",
    "OneMeterError",
    "Priority",
    "Quantity",
    "RateLimitError",
    "Reading",
    "Readings",
    "Register",
    "RegisterInfo",
    "RequestTimeoutError",
    "ServerError",
    "Usage",
    "device_payload",
    "normalise_base_url",
]
