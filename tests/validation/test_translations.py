"""The texts of each language: complete, in the form that Home Assistant asks for."""

import re
from string import Formatter
from typing import Any, Final

import pytest

from .files import LANGUAGES, placeholders, texts, translation

OTHERS: Final = [language for language in LANGUAGES if language != "en"]

_KEY: Final = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
_URL: Final = re.compile(r"\w+://|\bwww\.", re.IGNORECASE)
_HTML: Final = re.compile(r"</?[a-z!][^>]*>", re.IGNORECASE)

# The shape of a file of translations: "*" is any key, a set at the end are single texts.
_FORM: Final[dict[str, Any]] = {
    "step": {
        "*": {
            **dict.fromkeys(("title", "description", "submit")),
            **{key: {"*": None} for key in ("data", "data_description", "menu_options")},
            "sections": {
                "*": {
                    **dict.fromkeys(("name", "description")),
                    **{key: {"*": None} for key in ("data", "data_description")},
                }
            },
        }
    },
    **{key: {"*": None} for key in ("error", "abort", "progress", "create_entry")},
}
SHAPE: Final[dict[str, Any]] = {
    "title": None,
    "config": {"flow_title": None, **_FORM},
    "options": _FORM,
    "config_subentries": {
        "*": {"entry_type": None, "initiate_flow": {"*": None}, "flow_title": None, **_FORM}
    },
    "device": {"*": {"name": None}},
    "entity": {
        "*": {
            "*": {
                "name": None,
                "state": {"*": None},
                "state_attributes": {"*": {"name": None, "state": {"*": None}}},
                "unit_of_measurement": None,
            }
        }
    },
    "exceptions": {"*": {"message": None}},
    "issues": {"*": {"title": None, "description": None, "fix_flow": _FORM}},
    "selector": {"*": {"options": {"*": None}, "unit_of_measurement": {"*": None}}},
    "services": {
        "*": {
            **dict.fromkeys(("name", "description")),
            "fields": {"*": dict.fromkeys(("name", "description", "example"))},
            "sections": {"*": dict.fromkeys(("name", "description"))},
        }
    },
    "system_health": {"info": {"*": None}},
}


def misplaced(tree: Any, shape: Any, path: str = "") -> list[str]:
    """Return the paths that Home Assistant would not look for a text at."""
    if not isinstance(tree, dict) or shape is None:
        return [] if isinstance(tree, str) and shape is None else [path]
    return [
        wrong
        for key, value in tree.items()
        for wrong in (
            misplaced(value, shape.get(key, shape.get("*")), f"{path}/{key}")
            if key in shape or "*" in shape
            else [f"{path}/{key}"]
        )
    ]


def all_keys(tree: dict[str, Any]) -> set[str]:
    """Return the keys of all levels."""
    return {part for path, _ in texts(tree) for part in path.split("/") if part}


def fields_of(text: str) -> set[str]:
    """Return what Python's formatting would fill in; raise `ValueError` if it could not."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_the_promised_languages_are_there() -> None:
    assert {"cs", "de", "en", "pl"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_stands_where_home_assistant_looks_for_it(language: str) -> None:
    assert misplaced(translation(language), SHAPE) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_is_made_of_small_letters_digits_and_single_underscores(language: str) -> None:
    assert {key for key in all_keys(translation(language)) if not _KEY.fullmatch(key)} == set()


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_text_in_the_same_order(language: str) -> None:
    english = [path for path, _ in texts(translation("en"))]
    translated = [path for path, _ in texts(translation(language))]
    assert set(english) - set(translated) == set(), "missing"
    assert set(translated) - set(english) == set(), "too many"
    assert translated == english


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_fills_in_the_same(language: str) -> None:
    english = dict(texts(translation("en")))
    different = {
        path: (placeholders(text), placeholders(english[path]))
        for path, text in texts(translation(language))
        if placeholders(text) != placeholders(english.get(path, ""))
    }
    assert different == {}


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_in_english(language: str) -> None:
    english = dict(texts(translation("en")))
    same = [
        path
        for path, text in texts(translation(language))
        if text == english.get(path) and len(re.sub(r"{\w+}", "", text).split()) > 1
    ]
    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_begins_or_ends_with_a_space(language: str) -> None:
    wrong = [
        path for path, text in texts(translation(language)) if not text or text.strip() != text
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_an_address_or_markup(language: str) -> None:
    wrong = [
        path
        for path, text in texts(translation(language))
        if _URL.search(text) or _HTML.search(text) or "[%" in text
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_placeholder_can_be_filled_in(language: str) -> None:
    for path, text in texts(translation(language)):
        assert fields_of(text) == placeholders(text), path
        assert {name for name in fields_of(text) if not name.isidentifier()} == set(), path
        assert not re.search(r"'{\w+}'", text), f"{path}: quotes keep {{}} from being filled in"


@pytest.mark.parametrize(
    ("tree", "wrong"),
    [
        ({"config": {"step": {"user": {"title": "A"}}}}, []),
        ({"config": {"step": {"user": {"titel": "A"}}}}, ["/config/step/user/titel"]),
        ({"config": {"step": "A"}}, ["/config/step"]),
        ({"title": {"a": "A"}}, ["/title"]),
        ({"nothing": {"a": "A"}}, ["/nothing"]),
        ({"exceptions": {"a": {"message": {"b": "B"}}}}, ["/exceptions/a/message"]),
    ],
)
def test_a_misplaced_text_is_found(tree: dict[str, Any], wrong: list[str]) -> None:
    assert misplaced(tree, SHAPE) == wrong
