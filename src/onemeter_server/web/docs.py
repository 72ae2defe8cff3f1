"""The API's document as a page: made here, from nothing but this server, without scripts."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from .reference import Reference

_CODE: Final = re.compile(r"`([^`]+)`")
_PARAGRAPHS: Final = re.compile(r"\n\s*\n")

_STYLE: Final = (files(__package__) / "templates" / "docs.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(prefix="/api", include_in_schema=False)


@router.get("/docs")
async def get_docs(request: Request) -> Response:
    """Return the page, with requests that go to the address that it was asked at."""
    document = request.app.openapi()
    reference = Reference(document, str(request.base_url).rstrip("/"))
    page = _PAGE.render(
        info=document["info"],
        groups=reference.groups(),
        shapes=reference.shapes(),
        # Its very bytes are what the policy allows.
        style=Markup(_STYLE),  # noqa: S704 - a file of ours
    )
    return Response(page, media_type="text/html", headers=_HEADERS)


def _words(text: str) -> Markup:
    """Return a text with its `code` marked up."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def _paragraphs(text: str) -> list[Markup]:
    """Return the paragraphs of a text."""
    return [_words(paragraph) for paragraph in _PARAGRAPHS.split(text.strip())]


def _page_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("onemeter_server.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": _words, "paragraphs": _paragraphs}
    return environment


_PAGE: Final = _page_environment().get_template("docs.html")
