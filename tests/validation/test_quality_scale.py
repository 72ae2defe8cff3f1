"""The quality scale: every rule answered, and what can be looked up in the code is looked up."""

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import homeassistant.components
import pytest
from homeassistant.util.yaml import load_yaml_dict

from custom_components.onemeter import PLATFORMS

from .files import INTEGRATION, PROJECT, read_json, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from .sources import Package

RULES: Final[dict[str, Any]] = read_yaml(INTEGRATION / "quality_scale.yaml")["rules"]


def defines(package: Package, module: str, *names: str) -> bool:
    """Tell whether a module defines such functions or gives such names a value."""
    found = {
        node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else node.id
        for each in package.modules
        if each.name == module
        for node in ast.walk(each.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
    return found >= set(names)


def in_every_platform(package: Package, name: str) -> bool:
    """Tell whether every platform's module gives a name a value."""
    return all(defines(package, str(platform), name) for platform in PLATFORMS)


def calls(package: Package, module: str, name: str) -> bool:
    """Tell whether a module calls something of a name."""
    return any(owner.name == module for owner, _ in package.calls.get(name, []))


# What shows in the code whether a rule is followed. The others are judged by reading, and tested.
EVIDENCE: Final[dict[str, Callable[[Package], bool]]] = {
    "action-setup": lambda package: (
        defines(package, "__init__", "async_setup")
        and not calls(package, "services", "async_register_platform_entity_service")
    ),
    "common-modules": lambda package: (
        {"coordinator", "entity"} <= {module.name for module in package.modules}
    ),
    "config-entry-unloading": lambda package: defines(package, "__init__", "async_unload_entry"),
    "config-flow": lambda package: (
        defines(package, "config_flow", "async_step_user")
        and read_json(INTEGRATION / "manifest.json")["config_flow"] is True
    ),
    "dependency-transparency": lambda _: (
        read_json(INTEGRATION / "manifest.json")["requirements"] != []
        and (PROJECT / "LICENSE").is_file()
    ),
    "devices": lambda package: calls(package, "entity", "DeviceInfo"),
    "diagnostics": lambda package: (
        defines(package, "diagnostics", "async_get_config_entry_diagnostics")
        or defines(package, "diagnostics", "async_get_device_diagnostics")
    ),
    "dynamic-devices": lambda package: (
        calls(package, "new_devices", "async_add_subentry")
        and calls(package, "entity", "async_add_listener")
    ),
    "entity-unavailable": lambda package: defines(package, "entity", "available"),
    "entity-unique-id": lambda package: any(
        isinstance(node, ast.Attribute) and node.attr == "_attr_unique_id"
        for _, node in package.nodes()
    ),
    "exception-translations": lambda _: bool(
        read_json(INTEGRATION / "translations" / "en.json")["exceptions"]
    ),
    "has-entity-name": lambda package: defines(package, "entity", "_attr_has_entity_name"),
    "icon-translations": lambda _: (INTEGRATION / "icons.json").is_file(),
    "inject-websession": lambda package: (
        calls(package, "coordinator", "async_get_clientsession")
        and calls(package, "config_flow", "async_get_clientsession")
    ),
    "integration-owner": lambda _: bool(read_json(INTEGRATION / "manifest.json")["codeowners"]),
    "log-when-unavailable": lambda package: (
        calls(package, "coordinator", "info") and not calls(package, "coordinator", "warning")
    ),
    "parallel-updates": lambda package: in_every_platform(package, "PARALLEL_UPDATES"),
    "reauthentication-flow": lambda package: defines(
        package, "config_flow", "async_step_reauth", "async_step_reauth_confirm"
    ),
    "reconfiguration-flow": lambda package: defines(
        package, "config_flow", "async_step_reconfigure"
    ),
    "repair-issues": lambda package: bool(package.calls.get("async_create_issue")),
    "runtime-data": lambda package: any(
        isinstance(node, ast.Attribute)
        and node.attr == "runtime_data"
        and isinstance(node.ctx, ast.Store)
        for module, node in package.nodes()
        if module.name == "__init__"
    ),
    "stale-devices": lambda package: defines(
        package, "__init__", "async_remove_config_entry_device"
    ),
    "strict-typing": lambda package: (
        (INTEGRATION / "onemeter_cloud" / "py.typed").is_file()
        and defines(package, "data", "OneMeterConfigEntry")
    ),
    "test-before-setup": lambda package: calls(
        package, "__init__", "async_config_entry_first_refresh"
    ),
    "unique-config-entry": lambda package: (
        calls(package, "config_flow", "_async_abort_entries_match")
        or calls(package, "config_flow", "_abort_if_unique_id_configured")
    ),
}


def status_of(rule: str) -> str:
    """Return how it stands with a rule."""
    answer = RULES[rule]
    return answer if isinstance(answer, str) else answer["status"]


def rules_of_home_assistant() -> list[str]:
    """Return the rules of the installed Home Assistant, in their order, bronze to platinum.

    Each of its integrations answers all of them, so one that has the highest scale knows them.
    """
    folder = Path(homeassistant.components.__path__[0])
    answered = [
        list(load_yaml_dict(path)["rules"])
        for path in sorted(folder.glob("*/quality_scale.yaml"))
        if read_json(path.with_name("manifest.json")).get("quality_scale") == "platinum"
    ]
    return max(answered, key=len)


def test_every_rule_is_answered_and_no_other() -> None:
    known = rules_of_home_assistant()
    assert len(known) >= 50
    assert set(known) - set(RULES) == set(), "not answered"
    assert set(RULES) - set(known) == set(), "not a rule"


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_that_is_not_done_gives_its_reason(rule: str) -> None:
    answer = RULES[rule]
    if isinstance(answer, str):
        assert answer == "done"
    else:
        assert set(answer) == {"status", "comment"}
        assert answer["status"] in {"done", "exempt", "todo"}
        assert len(answer["comment"].split()) >= 4


@pytest.mark.parametrize("rule", EVIDENCE)
def test_a_rule_is_done_exactly_if_the_code_shows_it(rule: str, package: Package) -> None:
    assert EVIDENCE[rule](package) is (status_of(rule) == "done")


def test_a_rule_that_the_code_does_not_follow_is_told(package: Package) -> None:
    assert not defines(package, "__init__", "async_step_reauth")
    assert not in_every_platform(package, "NOTHING_OF_THE_KIND")
    assert not calls(package, "const", "async_get_clientsession")
