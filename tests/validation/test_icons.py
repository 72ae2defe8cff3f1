"""Icons: of the set that Home Assistant's frontend has, and for every entity without a class."""

import json
from pathlib import Path
from typing import Any, Final

import hass_frontend
import pytest

from .files import INTEGRATION, read_json, texts
from .test_texts_in_use import KINDS, below, descriptions_of

ICONS: Final = read_json(INTEGRATION / "icons.json")


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Give the names of the icons that the frontend has."""
    folder = Path(hass_frontend.__file__).parent / "static" / "mdi"
    icons: list[dict[str, Any]] = json.loads((folder / "iconList.json").read_text(encoding="utf-8"))
    return {f"mdi:{icon['name']}" for icon in icons}


def test_every_icon_exists(known: set[str]) -> None:
    assert {icon for _, icon in texts(ICONS)} - known == set()


def test_every_icon_stands_where_home_assistant_looks_for_it() -> None:
    for entities in ICONS["entity"].values():
        for icons in entities.values():
            assert set(icons) <= {"default", "range", "state", "state_attributes"}
    for icons in ICONS["services"].values():
        assert set(icons) <= {"service", "sections"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_entity_without_a_device_class_has_an_icon(kind: str) -> None:
    without = {
        description.translation_key
        for description in descriptions_of(kind)
        if description.device_class is None and description.translation_key is not None
    }
    assert without - set(below(ICONS, ("entity", kind))) == set()


@pytest.mark.parametrize("section", ["entity", "services"])
def test_icons_are_sorted(section: str) -> None:
    assert list(ICONS[section]) == sorted(ICONS[section])
    if section == "entity":
        for entities in ICONS[section].values():
            assert list(entities) == sorted(entities)
