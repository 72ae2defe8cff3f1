"""Reads out of the integration's source what each flow shows: steps, fields, errors, aborts."""

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .sources import Function, Module, Package, assigned, called, keyword, reached, returned

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Home Assistant's own methods abort with, unless told otherwise.
_IMPLIED_ABORTS: Final = {
    "_abort_if_unique_id_configured": "already_configured",
    "_abort_if_unique_id_mismatch": "unique_id_mismatch",
    "_async_abort_entries_match": "already_configured",
}


@dataclass(slots=True, kw_only=True)
class Step:
    """A step of a flow: its fields (a section's are within it), and what is filled into texts."""

    fields: dict[str, set[str] | None] = field(default_factory=dict)
    placeholders: set[str] | None = field(default_factory=set)
    menu: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Flow:
    """What a class of flows shows; `path` is where its texts stand, one of a tuple's length."""

    name: str
    path: tuple[str, ...]
    steps: dict[str, Step] = field(default_factory=dict)
    errors: set[str] = field(default_factory=set)
    aborts: set[str] = field(default_factory=set)


def flows_of(package: Package) -> list[Flow]:
    """Return what all flows of a package show; the repairs, whose texts lie together, as one."""
    flows: dict[tuple[str, ...], Flow] = {}
    for module, node in package.classes:
        if (path := _path_of(package, node)) is not None:
            _read(package, module, node, flows.setdefault(path, Flow(name=node.name, path=path)))
    return list(flows.values())


def _path_of(package: Package, node: ast.ClassDef) -> tuple[str, ...] | None:
    """Return where the texts of a class of flows stand; `None` if it is none."""
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    if "ConfigFlow" in bases:
        return ("config",)
    if bases & {"OptionsFlow", "OptionsFlowWithReload"}:
        return ("options",)
    if "ConfigSubentryFlow" in bases:
        return ("config_subentries", _subentry_type(package, node.name))
    if bases & {"RepairsFlow", "ConfirmRepairFlow"}:
        return ("issues",)
    return None


def _subentry_type(package: Package, class_name: str) -> str:
    """Return the kind of subentries that a class of flows is registered for."""
    (found,) = {
        text
        for module, function in package.functions["async_get_supported_subentry_types"]
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(value, ast.Name) and value.id == class_name
        for text in package.strings(module, key)
    }
    return found


def _read(package: Package, module: Module, node: ast.ClassDef, flow: Flow) -> None:
    methods = [
        part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    def find(call: ast.Call) -> list[tuple[Module, Function]]:
        """Find what a flow calls: its own methods, and functions of modules."""
        own = [(module, method) for method in methods if method.name == called(call)]
        if own or not isinstance(call.func, ast.Name):
            return own
        return package.callees(call)

    seen: set[int] = set()
    for method in methods:
        for owner, function in reached(module, method, find):
            if id(function) not in seen:
                seen.add(id(function))
                _read_function(package, owner, function, flow)


def _read_function(package: Package, module: Module, function: Function, flow: Flow) -> None:
    for node in ast.walk(function):
        match node:
            case ast.Call():
                _read_call(package, module, node, flow)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="errors"))], value=value):
                flow.errors |= package.strings(module, value)


def _read_call(package: Package, module: Module, call: ast.Call, flow: Flow) -> None:
    match called(call):
        case "async_show_form" | "async_show_menu":
            flow.errors |= package.strings(module, keyword(call, "errors"))
            for step_id in package.strings(module, keyword(call, "step_id")):
                step = flow.steps.setdefault(step_id, Step())
                step.menu |= package.strings(module, keyword(call, "menu_options"))
                _add_placeholders(package, module, call, step)
                schema = keyword(call, "data_schema")
                if schema is not None:
                    step.fields |= dict(_fields(package, module, schema))
        case "setdefault" if isinstance(call.func, ast.Attribute):
            if isinstance(call.func.value, ast.Name) and call.func.value.id == "errors":
                flow.errors |= package.strings(module, call.args[1])
        case "async_abort" if keyword(call, "translation_domain") is None:
            flow.aborts |= package.strings(module, keyword(call, "reason"))
        case "async_update_and_abort" | "async_update_reload_and_abort":
            # Without a reason of its own, the texts are Home Assistant's.
            flow.aborts |= package.strings(module, keyword(call, "reason"))
        case name if name in _IMPLIED_ABORTS:
            flow.aborts.add(_IMPLIED_ABORTS[name])


def _add_placeholders(package: Package, module: Module, call: ast.Call, step: Step) -> None:
    """Note what a form fills into the texts; `None` stays for what only running it tells."""
    given = keyword(call, "description_placeholders")
    if given is None or step.placeholders is None:
        return
    if isinstance(given, ast.Dict):
        for key in given.keys:
            step.placeholders |= package.strings(module, key)
    else:
        step.placeholders = None


def _fields(
    package: Package, module: Module, schema: ast.expr
) -> Iterator[tuple[str, set[str] | None]]:
    """Yield the fields of a form, and of each that is a section the fields in it."""
    for owner, key, value in _pairs(package, module, schema):
        if isinstance(key, ast.Call) and called(key) in {"Required", "Optional"}:
            inner = None
            if isinstance(value, ast.Call) and called(value) == "section":
                inner = {name for name, _ in _fields(package, owner, value.args[0])}
            for name in package.strings(owner, key.args[0]):
                yield name, inner


def _pairs(
    package: Package, module: Module, node: ast.expr, seen: set[ast.AST] | None = None
) -> Iterator[tuple[Module, ast.expr, ast.expr]]:
    """Yield key and value of everything that a schema is made of, wherever that is written."""
    seen = set() if seen is None else seen
    if node in seen:
        return
    seen.add(node)
    match node:
        case ast.Dict(keys=keys, values=values):
            pairs = [*zip(keys, values, strict=True)]
            yield from ((module, key, value) for key, value in pairs if key is not None)
            parts = [(module, value) for key, value in pairs if key is None]
        case ast.DictComp(key=key, value=value):
            yield module, key, value
            return
        case ast.Name():
            values = assigned(module, node) or _of_module(module, node.id)
            parts = [(module, value) for value in values]
        case ast.Call():
            parts = _parts_of_call(package, module, node)
        case _:
            return
    for owner, part in parts:
        yield from _pairs(package, owner, part, seen)


def _parts_of_call(
    package: Package, module: Module, call: ast.Call
) -> list[tuple[Module, ast.expr]]:
    """Return what a schema's part is made of: what is called, its object, what it is given."""
    object_ = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return [
        *(
            (owner, value)
            for owner, function in package.callees(call)
            for value in returned(function)
        ),
        *((module, part) for part in (*object_, *call.args)),
    ]


def _of_module(module: Module, name: str) -> list[ast.expr]:
    """Return what a name of a module is given, there or where it is imported from."""
    return [
        node.value
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value is not None
        and any(
            isinstance(target, ast.Name) and target.id == name
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        )
    ]
