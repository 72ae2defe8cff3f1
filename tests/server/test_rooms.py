"""Imports go one way between the rooms of the server."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import onemeter_server

PACKAGE = Path(onemeter_server.__file__).parent
NAME = "onemeter_server"

# Each room with those that it may know besides itself.
ROOMS = {
    "models": set(),
    "clock": set(),
    "settings": set(),
    "energy": {"models"},
    "storage": {"models", "energy", "clock"},
    "feeds": {"models", "storage"},
    "api": {"models", "energy", "storage", "feeds", "clock"},
    "web": {"models", "energy", "storage", "api", "clock"},
    "app": {"api", "web", "feeds", "storage", "clock"},
    "serve": {"api"},
    "cli": {"app", "serve", "settings", "storage", "models", "clock"},
}
ROOMS["demo"] = {*ROOMS}
ROOMS["__main__"] = {*ROOMS}


def rooms_imported(path: Path) -> set[str]:
    """Return the rooms that a module takes from."""
    package = (NAME, *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith(f"{NAME}.")}
    return found


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent != PACKAGE or path.stem != "__init__"
    ],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_a_room_knows_only_those_below_it(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    assert rooms_imported(path) - {room} <= ROOMS[room]
