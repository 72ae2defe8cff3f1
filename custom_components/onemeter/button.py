"""Buttons: asking the cloud now."""

from typing import TYPE_CHECKING, Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory

from .entity import OneMeterEntity, add_as_they_appear

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .data import OneMeterConfigEntry

PARALLEL_UPDATES = 1

REFRESH: Final = ButtonEntityDescription(
    key="refresh", translation_key="refresh", entity_category=EntityCategory.DIAGNOSTIC
)


class RefreshButton(OneMeterEntity, ButtonEntity):
    """Asks the cloud for the account's devices now, as far as the request budget allows."""

    @property
    @override
    def available(self) -> bool:
        """Always: it is wanted most when nothing else is there."""
        return True

    @override
    async def async_press(self) -> None:
        """Ask now; the error tells how long to wait if the budget is spent."""
        await self.coordinator.async_refresh_for_user()


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: OneMeterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of an account."""
    add_as_they_appear(entry, async_add_entities, lambda _state: (REFRESH,), RefreshButton)
