"""What ships uses Home Assistant's recorder only by what is meant for integrations.

Public is here what integrations of Home Assistant's own import for the same purpose (elvia, opower,
tibber): the calls of `recorder.statistics`, the types of `recorder.models` that these calls take,
and `helpers.recorder`. `async_update_statistics_metadata` is one of them: it tells integrations
that call it in an old way. Tasks, sessions, tables, the schema, `util` and whatever begins with an
underscore change from one release to the next, and so does what the recorder's instance has besides
the few names below.
"""

import ast
from textwrap import dedent
from typing import TYPE_CHECKING, Final

import pytest

from .files import INTEGRATION, PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDER: Final = "homeassistant.components.recorder"
HELPER: Final = "homeassistant.helpers.recorder"
PUBLIC: Final = {
    f"{RECORDER}.models": {"StatisticData", "StatisticMeanType", "StatisticMetaData"},
    f"{RECORDER}.statistics": {
        "async_add_external_statistics",
        "async_update_statistics_metadata",
        "get_last_statistics",
        "statistics_during_period",
    },
    HELPER: {"DATA_INSTANCE", "get_instance"},
}
OF_INSTANCE: Final = {"async_add_executor_job", "async_clear_statistics", "is_running"}


def private_uses(source: str) -> list[str]:
    """Return what a module has of the recorder that is not public, by line and code."""
    tree = ast.parse(source)
    uses = [*_imports(tree), *_texts(tree), *_attributes(tree)]
    return [f"{node.lineno}: {ast.unparse(node)}" for node in uses]


def _is_of_recorder(module: str) -> bool:
    return module in {RECORDER, HELPER} or module.startswith((f"{RECORDER}.", f"{HELPER}."))


def _imports(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield imports of modules of the recorder's, and of names that are not public."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(_is_of_recorder(each.name) for each in names):
                yield node
            case ast.ImportFrom(module=str(module), names=names, level=0):
                if any(_is_of_recorder(f"{module}.{each.name}") for each in names) and not all(
                    each.name in PUBLIC.get(module, ()) for each in names
                ):
                    yield node


def _texts(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield texts that name a module of the recorder's, to be imported at run time."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and RECORDER in node.value
        ):
            yield node


def _attributes(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Yield what is used of the recorder's instance, and is not public."""
    names = {
        target.id
        for node in ast.walk(tree)
        for target in _targets(node)
        if isinstance(target, ast.Name) and _is_instance(_value(node), set())
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and _is_instance(node.value, names)
            and node.attr not in OF_INSTANCE
        ):
            yield node


def _targets(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=targets):
            return targets
        case ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
            return [target]
    return []


def _value(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Assign(value=value) | ast.AnnAssign(value=value) | ast.NamedExpr(value=value):
            return value
    return None


def _is_instance(node: ast.expr | None, names: set[str]) -> bool:
    """Tell whether an expression is the recorder's instance; `names` are variables that are it."""
    match node:
        case ast.Name(id=name):
            return name in names
        case ast.NamedExpr(value=value):
            return _is_instance(value, names)
        case (
            ast.Call(func=ast.Name(id="get_instance"))
            | ast.Call(func=ast.Attribute(attr="get_instance"))
        ):
            return True
        case ast.Subscript(slice=ast.Name(id="DATA_INSTANCE")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Name(id="DATA_INSTANCE"), *_]):
            return True
    return False


@pytest.mark.parametrize(
    "path",
    sorted(INTEGRATION.rglob("*.py")),
    ids=lambda path: str(path.relative_to(PROJECT / "custom_components")),
)
def test_nothing_private_of_the_recorder_is_used(path: Path) -> None:
    assert private_uses(path.read_text(encoding="utf-8")) == []


def test_no_type_is_ignored_in_what_ships() -> None:
    ignoring = [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in sorted(INTEGRATION.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "type: ignore" in line or "SLF001" in line
    ]
    assert ignoring == []


def test_what_is_public_is_used_and_nothing_is_allowed_besides() -> None:
    imported = {
        (node.module, each.name)
        for path in INTEGRATION.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in PUBLIC
        for each in node.names
    }
    assert imported == {(module, name) for module, names in PUBLIC.items() for name in names}


@pytest.mark.parametrize(
    "source",
    [
        "from homeassistant.components import recorder",
        "from homeassistant.components.recorder import Recorder",
        "from homeassistant.components.recorder import get_instance",
        "from homeassistant.components.recorder.tasks import RecorderTask",
        "from homeassistant.components.recorder.db_schema import Statistics",
        "from homeassistant.components.recorder.util import session_scope",
        "from homeassistant.components.recorder.statistics import _import_statistics_with_session",
        "from homeassistant.components.recorder.statistics import get_metadata",
        "from homeassistant.helpers.recorder import session_scope",
        "from homeassistant.helpers import recorder",
        "import homeassistant.components.recorder.db_schema",
        "import homeassistant.helpers.recorder as helper",
        "def later():\n    from homeassistant.components.recorder import core",
        "import_module('homeassistant.components.recorder.tasks')",
        "get_instance(hass).queue_task(task)",
        "get_instance(hass)._queue.put(task)",
        "hass.data[DATA_INSTANCE].engine",
        "instance = get_instance(hass)\ninstance.get_session()",
        "if (instance := hass.data.get(DATA_INSTANCE)) is not None:\n    instance.engine.dispose()",
    ],
)
def test_private_uses_are_found(source: str) -> None:
    assert len(private_uses(dedent(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from homeassistant.components.recorder.statistics import get_last_statistics",
        "from homeassistant.helpers.recorder import DATA_INSTANCE, get_instance",
        "from .recorder import async_add",
        "instance = hass.data.get(DATA_INSTANCE)\nprint(instance.is_running)",
        "await get_instance(hass).async_add_executor_job(f)",
    ],
)
def test_public_uses_are_let_pass(source: str) -> None:
    assert private_uses(source) == []
