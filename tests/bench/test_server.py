"""The server's benchmark runs, and prints every figure that the server has a goal for."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

WITH_GOALS = (
    "devices/ of 20, CPU",
    "devices/ of 100, CPU",
    "readings, 20,000 rows, first byte",
    "readings, 20,000 rows, more memory",
    "transactions held while a reader is slow",
    "CPU for a client that goes away",
    "10,000 readings a day, 100 meters, CPU",
)
BESIDE_A_BARE_INSERT = (
    "single push, acknowledged, CPU per reading",
    "single push, acknowledged, wall per reading",
    "bulk of 500, CPU per reading",
    "bulk of 500, wall per reading",
)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What a quick run prints; whether goals are met depends on what else a machine does."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.server", "--quick"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not run.stderr
    return run.stdout.splitlines()


def only(lines: list[str], begin: str) -> str:
    """Return the one line that begins so."""
    (line,) = [line for line in lines if line.startswith(begin)]
    return line


def test_a_reading_takes_few_bytes(lines: list[str]) -> None:
    line = only(lines, "SQLite: a reading of twelve registers, 2 decimals")
    assert "<= 64 B      met  row of a plain table" in line


def databases(lines: list[str]) -> list[str]:
    return ["SQLite"] + ["PostgreSQL"] * ("PostgreSQL is not installed" not in " ".join(lines))


@pytest.mark.parametrize("figure", WITH_GOALS)
def test_a_figure_stands_beside_its_goal(lines: list[str], figure: str) -> None:
    for database in databases(lines):
        line = only(lines, f"{database}: {figure}")
        assert "<= " in line or ">= " in line
        assert "met" in line or "MISSED" in line


@pytest.mark.parametrize("figure", BESIDE_A_BARE_INSERT)
def test_taking_readings_in_stands_beside_a_bare_insert(lines: list[str], figure: str) -> None:
    for database in databases(lines):
        assert "ms, ratio " in only(lines, f"{database}: {figure}").partition("bare insert ")[2]
