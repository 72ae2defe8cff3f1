"""Which Python is needed is said in several places: they agree, and pip says it at once."""

import re
import tomllib
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

from .files import PROJECT, read_yaml

SETTINGS: Final[dict[str, Any]] = tomllib.loads(
    (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
)
PACKAGE: Final[dict[str, Any]] = SETTINGS["project"]
OLDEST: Final[str] = PACKAGE["requires-python"].removeprefix(">=")

DEPENDENCIES: Final[list[str]] = [
    *PACKAGE["dependencies"],
    *(
        dependency
        for dependencies in PACKAGE["optional-dependencies"].values()
        for dependency in dependencies
    ),
]


def pins(requirements: str) -> dict[str, str]:
    """Return the versions that are installed from requirements."""
    text = (PROJECT / "requirements" / f"{requirements}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_a_python_that_is_too_old_has_no_dependencies_to_try(dependency: str) -> None:
    marker = Requirement(dependency).marker
    assert marker is not None
    major, minor = map(int, OLDEST.split("."))
    for platform in ("linux", "win32"):
        too_old = {"python_version": f"{major}.{minor - 1}", "sys_platform": platform}
        assert not marker.evaluate(too_old)
    assert marker.evaluate({"python_version": OLDEST, "sys_platform": "win32"})


def test_the_oldest_python_is_the_one_that_is_checked_and_tested() -> None:
    checked = set(SETTINGS["tool"]["ruff"]["per-file-target-version"].values())
    assert checked == {f"py{OLDEST.replace('.', '')}"}
    lint = (PROJECT / "scripts" / "lint").read_text(encoding="utf-8")
    assert f"for version in {OLDEST} " in lint
    jobs = read_yaml(PROJECT / ".github/workflows/test.yml")["jobs"]
    assert jobs["standalone"]["strategy"]["matrix"]["python"][0] == OLDEST
    versions = [
        name.removeprefix("Programming Language :: Python :: ")
        for name in PACKAGE["classifiers"]
        if name.startswith("Programming Language :: Python :: ")
    ]
    assert versions[0] == OLDEST


def test_without_home_assistant_the_packages_are_those_of_its_environment() -> None:
    with_it, without = pins("dev"), pins("standalone")
    assert "homeassistant" not in without
    assert {name: with_it.get(name, version) for name, version in without.items()} == without
