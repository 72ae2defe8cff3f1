"""The page about the API: all that the document says, from this server alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from onemeter_server.web.reference import Reference, Word

from .conftest import asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI


class Page(HTMLParser):
    """A page: its texts, its anchors, and where its links lead."""

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__()
        self.texts: list[str] = []
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and where it leads."""
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.anchors.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


@pytest.fixture
async def page(app: FastAPI) -> Page:
    async with asking(app, key=None) as stranger:
        return Page((await stranger.get("docs")).text)


async def test_it_is_for_everybody_and_lets_nothing_else_be_loaded(app: FastAPI) -> None:
    async with asking(app, key=None) as stranger:
        answer = await stranger.get("docs")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(
        rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy["style-src"])
    assert set(policy) == {
        *("default-src", "style-src", "img-src", "base-uri", "form-action", "frame-ancestors")
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_it_has_no_scripts_and_leads_nowhere_else(page: Page) -> None:
    assert "script" not in page.tags
    assert {link for link in page.links if not link.startswith("#")} == {"data:,", "openapi.json"}


async def test_each_link_leads_to_one_place_on_it(page: Page) -> None:
    assert len(set(page.anchors)) == len(page.anchors)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.anchors)


async def test_it_shows_each_operation_with_a_request_to_copy(app: FastAPI, page: Page) -> None:
    for path, methods in app.openapi()["paths"].items():
        assert path in page.texts
        for operation in methods.values():
            assert operation["operationId"] in page.anchors
            for parameter in operation.get("parameters", ()):
                assert parameter["name"] in page.texts
    assert "curl -H 'Authorization: KEY' 'http://cloud.test/api/devices'" in page.texts


async def test_it_shows_each_shape_with_its_fields(app: FastAPI, page: Page) -> None:
    for name, schema in app.openapi()["components"]["schemas"].items():
        if "properties" in schema:
            assert name in page.anchors
            assert set(schema["properties"]) <= set(page.texts)


@pytest.mark.parametrize(
    ("schema", "words", "sketch"),
    [
        ({"type": "string"}, "text", "…"),
        ({"type": "string", "format": "uuid"}, "text (UUID)", "…"),
        ({"type": "string", "format": "colour"}, "text (colour)", "…"),
        ({"type": "string", "minLength": 1, "maxLength": 1}, "text (one character)", "…"),
        ({"type": "integer"}, "whole number", 0),
        ({"type": "integer", "minimum": 1}, "whole number from 1", 1),
        ({"type": "integer", "minimum": 1, "maximum": 357120}, "whole number from 1 to 357120", 1),
        ({"type": "number"}, "number", 0.0),
        ({"type": "number", "examples": [1.5]}, "number", 1.5),
        ({"type": "boolean"}, "true | false", False),
        ({"enum": ["en", "pl"]}, "en | pl", "en"),
        ({"const": "error"}, "error", "error"),
        ({}, "any value", None),
        ({"type": "array", "items": {"type": "integer"}}, "list of whole number", [0]),
        (
            {"type": "object", "additionalProperties": {"type": "number"}},
            "map of texts to number",
            {"1_8_0": 0.0},
        ),
        ({"type": "object", "additionalProperties": True}, "object", {}),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number or null", 0.0),
        ({"$ref": "#/components/schemas/Place"}, "Place", {"name": "…"}),
        ({"$ref": "#/components/schemas/Locale"}, "en | pl", "en"),
    ],
)
def test_a_type_is_said_in_words_and_shown_by_a_sketch(
    schema: Mapping[str, Any], words: str, sketch: object
) -> None:
    reference = reference_of({}, Place=PLACE, Locale={"enum": ["en", "pl"]})

    assert "".join(word.text for word in reference.words(schema)) == words
    assert reference.sketch(schema) == sketch


def test_a_type_leads_to_the_shape_that_it_names() -> None:
    reference = reference_of({}, Place=PLACE)

    assert reference.words({"type": "array", "items": {"$ref": "#/components/schemas/Place"}}) == [
        Word(text="list of "),
        Word(text="Place", shape="Place"),
    ]


def test_a_request_carries_what_an_operation_cannot_be_asked_without() -> None:
    reference = reference_of(
        {
            "/api/{device_id}/{kind}": operation(
                parameter("device_id", "path", {"type": "string", "format": "uuid"}),
                parameter("kind", "path", {"enum": ["a b", "c"]}),
                parameter("from", "query", {"type": "string"}),
                parameter("limit", "query", {"type": "integer"}, required=False),
            )
        }
    )

    (group,) = reference.groups()
    (shown,) = group.operations
    assert shown.request == (
        "curl -H 'Authorization: KEY' 'http://home.test/api/DEVICE/a%20b?from=2024-05-01'"
    )


def test_a_file_has_no_sketch() -> None:
    reference = reference_of({"/api/file": operation()})

    (group,) = reference.groups()
    (answer,) = group.operations[0].answers
    assert (answer.media_type, answer.sketch) == ("text/csv", None)


PLACE = {"type": "object", "properties": {"name": {"type": "string"}}}


def reference_of(paths: Mapping[str, Any], **schemas: Mapping[str, Any]) -> Reference:
    """Return what a small document says."""
    return Reference(
        {
            "tags": [{"name": "All", "description": "Everything."}],
            "paths": paths,
            "components": {"schemas": schemas},
        },
        "http://home.test",
    )


def operation(*parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "get": {
            "operationId": "get",
            "summary": "Get",
            "description": "Gets.",
            "tags": ["All"],
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "A file.",
                    "content": {"text/csv": {"schema": {"type": "string"}}},
                }
            },
        }
    }


def parameter(
    name: str, place: str, schema: Mapping[str, Any], *, required: bool = True
) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema, "required": required, "description": "."}
