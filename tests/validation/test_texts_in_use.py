"""Every text that the code shows is there, and every text that is there is shown.

Entities are asked for at run time, because most of them come out of a table; all else is read out
of the source.
"""

import ast
import importlib
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from homeassistant.helpers.entity import EntityDescription

from custom_components.onemeter import PLATFORMS
from custom_components.onemeter.history.meaning import ENERGY_COMPENSATION, ENERGY_COST
from custom_components.onemeter.history.prices import PRICE_FIELDS
from custom_components.onemeter.onemeter_cloud.series import ENERGY_ABSOLUTE

from .files import INTEGRATION, LANGUAGES, placeholders, read_json, texts, translation
from .messages import exceptions_of, issues_of, translated_errors, untranslated_exceptions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .flows import Flow, Step
    from .sources import Package

# A description that is not of a class of our own is made of another class than it says.
_PLAIN: Final = type(EntityDescription(key="any"))

KINDS: Final = [str(platform) for platform in PLATFORMS]


def descriptions_in(value: object) -> Iterator[EntityDescription]:
    """Yield the descriptions of entities that a value is or collects."""
    if isinstance(value, EntityDescription | _PLAIN):
        yield value
    elif isinstance(value, tuple | list | set | frozenset):
        for part in value:
            yield from descriptions_in(part)
    elif isinstance(value, dict):
        yield from descriptions_in(tuple(value.values()))


def descriptions_of(kind: str) -> list[EntityDescription]:
    """Return the descriptions of all entities of a platform."""
    module = importlib.import_module(f"custom_components.onemeter.{kind}")
    found = [each for value in vars(module).values() for each in descriptions_in(value)]
    assert found, f"{kind} describes no entity"
    return found


def filled_in(description: EntityDescription) -> set[str]:
    """Return what is filled into an entity's name."""
    return set(getattr(description, "translation_placeholders", None) or {})


def below(tree: dict[str, Any], path: Iterable[str]) -> dict[str, Any]:
    """Return what stands at a path; nothing if nothing does."""
    for key in path:
        tree = tree.get(key, {})
    return tree


def forms_of(flow: Flow, english: dict[str, Any]) -> dict[str, Any]:
    """Return the texts of a flow; those of repairs stand with the issues that they repair."""
    if flow.path != ("issues",):
        return below(english, flow.path)
    merged: dict[str, Any] = {}
    for issue in english.get("issues", {}).values():
        for key, value in issue.get("fix_flow", {}).items():
            merged.setdefault(key, {}).update(value)
    return merged


def fields_of(step: dict[str, Any]) -> dict[str, set[str] | None]:
    """Return the fields that a step has words for; a section's are within it."""
    sections = step.get("sections", {})
    return {
        **dict.fromkeys(step.get("data", {})),
        **{name: set(section.get("data", {})) for name, section in sections.items()},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_entity_has_a_name_and_every_name_an_entity(
    kind: str, english: dict[str, Any]
) -> None:
    named = {
        description.translation_key: filled_in(description)
        for description in descriptions_of(kind)
        if description.translation_key is not None
    }
    names = {key: placeholders(text["name"]) for key, text in english["entity"][kind].items()}
    assert names == named


@pytest.mark.parametrize("kind", KINDS)
def test_an_entity_without_a_name_is_named_after_its_device_class(kind: str) -> None:
    nameless = [
        description.key
        for description in descriptions_of(kind)
        if description.translation_key is None and description.device_class is None
    ]
    assert nameless == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_that_an_entity_chooses_from_has_a_word(
    kind: str, english: dict[str, Any]
) -> None:
    for description in descriptions_of(kind):
        options = getattr(description, "options", None) or []
        texts_of = below(english, ("entity", kind, description.translation_key or ""))
        assert set(texts_of.get("state", {})) == set(options), description.key


def test_no_kind_of_entity_has_texts_without_being_set_up(english: dict[str, Any]) -> None:
    assert set(english["entity"]) == set(KINDS)


def test_every_exception_has_its_words_and_all_words_are_used(
    package: Package, english: dict[str, Any]
) -> None:
    messages = [*exceptions_of(package), *translated_errors()]
    assert {message.key for message in messages} == set(english["exceptions"])


def test_every_exception_fills_in_what_its_words_ask_for(
    package: Package, english: dict[str, Any]
) -> None:
    for message in [*exceptions_of(package), *translated_errors()]:
        asked = placeholders(*dict(texts(below(english, ("exceptions", message.key)))).values())
        assert asked == message.placeholders, message


def test_no_exception_that_people_see_has_its_words_in_the_code(package: Package) -> None:
    assert untranslated_exceptions_of(package) == []


def test_every_issue_has_its_words_and_all_words_are_used(
    package: Package, english: dict[str, Any]
) -> None:
    assert {message.key for message in issues_of(package)} == set(english.get("issues", {}))


def test_every_issue_fills_in_what_its_words_ask_for(
    package: Package, english: dict[str, Any]
) -> None:
    for message in issues_of(package):
        asked = placeholders(*dict(texts(below(english, ("issues", message.key)))).values())
        assert asked <= message.placeholders, message


def test_an_issue_is_either_described_or_repaired(english: dict[str, Any]) -> None:
    for key, issue in english.get("issues", {}).items():
        assert len({"description", "fix_flow"} & set(issue)) == 1, key


def test_every_step_of_a_flow_has_its_words_and_all_words_are_used(
    flows: list[Flow], english: dict[str, Any]
) -> None:
    for flow in flows:
        assert set(flow.steps) == set(forms_of(flow, english)["step"]), flow.name


def test_every_field_of_a_form_has_its_words_and_all_words_are_used(
    flows: list[Flow], english: dict[str, Any]
) -> None:
    for flow in flows:
        for step_id, step in flow.steps.items():
            words = below(forms_of(flow, english), ("step", step_id))
            assert fields_of(words) == step.fields, f"{flow.name}: {step_id}"
            assert set(words.get("menu_options", {})) == step.menu, f"{flow.name}: {step_id}"


def test_every_field_is_explained(flows: list[Flow], english: dict[str, Any]) -> None:
    for flow in flows:
        for step_id, step in forms_of(flow, english)["step"].items():
            for part in (step, *step.get("sections", {}).values()):
                fields, explained = part.get("data", {}), part.get("data_description", {})
                assert list(fields) == list(explained), f"{flow.name}: {step_id}"


def test_every_form_fills_in_what_its_words_ask_for(
    flows: list[Flow], english: dict[str, Any]
) -> None:
    def asked(flow: Flow, step_id: str) -> set[str]:
        return placeholders(*dict(texts(forms_of(flow, english)["step"][step_id])).values())

    def given(flow: Flow, step_id: str, step: Step) -> set[str]:
        # A repair hands on what its issue was opened with, which its own test looks at.
        return asked(flow, step_id) if step.placeholders is None else step.placeholders

    for flow in flows:
        for step_id, step in flow.steps.items():
            assert asked(flow, step_id) == given(flow, step_id, step), f"{flow.name}: {step_id}"


@pytest.mark.parametrize("kind", ["errors", "aborts"])
def test_every_error_and_abort_of_a_flow_has_its_words_and_all_words_are_used(
    kind: str, flows: list[Flow], english: dict[str, Any]
) -> None:
    for flow in flows:
        words = forms_of(flow, english).get(kind.removesuffix("s"), {})
        assert set(words) == getattr(flow, kind), flow.name


def test_every_kind_of_flow_with_words_exists(flows: list[Flow], english: dict[str, Any]) -> None:
    kinds = {flow.path for flow in flows}
    assert {("config_subentries", kind) for kind in english.get("config_subentries", {})} == {
        path for path in kinds if path[0] == "config_subentries"
    }
    for section in ("config", "options"):
        assert (section in english) is ((section,) in kinds)


def test_every_way_into_a_subentry_flow_has_its_words(
    flows: list[Flow], english: dict[str, Any]
) -> None:
    for flow in flows:
        if flow.path[0] == "config_subentries":
            ways = {"user", "reconfigure"} & set(flow.steps)
            assert set(below(english, flow.path)["initiate_flow"]) == ways, flow.name


def test_every_line_of_system_health_has_its_words_and_all_words_are_used(
    package: Package, english: dict[str, Any]
) -> None:
    words = below(english, ("system_health", "info"))
    (module,) = [module for module in package.modules if module.name == "system_health"]
    keys = {
        text
        for node in ast.walk(module.tree)
        for key in _keys(node)
        for text in package.strings(module, key)
    }
    strings = {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)}
    assert keys <= set(words)
    assert set(words) <= strings


def _keys(node: ast.AST) -> list[ast.expr]:
    """Return the keys that a piece of code writes into a mapping as they stand there."""
    match node:
        case ast.Dict(keys=keys):
            return [key for key in keys if isinstance(key, ast.Constant)]
        case ast.Subscript(slice=ast.Constant() as key, ctx=ast.Store()):
            return [key]
    return []


def test_every_selector_with_words_is_used(package: Package, english: dict[str, Any]) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in INTEGRATION.rglob("*.py"))
    services = (INTEGRATION / "services.yaml").read_text(encoding="utf-8")
    looked_up = set(re.findall(r"\.selector\.(\w+)\.", source))
    configured = {
        value.value
        for name, calls in package.calls.items()
        if name.endswith("SelectorConfig")
        for _, call in calls
        for keyword in call.keywords
        if keyword.arg == "translation_key" and isinstance(value := keyword.value, ast.Constant)
    }
    in_actions = set(re.findall(r"translation_key: (\w+)", services))
    assert set(english.get("selector", {})) == looked_up | configured | in_actions


def test_every_statistic_has_a_name(english: dict[str, Any]) -> None:
    names = english["selector"]["statistic"]["options"]
    assert set(names) == {*PRICE_FIELDS, ENERGY_ABSOLUTE, ENERGY_COST, ENERGY_COMPENSATION}
    assert all(placeholders(name) == {"device"} for name in names.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_entities_of_a_kind_have_the_same_name(language: str) -> None:
    for kind, entities in translation(language)["entity"].items():
        names = [text["name"] for text in entities.values()]
        assert sorted(names) == sorted(set(names)), kind


def test_icons_are_for_entities_and_actions_that_exist(english: dict[str, Any]) -> None:
    icons = read_json(INTEGRATION / "icons.json")
    assert set(icons) <= {"entity", "services"}
    for kind, entities in icons["entity"].items():
        assert set(entities) <= set(english["entity"][kind])
    assert set(icons["services"]) == set(english["services"])
