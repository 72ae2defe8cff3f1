"""Warnings that our code causes are errors in the tests, and so is what it leaves behind.

What nobody can catch is tried with a run of pytest on files of its own, with the project's
settings: what is proven is that such a test fails.
"""

import os
import subprocess
import sys
from typing import Final

import pytest

from .files import PROJECT

# A module that warns whoever calls it, as a library does that wants to get rid of something.
LIBRARY: Final = """
import warnings

def old():
    warnings.warn("old", DeprecationWarning, stacklevel=2)
"""
NEVER_AWAITED: Final = """
async def work():
    pass

def test_it():
    work()
"""
LEFT_OPEN: Final = """
def test_it():
    open(__file__)
"""
DIES_IN_A_THREAD: Final = """
import threading

def die():
    raise ValueError("nobody sees this")

def test_it():
    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
"""
DIES_WHILE_IT_IS_DELETED: Final = """
class Thing:
    def __del__(self):
        raise ValueError("nobody sees this")

def test_it():
    Thing()
"""
LEAVES_NOTHING: Final = """
def test_it():
    assert True
"""

FILES: Final = {
    "never_awaited": NEVER_AWAITED,
    "left_open": LEFT_OPEN,
    "dies_in_a_thread": DIES_IN_A_THREAD,
    "dies_while_it_is_deleted": DIES_WHILE_IT_IS_DELETED,
    "leaves_nothing": LEAVES_NOTHING,
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run pytest on the files, each a test of its own; give what it says at the end."""
    folder = tmp_path_factory.mktemp("tests")
    for name, text in FILES.items():
        (folder / f"test_{name}.py").write_text(text, encoding="utf-8")
    result = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "pytest", str(folder), "--rootdir", str(folder)),
            *("-c", str(PROJECT / "pyproject.toml"), "--import-mode=importlib"),
            *("-p", "no:cacheprovider", "-p", "no:homeassistant"),
            *("--no-cov", "-q", "-rA"),
        ],
        cwd=folder,
        env={**os.environ, "COLUMNS": "500"},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    "module",
    [
        "custom_components.onemeter",
        "custom_components.onemeter.sensor",
        "custom_components.onemeter.onemeter_cloud.client",
        "onemeter_cloud.client",
        "onemeter_server.app",
        "demo.check",
        "tests.integration.meters",
    ],
)
def test_a_deprecation_that_our_module_is_blamed_for_is_an_error(module: str) -> None:
    space = {"__name__": module}
    exec(LIBRARY, library := {"__name__": "library_of_others"})  # noqa: S102
    space["old"] = library["old"]

    with pytest.raises(DeprecationWarning, match="old"):
        exec("old()", space)  # noqa: S102


@pytest.mark.parametrize("module", ["homeassistant.core", "demography", "onemeter_cloudy"])
def test_a_deprecation_that_others_are_blamed_for_is_none_of_ours(module: str) -> None:
    exec(LIBRARY, library := {"__name__": "library_of_others"})  # noqa: S102

    with pytest.warns(DeprecationWarning, match="old"):
        exec("old()", {"__name__": module, "old": library["old"]})  # noqa: S102


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("never_awaited", "coroutine 'work' was never awaited"),
        ("left_open", "ResourceWarning: unclosed file"),
        ("dies_in_a_thread", "PytestUnhandledThreadExceptionWarning"),
        ("dies_while_it_is_deleted", "PytestUnraisableExceptionWarning"),
    ],
)
def test_what_nobody_could_catch_fails_the_test_all_the_same(
    name: str, told: str, outcome: str
) -> None:
    assert f"FAILED test_{name}.py::test_it" in outcome
    assert told in outcome


def test_a_test_that_leaves_nothing_behind_passes(outcome: str) -> None:
    assert "PASSED test_leaves_nothing.py::test_it" in outcome
