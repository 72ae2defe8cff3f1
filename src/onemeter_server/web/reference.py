"""What a reader wants to know of an OpenAPI document, in the order of reading: pure functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    type Schema = Mapping[str, Any]

_REFERENCE: Final = "#/components/schemas/"

# What stands in a sketch or a request for a value that the document has no example of.
_PLACEHOLDERS: Final[Mapping[str, Any]] = {
    "string": "…",
    "integer": 0,
    "number": 0.0,
    "boolean": False,
    "null": None,
}
_DEVICE_PLACEHOLDER: Final = "DEVICE"
_INSTANT_EXAMPLES: Final[Mapping[str, str]] = {"from": "2024-05-01", "to": "2024-05-31"}
_MAP_KEY: Final = "1_8_0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A piece of what is said of a type; `shape` is the shape that it names."""

    text: str
    shape: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of an operation. `default` is what holds if it is left out."""

    name: str
    place: str
    type: Sequence[Word]
    is_required: bool
    default: str | None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """An error that an operation can have, with its messages."""

    status: str
    description: str
    messages: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation answers in a media type; `sketch` is its shape as JSON."""

    media_type: str
    type: Sequence[Word]
    sketch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, with a request to copy."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: Sequence[Parameter]
    request: str
    success: str
    answers: Sequence[Answer]
    errors: Sequence[Error]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The operations of one tag."""

    name: str
    description: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a shape; one that is not `is_always` there may be absent."""

    name: str
    type: Sequence[Word]
    is_always: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A shape that answers are made of; `others` is the type of fields without a name."""

    name: str
    description: str
    fields: Sequence[Field]
    others: Sequence[Word]


class Reference:
    """A document, read for people."""

    def __init__(self, document: Mapping[str, Any], server: str) -> None:
        """Read a document; `server` is the address that requests go to, without a final slash."""
        self._document = document
        self._server = server
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]

    def groups(self) -> list[Group]:
        """Return the operations by their tags."""
        operations = [
            (operation["tags"], self._operation(path, method, operation))
            for path, methods in self._document["paths"].items()
            for method, operation in methods.items()
        ]
        return [
            Group(
                name=tag["name"],
                description=tag["description"],
                operations=[operation for tags, operation in operations if tag["name"] in tags],
            )
            for tag in self._document["tags"]
        ]

    def shapes(self) -> list[Shape]:
        """Return the shapes that have fields, by their names."""
        return [
            Shape(
                name=name,
                description=schema.get("description", ""),
                fields=[
                    Field(
                        name=field,
                        type=self.words(about),
                        is_always=field in schema.get("required", ()),
                        description=self._description(about),
                    )
                    for field, about in schema["properties"].items()
                ],
                others=self.words(schema["additionalProperties"])
                if "additionalProperties" in schema
                else (),
            )
            for name, schema in sorted(self._schemas.items())
            if "properties" in schema
        ]

    def words(self, schema: Schema) -> list[Word]:
        """Return what is to be said of a type."""
        return list(self._words(schema))

    def _words(self, schema: Schema) -> Iterator[Word]:
        match schema:
            case {"$ref": str(reference)}:
                name = reference.removeprefix(_REFERENCE)
                if "properties" in self._schemas[name]:
                    yield Word(text=name, shape=name)
                else:
                    yield from self._words(self._schemas[name])
            case {"anyOf": [first, *others]}:
                yield from self._words(first)
                for other in others:
                    yield Word(text=" or ")
                    yield from self._words(other)
            case {"const": value}:
                yield Word(text=str(value))
            case {"enum": values}:
                yield Word(text=" | ".join(map(str, values)))
            case {"type": "array", "items": items}:
                yield Word(text="list of ")
                yield from self._words(items)
            case {"type": "object", "additionalProperties": dict(values)}:
                yield Word(text="map of texts to ")
                yield from self._words(values)
            case {"type": str(name)}:
                yield Word(text=" ".join([_TYPES.get(name, name), *_limits(schema)]))
            case _:
                yield Word(text="any value")

    def sketch(self, schema: Schema) -> object:
        """Return a value of a type: its examples, and placeholders where there are none."""
        sketched: object
        match schema:
            case {"examples": [sketched, *_]} | {"const": sketched} | {"enum": [sketched, *_]}:
                pass
            case {"$ref": str(reference)}:
                sketched = self.sketch(self._schemas[reference.removeprefix(_REFERENCE)])
            case {"anyOf": [first, *_]}:
                sketched = self.sketch(first)
            case {"type": "array", "items": items}:
                sketched = [self.sketch(items)]
            case {"type": "object"}:
                fields = dict(schema.get("properties", {}))
                if isinstance(others := schema.get("additionalProperties"), dict):
                    fields[_MAP_KEY] = others
                sketched = {name: self.sketch(about) for name, about in fields.items()}
            case _:
                sketched = schema.get("minimum", _PLACEHOLDERS.get(schema.get("type", "")))
        return sketched

    def _description(self, schema: Schema) -> str:
        """Return what is said of a field, or else of its shape."""
        described = schema.get("description")
        if described is None and "$ref" in schema:
            described = self._schemas[schema["$ref"].removeprefix(_REFERENCE)].get("description")
        return described or ""

    def _operation(self, path: str, method: str, operation: Mapping[str, Any]) -> Operation:
        parameters = operation.get("parameters", ())
        success = operation["responses"]["200"]
        return Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            description=operation["description"],
            parameters=[self._parameter(parameter) for parameter in parameters],
            request=self._request(path, parameters),
            success=success["description"],
            answers=[
                self._answer(media_type, content["schema"])
                for media_type, content in success["content"].items()
            ],
            errors=[
                Error(
                    status=status,
                    description=answer["description"],
                    messages=[*answer["content"]["application/json"]["examples"]],
                )
                for status, answer in sorted(operation["responses"].items())
                if answer is not success
            ],
        )

    def _parameter(self, parameter: Mapping[str, Any]) -> Parameter:
        schema = parameter["schema"]
        default = schema.get("default")
        return Parameter(
            name=parameter["name"],
            place=parameter["in"],
            type=self.words(schema),
            is_required=parameter.get("required", False),
            default=None
            if default is None
            else default
            if isinstance(default, str)
            else json.dumps(default),
            description=parameter["description"],
        )

    def _request(self, path: str, parameters: Sequence[Mapping[str, Any]]) -> str:
        """Return a command that asks for an operation with what it cannot be asked without."""
        query: dict[str, str] = {}
        for parameter in parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                value = self._example(name, parameter["schema"])
                path = path.replace(f"{{{name}}}", quote(value))
            elif parameter.get("required", False):
                query[name] = self._example(name, parameter["schema"])
        address = f"{self._server}{path}" + (f"?{urlencode(query)}" if query else "")
        return f"curl -H 'Authorization: KEY' '{address}'"

    def _example(self, name: str, schema: Schema) -> str:
        if schema.get("format") == "uuid":
            return _DEVICE_PLACEHOLDER
        return _INSTANT_EXAMPLES.get(name) or str(self.sketch(schema))

    def _answer(self, media_type: str, schema: Schema) -> Answer:
        is_json = media_type == "application/json"
        sketch = json.dumps(self.sketch(schema), indent=2, ensure_ascii=False) if is_json else None
        return Answer(media_type=media_type, type=self.words(schema), sketch=sketch)


_TYPES: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true | false",
}
_FORMATS: Final[Mapping[str, str]] = {
    "date-time": "(date and time)",
    "instant": "(date, or date and time)",
    "uuid": "(UUID)",
    "binary": "(a file)",
}


def _limits(schema: Schema) -> Iterator[str]:
    """Yield what narrows a type."""
    if "format" in schema:
        yield _FORMATS.get(schema["format"], f"({schema['format']})")
    match schema:
        case {"minimum": least, "maximum": most}:
            yield f"from {least:.12g} to {most:.12g}"
        case {"minimum": least}:
            yield f"from {least:.12g}"
        case {"maxLength": 1, "minLength": 1}:
            yield "(one character)"
        case _:
            pass
