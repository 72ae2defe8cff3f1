"""Repairs that Home Assistant can do itself: taking out a device that the account has lost."""

from typing import TYPE_CHECKING

import probatio
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .problems import DATA_ENTRY_ID, DATA_SUBENTRY_ID

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


async def async_create_fix_flow(
    _hass: HomeAssistant, _issue_id: str, _data: _Data | None
) -> RepairsFlow:
    """Return the flow of the only issue that can be fixed here."""
    return DeviceGoneFlow()
