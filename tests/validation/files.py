"""Where the files are that the checks read, and how they are read."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT: Final = Path(__file__).parents[2]
INTEGRATION: Final = PROJECT / "custom_components" / "onemeter"
TRANSLATIONS: Final = INTEGRATION / "translations"
LANGUAGES: Final = sorted(path.stem for path in TRANSLATIONS.glob("*.json"))

_PLACEHOLDER: Final = re.compile(r"{([^{}]*)}")


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds, its keys in the order of the file.

    Raises `ValueError` for a key that stands there twice, which JSON's readers let pass.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := {key for key in keys if keys.count(key) > 1}:
            message = f"{path.name} has twice: {', '.join(sorted(twice))}"
            raise ValueError(message)
        return dict(pairs)

    tree: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    return tree


def read_yaml(path: Path) -> dict[Any, Any]:
    """Return what a YAML file holds."""
    tree: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tree


def translation(language: str) -> dict[str, Any]:
    """Return the texts of a language."""
    return read_json(TRANSLATIONS / f"{language}.json")


def texts(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of every text below, in the order of the file."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from texts(value, f"{path}/{key}")
        else:
            yield f"{path}/{key}", value


def placeholders(*of_texts: str) -> set[str]:
    """Return the names of what is filled into texts."""
    return {name for text in of_texts for name in _PLACEHOLDER.findall(text)}
