"""Reads out of the integration's source which exceptions and issues it tells, and with what."""

import ast
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Final

from homeassistant import exceptions
from homeassistant.helpers.update_coordinator import UpdateFailed

from custom_components.onemeter.errors import wording_of
from custom_components.onemeter.onemeter_cloud import OneMeterError
from custom_components.onemeter.onemeter_cloud.errors import SENTENCES

from .sources import Module, Package, UnknownStringsError, assigned, called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS_OF_THE_SERVER: Final = "Said {by} the server"

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
    """Return the translated exceptions that a package raises by itself, not for another error."""
    return [
        message
        for name in (*SHOWN_EXCEPTIONS, "__init__")  # those of our own words themselves
        for module, call in package.calls.get(name, [])
        if module.name != "errors" and keyword(call, "translation_key") is not None
        for message in _messages(package, module, call)
    ]


def translated_errors() -> list[Message]:
    """Return the exceptions that stand for errors of the library, and for any others.

    Which they are is told by a table, not by the places where they are raised.
    """
    return [
        Message(
            key=wording.key,
            placeholders=frozenset(wording.placeholders),
            where=f"errors: {err!r}",
        )
        for err in (*errors_of_the_library(), ValueError())
        for wording in [wording_of(err)]
    ]


def errors_of_the_library() -> Iterator[OneMeterError]:
    """Yield an error of each kind, with and without words of the server."""
    for kind, sentence in SENTENCES.items():
        figures = {name: 42 for _, name, _, _ in Formatter().parse(sentence) if name is not None}
        for words in (None, WORDS_OF_THE_SERVER):
            yield OneMeterError(kind, server_message=words, **figures)


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
            if maker.name == "errors":
                continue  # told by a table, see `translated_errors`
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
