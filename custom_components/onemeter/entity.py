"""What all entities of a device share."""

from typing import TYPE_CHECKING, override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN, MANUFACTURER, MODEL
from .coordinator import DeviceState, OneMeterCoordinator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from homeassistant.helpers.entity import EntityDescription
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .data import OneMeterConfigEntry


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
        self._shown = (self.state_of_device, self.available)
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
        """What is known of the device."""
        return self.coordinator.data[self.device_id]

    @property
    @override
    def available(self) -> bool:
        """Whether the newest poll has told of the device, or what is known of it is not too old."""
        has_been_told = super().available and self.device_id not in self.coordinator.missing
        return has_been_told or self.coordinator.is_fresh(self.device_id)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state, unless the poll has brought nothing new of the device."""
        shown, was_available = self._shown
        if self.state_of_device is not shown or self.available is not was_available:
            self._shown = (self.state_of_device, self.available)
            super()._handle_coordinator_update()


def add_as_they_appear[Description: EntityDescription](
    entry: OneMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    descriptions_of: Callable[[DeviceState], Iterable[Description]],
    create: Callable[[OneMeterCoordinator, str, Description], OneMeterEntity],
) -> None:
    """Add the entities of every device, now and whenever a poll shows that there are more.

    `descriptions_of` gives all that a device has at the moment, `create` makes the entity of one.
    """
    coordinator = entry.runtime_data.coordinator
    added: set[tuple[str, str]] = set()
    seen: dict[str, DeviceState] = {}

    @callback
    def add_new() -> None:
        for device_id, state in coordinator.data.items():
            if seen.get(device_id) is state:
                continue
            seen[device_id] = state
            new = {
                (device_id, description.key): description
                for description in descriptions_of(state)
                if (device_id, description.key) not in added
            }
            added.update(new)
            if new:
                async_add_entities(
                    [create(coordinator, device_id, description) for description in new.values()],
                    config_subentry_id=coordinator.subentry_ids[device_id],
                )

    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))
