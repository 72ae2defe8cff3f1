"""Errors of the library in the words of Home Assistant: the one place where they are translated.

A form has few of these words: what its reader can do about the error. All others say it by its
kind, with figures and with what the server said.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeassistant.core import callback
from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .onemeter_cloud import (
    AuthenticationError,
    CannotConnectError,
    ErrorKind,
    OneMeterError,
    RateLimitError,
)

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

FORM_KEYS: Final = (
    (AuthenticationError, "invalid_auth"),
    (RateLimitError, "rate_limited"),
    (CannotConnectError, "cannot_connect"),
)
OTHER_FORM_KEY: Final = "invalid_response"

SPEAKING_KINDS: Final = frozenset(
    {
        ErrorKind.KEY_REFUSED,
        ErrorKind.NOT_FOUND,
        ErrorKind.REQUEST_REFUSED,
        ErrorKind.SERVER_ERROR,
        ErrorKind.TOO_MANY_REQUESTS,
    }
)
"""Where the server can say something itself, which is told as its words."""

UNEXPECTED: Final = "unexpected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Which of the translated exceptions says what went wrong, and what is filled into it."""

    key: str
    placeholders: dict[str, str]


def error_key(err: OneMeterError) -> str:
    """Return the translation key of an error in forms."""
    return next((key for kind, key in FORM_KEYS if isinstance(err, kind)), OTHER_FORM_KEY)


def wording_of(err: BaseException) -> Wording:
    """Return how an error is told; of what is not the library's, only that the log knows more."""
    if not isinstance(err, OneMeterError):
        return Wording(key=UNEXPECTED, placeholders={})
    figures = {name: str(figure) for name, figure in err.figures.items()}
    if err.server_message is None or err.kind not in SPEAKING_KINDS:
        return Wording(key=err.kind.value, placeholders=figures)
    return Wording(
        key=f"{err.kind}_with_words",
        placeholders={**figures, "server_message": err.server_message},
    )


def update_error(err: OneMeterError) -> ConfigEntryAuthFailed | UpdateFailed:
    """Return what a coordinator raises for an error of the library."""
    wording = wording_of(err)
    # Without a time to come back: Home Assistant would take it in the place of the schedule's.
    kind = ConfigEntryAuthFailed if isinstance(err, AuthenticationError) else UpdateFailed
    return kind(
        translation_domain=DOMAIN,
        translation_key=wording.key,
        translation_placeholders=wording.placeholders,
    )


def action_error(err: OneMeterError) -> HomeAssistantError:
    """Return what an action raises for an error of the library."""
    wording = wording_of(err)
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=wording.key,
        translation_placeholders=wording.placeholders,
    )


@callback
def error_text(hass: HomeAssistant, err: BaseException) -> str:
    """Return how an error is told in the language of the home, for where only a text can stand."""
    wording = wording_of(err)
    texts = async_get_cached_translations(hass, hass.config.language, "exceptions", DOMAIN)
    # While another language is being loaded, the key has to do for these moments.
    text = texts.get(f"component.{DOMAIN}.exceptions.{wording.key}.message", wording.key)
    return text.format_map(wording.placeholders)
