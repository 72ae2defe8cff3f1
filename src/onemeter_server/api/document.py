"""The API's document: OpenAPI as FastAPI makes it, made to say what is true of this server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from .parameters import REQUIRED_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.routing import BaseRoute

TITLE: Final = "OneMeter Cloud API"
VERSION: Final = "1.0.0"
DOCUMENT_PATH: Final = "/api/openapi.json"

_DESCRIPTION: Final = """\
Electricity meters, their readings, and what follows from them.

Every request carries a key, as it is, in the header `Authorization`. Keys are made with
`onemeter-server`. How many requests a key may make in a minute is for the one who runs the server
to say; a client that reads once a minute is always welcome.

Dates in answers are ISO 8601 in UTC. In requests they may be written with any offset; one without
an offset is in the time zone of the device. Parameters that the API does not know are ignored, and
paths may be written in any case and end with a slash or without.
"""

_TAGS: Final = (
    {"name": "Devices", "description": "The devices of the account, and their newest readings."},
    {"name": "Readings", "description": "What the meters showed."},
    {"name": "Reports", "description": "When energy was used, and what it costs."},
)

# FastAPI's own errors, which this API tells as 400 in a shape of its own.
_VALIDATION_STATUS: Final = "422"
_VALIDATION_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")

type _Node = dict[str, Any]


def document_of(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of an application's routes."""
    document = get_openapi(
        title=TITLE,
        version=VERSION,
        description=_DESCRIPTION,
        routes=routes,
        tags=[*_TAGS],
    )
    for operation in _operations(document):
        operation["responses"].pop(_VALIDATION_STATUS, None)
        for parameter in operation.get("parameters", ()):
            _drop_null(parameter["schema"])
            parameter["schema"].pop("title", None)
            if parameter["schema"].pop(REQUIRED_MARK, False):
                parameter["required"] = True
            if not parameter["required"]:
                parameter["allowEmptyValue"] = True
    schemas = document["components"]["schemas"]
    for name in _VALIDATION_SCHEMAS:
        schemas.pop(name, None)
    for schema in schemas.values():
        _drop_titles(schema)
    return document


def _operations(document: _Node) -> Iterator[_Node]:
    for path in document["paths"].values():
        yield from path.values()


def _drop_null(schema: _Node) -> None:
    """Let a parameter be left out only: there is no way to write null in a query."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema.update(choices[0])


def _drop_titles(schema: _Node) -> None:
    """Drop the titles of fields, which are their names once more."""
    schema.pop("title", None)
    for field in schema.get("properties", {}).values():
        _drop_titles(field)
