"""What an entry of this integration is: an account, with the devices that were chosen of it."""

from typing import TYPE_CHECKING

from homeassistant.const import CONF_API_KEY, CONF_DEVICE_ID, CONF_URL
from yarl import URL

from .onemeter_cloud import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry


def is_account(entry: ConfigEntry) -> bool:
    """Tell whether an entry is an account, not one of another integration of the same domain."""
    return {CONF_API_KEY, CONF_URL} <= entry.data.keys() and CONF_DEVICE_ID not in entry.data


def title_of_account(url: str) -> str:
    """Return what an account is called: after its server."""
    return "OneMeter Cloud" if url == DEFAULT_BASE_URL else str(URL(url).authority)
