"""The manifest says what Home Assistant and HACS ask of a custom integration, and the truth."""

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

import pytest
from awesomeversion import AwesomeVersion
from homeassistant import loader
from yarl import URL

from .files import INTEGRATION, PROJECT, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .sources import Package

MANIFEST: Final = read_json(INTEGRATION / "manifest.json")
HACS: Final = read_json(PROJECT / "hacs.json")

REQUIRED: Final = {
    "codeowners",
    "config_flow",
    "documentation",
    "domain",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "name",
    "version",
}
IOT_CLASSES: Final = {
    "assumed_state",
    "calculated",
    "cloud_polling",
    "cloud_push",
    "local_polling",
    "local_push",
}
HACS_KEYS: Final = {
    "content_in_root": bool,
    "country": list,
    "filename": str,
    "hacs": str,
    "hide_default_branch": bool,
    "homeassistant": str,
    "name": str,
    "persistent_directory": str,
    "render_readme": bool,
    "zip_release": bool,
}


def components_in(node: ast.AST) -> Iterator[str]:
    """Yield the components of Home Assistant that an import names."""
    match node:
        case ast.ImportFrom(module="homeassistant.components", names=names):
            yield from (name.name for name in names)
        case ast.ImportFrom(module=str(module)) if module.startswith("homeassistant.components."):
            yield module.split(".")[2]


def test_every_key_is_one_that_home_assistant_knows() -> None:
    # The loader adds these two by itself.
    known = set(loader.Manifest.__annotations__) - {"is_built_in", "overwrites_built_in"}
    assert set(MANIFEST) <= known
    assert set(MANIFEST) >= REQUIRED


def test_domain_and_name_come_first_and_the_others_follow_sorted() -> None:
    rest = sorted(MANIFEST.keys() - {"domain", "name"})
    assert list(MANIFEST) == ["domain", "name", *rest]


def test_the_domain_is_the_name_of_the_folder() -> None:
    assert MANIFEST["domain"] == INTEGRATION.name


def test_the_classes_are_such_as_exist() -> None:
    types = get_args(get_type_hints(loader.Manifest)["integration_type"])
    assert MANIFEST["integration_type"] in types
    assert MANIFEST["iot_class"] in IOT_CLASSES


def test_it_claims_no_quality_scale() -> None:
    """Home Assistant awards one to its own integrations; `quality_scale.yaml` keeps our account."""
    assert "quality_scale" not in MANIFEST


@pytest.mark.parametrize("key", ["documentation", "issue_tracker"])
def test_the_addresses_can_be_opened_by_a_browser(key: str) -> None:
    address = URL(MANIFEST[key])
    assert address.scheme == "https"
    assert address.host


def test_every_code_owner_is_an_account() -> None:
    assert [owner for owner in MANIFEST["codeowners"] if not owner.startswith("@")] == []


def test_it_installs_without_a_package_of_its_own() -> None:
    assert MANIFEST.get("requirements", []) == []


@pytest.mark.parametrize("key", ["dependencies", "after_dependencies"])
def test_what_it_depends_on_is_part_of_home_assistant(key: str) -> None:
    folder = Path(loader.__file__).parent / "components"
    missing = [name for name in MANIFEST.get(key, []) if not (folder / name).is_dir()]
    assert missing == []


def test_other_integrations_that_the_code_uses_are_named(package: Package) -> None:
    """A component that is imported at run time has to be set up first, where there is one."""
    platforms = {path.stem for path in INTEGRATION.glob("*.py")}
    imported = {
        name
        for module in package.modules
        for node in ast.walk(module.tree)
        for name in components_in(node)
    }
    # A platform's module, such as `sensor`, is loaded only after its component.
    named = {*MANIFEST.get("dependencies", []), *MANIFEST.get("after_dependencies", [])}
    assert imported - platforms - named == set()


def test_its_loggers_are_its_own() -> None:
    assert MANIFEST["loggers"] == [f"custom_components.{MANIFEST['domain']}"]


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert MANIFEST["version"] == project["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST["version"])
    assert AwesomeVersion(MANIFEST["version"]).valid


def test_hacs_knows_every_key_of_its_file() -> None:
    assert "name" in HACS
    wrong: dict[str, Any] = {
        key: value
        for key, value in HACS.items()
        if key not in HACS_KEYS or not isinstance(value, HACS_KEYS[key])
    }
    assert wrong == {}


def test_hacs_and_the_manifest_agree_on_the_name() -> None:
    assert HACS["name"] == MANIFEST["name"]


def test_a_zip_for_hacs_has_a_name_if_there_is_one() -> None:
    assert HACS.get("zip_release", False) == ("filename" in HACS)


def test_the_artwork_is_there_in_both_resolutions() -> None:
    names = {path.name for path in (INTEGRATION / "brand").iterdir()}
    assert names >= {"icon.png", "icon@2x.png"}
