"""Errors of the library in the words of Home Assistant: the one place where they are translated."""

from typing import Final

from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .onemeter_cloud import (
    AuthenticationError,
    CannotConnectError,
    OneMeterError,
    RateLimitError,
)

KEYS: Final = (
    (AuthenticationError, "invalid_auth"),
    (RateLimitError, "rate_limited"),
    (CannotConnectError, "cannot_connect"),
)
OTHER_KEY: Final = "invalid_response"


def error_key(err: OneMeterError) -> str:
    """Return the translation key of an error, in forms and in exceptions alike."""
    return next((key for kind, key in KEYS if isinstance(err, kind)), OTHER_KEY)


def update_error(err: OneMeterError) -> ConfigEntryAuthFailed | UpdateFailed:
    """Return what a coordinator raises for an error of the library."""
    key = error_key(err)
    placeholders = {"message": str(err)}
    if isinstance(err, AuthenticationError):
        return ConfigEntryAuthFailed(
            translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
        )
    # Without a time to come back: Home Assistant would take it in the place of the schedule's.
    return UpdateFailed(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def action_error(err: OneMeterError) -> HomeAssistantError:
    """Return what an action raises for an error of the library."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=error_key(err),
        translation_placeholders={"message": str(err)},
    )
