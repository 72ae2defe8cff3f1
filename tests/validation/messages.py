"""Reads out of the integration's source which exceptions and issues it tells, and with what."""

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeassistant import exceptions
from homeassistant.helpers.update_coordinator import UpdateFailed

from .sources import Module, Package, UnknownStringsError, assigned, called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Home Assistant shows to people when it is raised.
SHOWN_EXCEPTIONS: Final = frozenset(
    {
        UpdateFailed.__name__,
        *(
            name
            for name, value in vars(exceptions).items()
            if isinstance(value, type) and issubclass(value, exceptions.HomeAssistantError)
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text that is told somewhere in the code, and what is filled into it there."""

    key: str
    placeholders: frozenset[str]
    where: str


def exceptions_of(package: Package) -> list[Message]:
    """Return the translated exceptions that a package raises."""
    return [
        message
        for name in SHOWN_EXCEPTIONS
        for module, call in package.calls.get(name, [])
        if keyword(call, "translation_key") is not None
        for message in _messages(package, module, call)
    ]


def untranslated_exceptions_of(package: Package) -> list[str]:
    """Return where a package raises what people see, in words that stand in the code."""
    return [
        f"{module.name}:{call.lineno}: {ast.unparse(call)}"
        for name in SHOWN_EXCEPTIONS
        for module, call in package.calls.get(name, [])
        if keyword(call, "translation_key") is None
    ]


def issues_of(package: Package) -> list[Message]:
    """Return the issues that a package opens in Home Assistant's repairs."""
    return [
        message
        for module, call in package.calls.get("async_create_issue", [])
        for message in _messages(package, module, call)
    ]


def _messages(package: Package, module: Module, call: ast.Call) -> Iterator[Message]:
    key = keyword(call, "translation_key")
    if isinstance(key, ast.Attribute):
        # Key and placeholders lie in an object: each place that makes one is a place of its own.
        used = {
            node.attr
            for node in ast.walk(call)
            if isinstance(node, ast.Attribute) and ast.dump(node.value) == ast.dump(key.value)
        }
        for maker, made in package.makers(*used):
            yield from _pairs(package, maker, made, keyword(made, key.attr))
    else:
        yield from _pairs(package, module, call, key)


def _pairs(
    package: Package, module: Module, call: ast.Call, key: ast.expr | None
) -> Iterator[Message]:
    given = keyword(call, "translation_placeholders") or keyword(call, "placeholders")
    names = frozenset(_names(package, module, given))
    for text in package.strings(module, key):
        yield Message(key=text, placeholders=names, where=f"{module.name}:{call.lineno}")


def _names(package: Package, module: Module, node: ast.expr | None) -> Iterator[str]:
    """Yield the names of placeholders: the keys of a mapping, the first of pairs."""
    match node:
        case None | ast.Constant(value=None):
            parts: list[ast.expr] = []
        case ast.Dict(keys=keys, values=values):
            for key in keys:
                yield from package.strings(module, key)
            parts = [value for key, value in zip(keys, values, strict=True) if key is None]
        case ast.Tuple(elts=[ast.Constant(value=str(name)), _]):
            yield name
            parts = []
        case ast.Tuple(elts=parts):
            pass
        case ast.Name() if assigned(module, node) is not None:
            parts = assigned(module, node) or []
        case ast.Call(args=parts) if called(node) == "dict":
            pass
        case _:
            message = f"{module.name}:{node.lineno}: cannot tell the names in {ast.unparse(node)}"
            raise UnknownStringsError(message)
    for part in parts:
        yield from _names(package, module, part)
