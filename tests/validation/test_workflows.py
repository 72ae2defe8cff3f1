"""The workflows of the public repository: what they run exists, and they may do what they need.

They cannot run here. What can is run: the steps that are written in Python.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from .files import PROJECT, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOWS: Final = {
    path.stem: read_yaml(path) for path in sorted((PROJECT / ".github/workflows").glob("*"))
}

# These two are published on a branch only: what they check against is to be today's.
WITHOUT_VERSIONS: Final = {"home-assistant/actions/hassfest@master", "hacs/action@main"}

_SCRIPT: Final = re.compile(r"(?<![\w./$-])(?:\.ci|scripts)/[\w-]+")


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of its workflow and each step."""
    for name, workflow in WORKFLOWS.items():
        for job in workflow["jobs"].values():
            for step in job.get("steps", []):
                yield name, step


def step_named(workflow: str, name: str) -> dict[str, Any]:
    """Return a step."""
    return next(step for of, step in steps() if of == workflow and step.get("name") == name)


def run_python(step: dict[str, Any], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step that is written in Python."""
    assert step["shell"] == "python"
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", step["run"]],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def pinned(requirements: str) -> str:
    """Return the version of Home Assistant that is installed from requirements."""
    text = (PROJECT / "requirements" / f"{requirements}.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"^homeassistant==(\S+)", text, re.MULTILINE)
    return version


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a folder with the files that a release looks at, all of the version 1.2.3."""
    integration = tmp_path / "custom_components" / "onemeter"
    integration.mkdir(parents=True)
    (integration / "manifest.json").write_text('{"version": "1.2.3"}', encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"', encoding="utf-8")
    (tmp_path / "dist").mkdir()
    return tmp_path


def test_the_workflows_of_a_published_integration_are_there() -> None:
    assert set(WORKFLOWS) == {"hacs", "hassfest", "release", "test"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_unless_a_job_needs_more(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    wider = [job for job in workflow["jobs"].values() if "permissions" in job]
    assert len(wider) == (1 if name == "release" else 0)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_does_not_run_twice_at_once(name: str) -> None:
    # A called workflow would share a group that is named after its caller, and wait for itself.
    assert WORKFLOWS[name]["concurrency"]["group"] == f"{name}-${{{{ github.ref }}}}"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_job_ends_some_time(name: str) -> None:
    for job in WORKFLOWS[name]["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] <= 30


def test_every_action_is_pinned_to_a_major_version() -> None:
    used = {step["uses"] for _, step in steps() if "uses" in step}
    loose = {action for action in used if not re.fullmatch(r"[\w./-]+@v\d+", action)}
    assert loose == WITHOUT_VERSIONS


def test_no_checkout_leaves_its_credentials_behind() -> None:
    for name, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, name


@pytest.mark.parametrize(
    "file",
    [*sorted((PROJECT / ".github/workflows").glob("*")), PROJECT / ".ci" / "run"],
    ids=lambda file: file.name,
)
def test_every_script_that_is_run_exists_and_can_be(file: Path) -> None:
    scripts = set(_SCRIPT.findall(file.read_text(encoding="utf-8")))
    assert scripts or file.stem in {"hacs", "hassfest"}
    assert [name for name in scripts if not os.access(PROJECT / name, os.X_OK)] == []


def test_every_workflow_that_is_called_exists_and_can_be() -> None:
    called = [
        job["uses"]
        for workflow in WORKFLOWS.values()
        for job in workflow["jobs"].values()
        if "uses" in job
    ]
    assert called == ["./.github/workflows/test.yml"]
    # YAML reads the key `on` as true.
    assert "workflow_call" in WORKFLOWS["test"][True]


def test_what_continuous_integration_runs_here_is_what_it_runs_there() -> None:
    here = _SCRIPT.findall((PROJECT / ".ci" / "run").read_text(encoding="utf-8"))
    there = [
        script
        for name, step in steps()
        if name == "test"
        for script in _SCRIPT.findall(step.get("run", ""))
    ]
    assert there == here


def test_the_minimum_is_the_oldest_home_assistant_that_owners_may_have() -> None:
    oldest = json.loads((PROJECT / "hacs.json").read_text(encoding="utf-8"))["homeassistant"]

    assert pinned("minimum") == oldest
    assert pinned("dev") != oldest


def test_the_newest_is_newer_than_what_the_other_tests_have() -> None:
    def numbers(version: str) -> list[int]:
        return [int(number) for number in version.split(".")]

    assert numbers(pinned("newest")) > numbers(pinned("dev"))
    override = (PROJECT / "requirements/newest-override.txt").read_text(encoding="utf-8")
    assert f"homeassistant=={pinned('newest')}\n" in override


def test_a_tag_that_is_the_version_is_released(checkout: Path) -> None:
    step = step_named("release", "Check that the tag names the version")

    assert run_python(step, checkout, GITHUB_REF_NAME="v1.2.3").returncode == 0


@pytest.mark.parametrize("file", ["pyproject.toml", "custom_components/onemeter/manifest.json"])
def test_a_tag_that_is_not_the_version_everywhere_is_not_released(
    file: str, checkout: Path
) -> None:
    step = step_named("release", "Check that the tag names the version")
    text = (checkout / file).read_text(encoding="utf-8")
    (checkout / file).write_text(text.replace("1.2.3", "1.2.4"), encoding="utf-8")

    result = run_python(step, checkout, GITHUB_REF_NAME="v1.2.3")

    assert result.returncode == 1
    assert "1.2.4" in result.stderr


def test_an_archive_is_built_only_if_hacs_is_told_of_one(checkout: Path, tmp_path: Path) -> None:
    step = step_named("release", "Build the archive for HACS, if it is to get one")
    settings = checkout / "hacs.json"

    settings.write_text('{"name": "OneMeter"}', encoding="utf-8")
    assert run_python(step, checkout).returncode == 0
    assert list((checkout / "dist").iterdir()) == []

    settings.write_text('{"zip_release": true, "filename": "onemeter.zip"}', encoding="utf-8")
    assert run_python(step, checkout).returncode == 0
    shutil.unpack_archive(checkout / "dist" / "onemeter.zip", tmp_path / "unpacked")
    assert [path.name for path in (tmp_path / "unpacked").iterdir()] == ["manifest.json"]
