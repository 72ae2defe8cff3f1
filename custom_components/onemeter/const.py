"""Constants of the OneMeter integration."""

from datetime import timedelta
from typing import Final

from .onemeter_cloud import (
    OBIS_BATTERY_VOLTAGE,
    OBIS_ENERGY_ABS,
    OBIS_ENERGY_MINUS,
    OBIS_ENERGY_PLUS,
    OBIS_ENERGY_R1,
    OBIS_ENERGY_R4,
    OBIS_METER_SERIAL,
    OBIS_POWER,
    OBIS_TARIFF,
)

__all__ = [
    "CONF_ADD_NEW_DEVICES",
    "CONF_ADVANCED",
    "CONF_APPLY_MULTIPLIER",
    "CONF_DEVICES",
    "CONF_UPDATE_INTERVAL",
    "DOMAIN",
    "ENTRY_MINOR_VERSION",
    "ENTRY_VERSION",
    "LONGEST_UPDATE_INTERVAL",
    "MANUFACTURER",
    "MODEL",
    "OBIS_BATTERY_VOLTAGE",
    "OBIS_ENERGY_ABS",
    "OBIS_ENERGY_MINUS",
    "OBIS_ENERGY_PLUS",
    "OBIS_ENERGY_R1",
    "OBIS_ENERGY_R4",
    "OBIS_METER_SERIAL",
    "OBIS_POWER",
    "OBIS_TARIFF",
    "SHORTEST_UPDATE_INTERVAL",
    "SUBENTRY_TYPE_DEVICE",
]

DOMAIN: Final = "onemeter"
MANUFACTURER: Final = "OneMeter"
MODEL: Final = "Optical meter reader"

ENTRY_VERSION: Final = 2
ENTRY_MINOR_VERSION: Final = 1

CONF_ADD_NEW_DEVICES: Final = "add_new_devices"
CONF_ADVANCED: Final = "advanced"
CONF_APPLY_MULTIPLIER: Final = "apply_multiplier"
CONF_DEVICES: Final = "devices"
CONF_UPDATE_INTERVAL: Final = "update_interval"

SUBENTRY_TYPE_DEVICE: Final = "device"

SHORTEST_UPDATE_INTERVAL: Final = timedelta(minutes=1)
LONGEST_UPDATE_INTERVAL: Final = timedelta(minutes=60)
