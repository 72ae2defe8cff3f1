"""Texts for people: complete in every language, and every key in use."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import custom_components.onemeter
from custom_components.onemeter import errors
from custom_components.onemeter.binary_sensor import BINARY_SENSORS
from custom_components.onemeter.prices import PRICE_FIELDS
from custom_components.onemeter.sensor import HISTORY_IMPORT, SENSORS
from custom_components.onemeter.series import (
    ENERGY_ABSOLUTE,
    ENERGY_COMPENSATION,
    ENERGY_COST,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(custom_components.onemeter.__file__).parent
LANGUAGES = sorted(path.stem for path in (ROOT / "translations").glob("*.json"))


def load(name: str) -> dict[str, Any]:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def texts(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every text of a translation."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from texts(value, f"{path}/{key}")
        else:
            yield f"{path}/{key}", value


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


ENGLISH = load("translations/en.json")


def test_english_and_polish_are_there() -> None:
    assert {"en", "pl"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_placeholders(language: str) -> None:
    english, translated = dict(texts(ENGLISH)), dict(texts(load(f"translations/{language}.json")))

    assert translated.keys() == english.keys()
    for path, text in translated.items():
        assert text.strip() == text
        assert text, path
        assert placeholders(text) == placeholders(english[path]), path


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_nothing_is_left_in_english(language: str) -> None:
    english = dict(texts(ENGLISH))
    same = [
        path
        for path, text in texts(load(f"translations/{language}.json"))
        if text == english[path] and " " in text
    ]
    assert same == []


def test_every_sensor_has_a_name_and_every_name_a_sensor() -> None:
    named = {
        description.translation_key: set(description.translation_placeholders)
        for description in SENSORS
        if description.translation_key
    } | {HISTORY_IMPORT.translation_key: set()}
    names = {key: placeholders(text["name"]) for key, text in ENGLISH["entity"]["sensor"].items()}
    assert names == named


def test_every_binary_sensor_has_a_name_and_every_name_a_binary_sensor() -> None:
    named = {description.translation_key for description in BINARY_SENSORS}
    assert set(ENGLISH["entity"]["binary_sensor"]) == named


@pytest.mark.parametrize("kind", ["sensor", "binary_sensor"])
def test_icons_belong_to_entities(kind: str) -> None:
    assert set(load("icons.json")["entity"].get(kind, {})) <= set(ENGLISH["entity"][kind])


def test_every_sensor_without_a_device_class_has_an_icon() -> None:
    without = {
        description.translation_key
        for description in SENSORS
        if description.device_class is None and description.translation_key
    }
    assert without <= set(load("icons.json")["entity"]["sensor"])


def test_every_exception_key_is_translated_and_used() -> None:
    used = set()
    for source in ROOT.glob("*.py"):
        used |= set(re.findall(r'_invalid\("(\w+)"\)', source.read_text(encoding="utf-8")))
    used |= {key for _, key in errors.KEYS} | {errors.OTHER_KEY}
    assert set(ENGLISH["exceptions"]) == used


def test_every_error_of_the_library_has_its_words_in_the_forms() -> None:
    keys = {key for _, key in errors.KEYS} | {errors.OTHER_KEY}
    assert keys <= set(ENGLISH["config"]["error"])
    assert keys <= set(ENGLISH["config_subentries"]["device"]["error"])


def test_every_statistic_has_a_name() -> None:
    keys = {*PRICE_FIELDS, ENERGY_ABSOLUTE, ENERGY_COST, ENERGY_COMPENSATION}
    names = ENGLISH["selector"]["statistic"]["options"]
    assert set(names) == keys
    assert all(placeholders(name) == {"device"} for name in names.values())


def test_every_action_has_its_words_icon_and_fields() -> None:
    services = yaml.safe_load((ROOT / "services.yaml").read_text(encoding="utf-8"))
    texts_of = ENGLISH["services"]
    assert set(services) == set(texts_of) == set(load("icons.json")["services"])
    for name, service in services.items():
        assert set(service["fields"]) == set(texts_of[name]["fields"])


def test_the_manifest_is_what_home_assistant_asks_of_custom_integrations() -> None:
    manifest = load("manifest.json")
    keys = list(manifest)

    assert keys[:2] == ["domain", "name"]
    assert all(earlier < later for earlier, later in pairwise(keys[2:])), "sorted by name"
    assert manifest["domain"] == ROOT.name
    assert manifest["requirements"] == [], "installs offline"
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert manifest["config_flow"] is True
    assert manifest["integration_type"] == "hub"


def test_artwork_is_there() -> None:
    assert {"icon.png", "icon@2x.png"} <= {path.name for path in (ROOT / "brand").iterdir()}
