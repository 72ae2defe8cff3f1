"""Errors of the library in the words of Home Assistant: the one place where they are translated."""

from typing import Final

from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .onemeter_cloud import (
    AuthenticationError,
    CannotConnectError,
    OneMeterError,
    RateLimitError,
)

_KEYS: Final = (
    (AuthenticationError, "invalid_auth"),
    (RateLimitError, "rate_limited"),
    (CannotConnectError, "cannot_connect"),
)


def error_key(err: OneMeterError) -> str:
    """Return the translation key of an error, in forms and in exceptions alike."""
    return next((key for kind, key in _KEYS if isinstance(err, kind)), "invalid_response")


def update_error(err: OneMeterError) -> ConfigEntryAuthFailed | UpdateFailed:
    """Return what a coordinator raises for an error of the library."""
    key = error_key(err)
    placeholders = {"message": str(err)}
    if isinstance(err, AuthenticationError):
        return ConfigEntryAuthFailed(
            translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
        )
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
        retry_after=err.retry_after if isinstance(err, RateLimitError) else None,
    )
