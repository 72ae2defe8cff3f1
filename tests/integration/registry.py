"""Finding in Home Assistant's registries what belongs to a device of the cloud."""

from typing import TYPE_CHECKING

from homeassistant.helpers import device_registry as dr

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant


def registered_device(hass: HomeAssistant, device_id: str) -> str:
    """Return Home Assistant's own id of a device."""
    (device,) = (
        device
        for device in dr.async_get(hass).devices
        if ("onemeter", device_id) in device.identifiers
    )
    return device.id
