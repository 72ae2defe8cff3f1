"""Repairs that Home Assistant can do itself: a device leaves the account, or joins it."""

from typing import TYPE_CHECKING

import probatio
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.const import CONF_DEVICE_ID
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .new_devices import async_add_device, configured_devices
from .problems import DATA_ENTRY_ID, DATA_NAME, DATA_SUBENTRY_ID

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

type _Data = dict[str, str | int | float | None]


class DeviceGoneFlow(RepairsFlow):
    """Asks whether to remove a device, and removes it; its statistics stay."""

    async def async_step_init(self, _user_input: _Data | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: _Data | None = None) -> RepairsFlowResult:
        """Ask, then remove."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if issue is None or not issue.active or issue.data is None:
            return self.async_abort(reason="device_is_back")
        if user_input is None:
            return self.async_show_form(
                step_id="confirm",
                data_schema=probatio.Schema({}),
                description_placeholders=issue.translation_placeholders,
            )
        entry = self.hass.config_entries.async_get_known_entry(str(issue.data[DATA_ENTRY_ID]))
        self.hass.config_entries.async_remove_subentry(entry, str(issue.data[DATA_SUBENTRY_ID]))
        return self.async_create_entry(data={})


class NewDeviceFlow(RepairsFlow):
    """Asks whether to add a device that has joined the account, and adds it."""

    async def async_step_init(self, _user_input: _Data | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: _Data | None = None) -> RepairsFlowResult:
        """Ask, then add."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if (
            issue is None
            or not issue.active
            or issue.data is None
            or issue.data[CONF_DEVICE_ID] in configured_devices(self.hass)
        ):
            return self.async_abort(reason="not_offered")
        if user_input is None:
            return self.async_show_form(
                step_id="confirm",
                data_schema=probatio.Schema({}),
                description_placeholders=issue.translation_placeholders,
            )
        async_add_device(
            self.hass,
            self.hass.config_entries.async_get_known_entry(str(issue.data[DATA_ENTRY_ID])),
            str(issue.data[CONF_DEVICE_ID]),
            str(issue.data[DATA_NAME]),
        )
        return self.async_create_entry(data={})


async def async_create_fix_flow(
    _hass: HomeAssistant, _issue_id: str, data: _Data | None
) -> RepairsFlow:
    """Return the flow of an issue that can be fixed here."""
    if data is not None and CONF_DEVICE_ID in data:
        return NewDeviceFlow()
    return DeviceGoneFlow()
