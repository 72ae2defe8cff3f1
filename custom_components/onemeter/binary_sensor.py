"""Binary sensors: what a reader needs attention for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory

from .entity import OneMeterEntity, add_as_they_appear

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .data import OneMeterConfigEntry
    from .onemeter_cloud import Device

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class OneMeterBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor: where its state comes from."""

    is_on_fn: Callable[[Device], bool | None]


BINARY_SENSORS: Final = (
    OneMeterBinarySensorDescription(
        key="battery_low",
        translation_key="battery_low",
        device_class=BinarySensorDeviceClass.BATTERY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda device: device.battery_low,
    ),
    OneMeterBinarySensorDescription(
        key="readout_problem",
        translation_key="readout_problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda device: device.readout_failed,
    ),
)


class OneMeterBinarySensor(OneMeterEntity, BinarySensorEntity):
    """A binary sensor of one device."""

    entity_description: OneMeterBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether the reader needs attention."""
        return self.entity_description.is_on_fn(self.state_of_device.device)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: OneMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of an account."""
    add_as_they_appear(
        entry, async_add_entities, lambda _state: BINARY_SENSORS, OneMeterBinarySensor
    )
