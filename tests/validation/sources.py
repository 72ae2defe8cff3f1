"""Reads out of the integration's source which strings an expression can stand for.

Keys of translations are seldom written where they are used: they come through a parameter, a
constant of another module, a field of a dataclass. This follows them there. An expression that it
cannot follow raises `UnknownStringsError`: it never guesses that there are none.
"""

import ast
import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

type Function = ast.FunctionDef | ast.AsyncFunctionDef

_COLLECTING = frozenset({"dict", "frozenset", "iter", "list", "next", "set", "sorted", "tuple"})


class UnknownStringsError(Exception):
    """An expression whose strings cannot be told without running it."""


@dataclass(slots=True, eq=False)
class Module:
    """A module of the package; `values` are its globals, as Python has them at run time."""

    name: str
    tree: ast.Module
    values: Mapping[str, Any]
    parents: dict[ast.AST, ast.AST] = field(init=False)

    def __post_init__(self) -> None:
        """Note what each node stands in."""
        self.parents = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node stands in, the innermost first."""
        while (outer := self.parents.get(node)) is not None:
            yield outer
            node = outer


class Package:
    """The modules of a package, and what can be told of their strings."""

    def __init__(self, modules: list[Module]) -> None:
        """Keep the modules."""
        self.modules = modules
        self._following: set[ast.AST] = set()

    @classmethod
    def read(cls, folder: Path, name: str, *inner: str) -> Self:
        """Read the modules of a package, and those of packages inside it."""
        return cls(
            [
                Module(
                    name=path.relative_to(folder).with_suffix("").as_posix().replace("/", "."),
                    tree=ast.parse(path.read_text(encoding="utf-8")),
                    values=vars(importlib.import_module(_name_of_module(package, path.stem))),
                )
                for place, package in (
                    (folder, name),
                    *((folder / below, f"{name}.{below}") for below in inner),
                )
                for path in sorted(place.glob("*.py"))
            ]
        )

    @cached_property
    def functions(self) -> dict[str, list[tuple[Module, Function]]]:
        """All functions and methods by name."""
        found: dict[str, list[tuple[Module, Function]]] = {}
        for module, node in self.nodes():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.setdefault(node.name, []).append((module, node))
        return found

    @cached_property
    def calls(self) -> dict[str, list[tuple[Module, ast.Call]]]:
        """All calls, by the last part of the name of what is called."""
        found: dict[str, list[tuple[Module, ast.Call]]] = {}
        for module, node in self.nodes():
            if isinstance(node, ast.Call):
                found.setdefault(called(node), []).append((module, node))
        return found

    @cached_property
    def classes(self) -> list[tuple[Module, ast.ClassDef]]:
        """All classes."""
        return [(module, node) for module, node in self.nodes() if isinstance(node, ast.ClassDef)]

    def callees(self, call: ast.Call) -> list[tuple[Module, Function]]:
        """Return what a call may run: a function of a module, or methods of that name."""
        is_method = isinstance(call.func, ast.Attribute)
        return [
            (module, function)
            for module, function in self.functions.get(called(call), [])
            if isinstance(module.parents[function], ast.ClassDef) is is_method
        ]

    def nodes(self) -> Iterator[tuple[Module, ast.AST]]:
        """Yield every node of every module."""
        for module in self.modules:
            for node in ast.walk(module.tree):
                yield module, node

    def strings(self, module: Module, node: ast.expr | None) -> set[str]:
        """Return all strings that an expression can stand for or hold; too many rather than few."""
        if node is None or node in self._following:
            return set()
        self._following.add(node)
        try:
            return self._strings(module, node)
        finally:
            self._following.remove(node)

    def _strings(self, module: Module, node: ast.expr) -> set[str]:
        match node:
            case ast.Constant(value=value):
                return {value} if isinstance(value, str) else set()
            case ast.JoinedStr(values=values):
                choices = product(*(self.strings(module, part) for part in values))
                return {"".join(choice) for choice in choices}
            case ast.Name():
                return self._strings_of_name(module, node)
            case ast.Attribute(attr=name):
                return self._strings_of_field(module, node, name)
            case ast.Call():
                return self._strings_of_call(module, node)
        if (parts := _parts(node)) is None:
            raise _unknown(module, node)
        return self._union(module, parts)

    def _union(self, module: Module, nodes: list[ast.expr]) -> set[str]:
        return {text for node in nodes for text in self.strings(module, node)}

    def _strings_of_name(self, module: Module, node: ast.Name) -> set[str]:
        """Follow a name to what it was given: in a loop, in a function, in a module."""
        if (values := assigned(module, node)) is not None:
            return self._union(module, values)
        for outer in module.around(node):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [argument.arg for argument in _arguments(outer)]
                if node.id in names:
                    return self._strings_of_argument(module, outer, node.id)
        if node.id in module.values:
            return set(_strings_in(module.values[node.id]))
        raise _unknown(module, node)

    def _strings_of_argument(self, module: Module, function: Function, name: str) -> set[str]:
        """Follow a parameter to everything that is handed over for it."""
        found = self._union(module, _defaults(function, name))
        given = [
            (caller, value)
            for caller, call in self.calls.get(function.name, [])
            if (value := _given(call, function, name)) is not None
        ]
        if not given and not found:
            message = f"{module.name}:{function.lineno}: nothing is seen to call {function.name}"
            raise UnknownStringsError(message)
        return found | {text for caller, value in given for text in self.strings(caller, value)}

    def _strings_of_field(self, module: Module, node: ast.expr, name: str) -> set[str]:
        """Follow a field to everything that the package's dataclasses get for it."""
        values = [
            (caller, keyword.value)
            for caller, call in self.makers(name)
            for keyword in call.keywords
            if keyword.arg == name
        ]
        if not values:
            raise _unknown(module, node)
        return {text for caller, value in values for text in self.strings(caller, value)}

    def makers(self, *fields: str) -> list[tuple[Module, ast.Call]]:
        """Return the calls that make an object of a class of the package that has the fields."""
        return [
            maker
            for _, class_ in self.classes
            if {
                part.target.id
                for part in class_.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            }.issuperset(fields)
            for maker in self.calls.get(class_.name, [])
        ]

    def _strings_of_call(self, module: Module, node: ast.Call) -> set[str]:
        if functions := self.callees(node):
            return {
                text
                for owner, function in functions
                for value in returned(function)
                for text in self.strings(owner, value)
            }
        if isinstance(node.func, ast.Name) and node.func.id in _COLLECTING:
            return self._union(module, node.args)
        raise _unknown(module, node)


def called(call: ast.Call) -> str:
    """Return the last part of the name of what is called; empty if it has none."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return what a call hands over by a name."""
    return next((given.value for given in call.keywords if given.arg == name), None)


def returned(function: Function) -> Iterator[ast.expr]:
    """Yield what a function returns or yields, but not what functions inside it do."""
    for node in _own_nodes(function):
        match node:
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                yield value
            case ast.YieldFrom(value=value):
                yield value


def assigned(module: Module, name: ast.Name) -> list[ast.expr] | None:
    """Return what a name is given in the loops and functions that it stands in.

    `None` if it is given nothing there: it is a parameter then, or belongs to the module.
    """
    for outer in module.around(name):
        match outer:
            case (
                ast.GeneratorExp(generators=generators)
                | ast.ListComp(generators=generators)
                | ast.SetComp(generators=generators)
                | ast.DictComp(generators=generators)
            ):
                found = [loop.iter for loop in generators if _binds(loop.target, name.id)]
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found = [
                    value for node in _own_nodes(outer) for value in _assigned_by(node, name.id)
                ]
            case _:
                continue
        if found:
            return found
    return None


def _assigned_by(node: ast.AST, name: str) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=targets, value=value) if any(_binds(it, name) for it in targets):
            yield value
        case ast.AnnAssign(target=target, value=ast.expr() as value) if _binds(target, name):
            yield value
        case ast.NamedExpr(target=target, value=value) if _binds(target, name):
            yield value
        case ast.For(target=target, iter=value) if _binds(target, name):
            yield value


def _binds(target: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in _targets(target))


def _targets(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _targets(part)
    else:
        yield target


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _arguments(function: Function) -> list[ast.arg]:
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _defaults(function: Function, name: str) -> list[ast.expr]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return [value for argument, value in pairs if argument.arg == name and value is not None]


def _given(call: ast.Call, function: Function, name: str) -> ast.expr | None:
    """Return what a call hands over for a parameter."""
    if (value := keyword(call, name)) is not None:
        return value
    positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if positional[:1] in (["self"], ["cls"]):
        positional = positional[1:]
    if name in positional and positional.index(name) < len(call.args):
        return call.args[positional.index(name)]
    return None


def _parts(node: ast.expr) -> list[ast.expr] | None:
    """Return what an expression only chooses from, collects or passes on; `None` for others."""
    match node:
        case ast.Dict(values=parts) | ast.BoolOp(values=parts):
            return parts
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return parts
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case (
            ast.GeneratorExp(elt=part)
            | ast.ListComp(elt=part)
            | ast.SetComp(elt=part)
            | ast.Starred(value=part)
            | ast.NamedExpr(value=part)
            | ast.Await(value=part)
            | ast.FormattedValue(value=part)
            | ast.Subscript(value=part)
        ):
            return [part]
    return None


def _strings_in(value: object) -> Iterator[str]:
    """Yield the strings of a value of a module: itself, or what it collects."""
    if isinstance(value, str):
        yield str(value)
    elif isinstance(value, Mapping):
        yield from _strings_in(tuple(value.values()))
    elif isinstance(value, Collection) and not isinstance(value, type):
        for part in value:
            yield from _strings_in(part)


def _name_of_module(package: str, stem: str) -> str:
    return package if stem == "__init__" else f"{package}.{stem}"


def _unknown(module: Module, node: ast.expr) -> UnknownStringsError:
    message = f"{module.name}:{node.lineno}: cannot tell the strings of {ast.unparse(node)}"
    return UnknownStringsError(message)


def reached(
    module: Module, function: Function, find: Callable[[ast.Call], list[tuple[Module, Function]]]
) -> list[tuple[Module, Function]]:
    """Return a function and all that it calls, as far as `find` knows them."""
    found = [(module, function)]
    for _, each in found:
        for node in ast.walk(each):
            if isinstance(node, ast.Call):
                found.extend(callee for callee in find(node) if callee not in found)
    return found
