"""The actions: what the code accepts, what the forms offer and what the texts tell are the same."""

from typing import TYPE_CHECKING, Any, Final

import probatio
import pytest
from homeassistant.core import SupportsResponse
from homeassistant.helpers import selector
from homeassistant.setup import async_setup_component

from custom_components.onemeter.const import DOMAIN

from .files import INTEGRATION, read_json, read_yaml

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant, Service

ACTIONS: Final = read_yaml(INTEGRATION / "services.yaml")
ICONS: Final = read_json(INTEGRATION / "icons.json")


@pytest.fixture
async def registered(
    recorder_mock: object, hass: HomeAssistant, enable_custom_integrations: None
) -> dict[str, Service]:
    """Give the actions that Home Assistant has after the integration was set up."""
    assert await async_setup_component(hass, DOMAIN, {})
    return hass.services.async_services_for_domain(DOMAIN)


def fields_of(action: Service) -> dict[str, bool]:
    """Return the fields that an action accepts, and whether each is required."""
    assert action.schema is not None
    schema: Any = action.schema
    return {str(key): isinstance(key, probatio.Required) for key in schema.schema}


def offered(name: str) -> dict[str, Any]:
    """Return the fields that the form of an action offers, those of sections among them."""
    found: dict[str, Any] = {}
    for key, field in ((ACTIONS[name] or {}).get("fields") or {}).items():
        found |= field.get("fields", {key: field})
    return found


async def test_every_action_is_described_and_every_described_one_exists(
    registered: dict[str, Service], english: dict[str, Any]
) -> None:
    assert set(registered) == set(ACTIONS) == set(english["services"]) == set(ICONS["services"])


async def test_forms_offer_exactly_what_the_actions_accept(
    registered: dict[str, Service],
) -> None:
    for name, action in registered.items():
        form = {key: field.get("required", False) for key, field in offered(name).items()}
        assert form == fields_of(action), name


async def test_every_field_has_its_words_and_all_words_are_used(
    registered: dict[str, Service], english: dict[str, Any]
) -> None:
    for name in registered:
        words = english["services"][name]
        assert words["name"], name
        assert words["description"], name
        assert list(words.get("fields", {})) == list(offered(name)), name
        for field in words.get("fields", {}).values():
            assert set(field) == {"name", "description"}, name


@pytest.mark.parametrize("name", ACTIONS)
def test_every_field_has_a_selector_of_home_assistant(name: str) -> None:
    for key, field in offered(name).items():
        selector.validate_selector(field["selector"])
        assert set(field) <= {"required", "default", "example", "selector", "advanced"}, key


async def test_what_an_action_answers_is_known(registered: dict[str, Service]) -> None:
    """An action that only reads has to be asked for its answer, else it would be for nothing."""
    for name, action in registered.items():
        if name.startswith("get_"):
            assert action.supports_response is SupportsResponse.ONLY, name
