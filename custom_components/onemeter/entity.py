"""What all entities of a device share."""

from typing import TYPE_CHECKING, override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN, MANUFACTURER, MODEL
from .coordinator import DeviceState, OneMeterConfigEntry, OneMeterCoordinator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from homeassistant.helpers.entity import EntityDescription
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback


class OneMeterEntity(CoordinatorEntity[OneMeterCoordinator]):
    """An entity of one device of the account."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: OneMeterCoordinator,
        device_id: str,
        description: EntityDescription,
    ) -> None:
        """Describe the entity and its device."""
        super().__init__(coordinator)
        self.entity_description = description
        self.device_id = device_id
        self._attr_unique_id = f"{device_id}_{description.key}"
        device = self.state_of_device.device
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, device_id)},
            name=device.display_name,
            manufacturer=MANUFACTURER,
            model=MODEL,
            serial_number=device.serial_number,
            hw_version=device.hardware_version,
            sw_version=device.firmware_version,
            configuration_url=coordinator.cloud.web_url,
        )

    @property
    def state_of_device(self) -> DeviceState:
        """What is known of the device; only while the account has it."""
        return self.coordinator.data[self.device_id]

    @property
    @override
    def available(self) -> bool:
        """Whether the last poll succeeded and told of this device."""
        return super().available and self.device_id in self.coordinator.data


def add_as_they_appear(
    entry: OneMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entities_of: Callable[[OneMeterCoordinator, str], Iterable[OneMeterEntity]],
) -> None:
    """Add the entities of every device, now and whenever a poll shows that there are more.

    `entities_of` gives all the entities that a device has at the moment.
    """
    coordinator = entry.runtime_data
    added: set[str | None] = set()

    @callback
    def add_new() -> None:
        for device_id in coordinator.data:
            new = [
                entity
                for entity in entities_of(coordinator, device_id)
                if entity.unique_id not in added
            ]
            added.update(entity.unique_id for entity in new)
            if new:
                async_add_entities(new, config_subentry_id=coordinator.subentry_ids[device_id])

    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))
