"""The pages of the documentation: those that the quality scale asks for, in step with the texts.

Words of Home Assistant's screens stand in the pages as people see them, with "…" for what is filled
in: whoever changes one has to change the other.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from .files import INTEGRATION, PROJECT, read_yaml
from .test_texts_in_use import below

if TYPE_CHECKING:
    from pathlib import Path

DOCS: Final = PROJECT / "docs"
README: Final = PROJECT / "README.md"
PAGES: Final = [README, *sorted(DOCS.glob("*.md"))]

# Where each rule of the quality scale is fulfilled: the page, and what heads it there.
SECTIONS: Final = {
    "docs-actions": ("actions.md", "Actions"),
    "docs-configuration-parameters": ("configuration.md", "Options"),
    "docs-data-update": ("data-update.md", "Data update"),
    "docs-examples": ("examples.md", "Examples"),
    "docs-high-level-description": ("index.md", "OneMeter for Home Assistant"),
    "docs-installation-instructions": ("installation.md", "Installation"),
    "docs-installation-parameters": ("configuration.md", "Set up an account"),
    "docs-known-limitations": ("limitations.md", "Limitations"),
    "docs-removal-instructions": ("removal.md", "Remove the integration"),
    "docs-supported-devices": ("devices.md", "Supported devices"),
    "docs-supported-functions": ("devices.md", "Devices and functions"),
    "docs-troubleshooting": ("troubleshooting.md", "Troubleshooting"),
    "docs-use-cases": ("use-cases.md", "Use cases"),
}

_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@cache
def prose(page: Path) -> str:
    """Return what people read on a page in one line: without code blocks."""
    return " ".join(_CODE.sub("", page.read_text(encoding="utf-8")).split())


@cache
def headings(page: Path) -> list[str]:
    """Return what heads the sections of a page."""
    return _HEADING.findall(_CODE.sub("", page.read_text(encoding="utf-8")))


def anchor(heading: str) -> str:
    """Return how a link names a section."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def as_seen(text: str) -> str:
    """Return the first sentence of a text as a page quotes it."""
    first = re.split(r"(?<=\.)\s", text, maxsplit=1)[0]
    return re.sub(r"{\w+}", "…", first)


def name_of(text: dict[str, str]) -> str:
    """Return the name of an entity without what is filled in."""
    return re.sub(r"\s*{\w+}", "", text["name"]).casefold()


def test_every_rule_about_documentation_that_is_done_has_its_section() -> None:
    rules = read_yaml(INTEGRATION / "quality_scale.yaml")["rules"]
    done = {
        rule
        for rule, status in rules.items()
        if rule.startswith("docs-") and (status == "done" or status["status"] == "done")
    }
    assert done == set(SECTIONS)


@pytest.mark.parametrize("rule", SECTIONS)
def test_a_section_that_a_rule_asks_for_is_there(rule: str) -> None:
    page, heading = SECTIONS[rule]
    assert heading in headings(DOCS / page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, section = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (section and section not in map(anchor, headings(target))):
            lost.append(link)
    assert lost == []


def test_every_page_is_reached_from_the_first() -> None:
    linked = {link.partition("#")[0] for link in _LINK.findall(prose(DOCS / "index.md"))}
    assert {page.name for page in DOCS.glob("*.md")} - linked == {"index.md"}
    assert "docs/index.md" in prose(README)


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("configuration.md", ("config", "step", "user")),
        ("configuration.md", ("config", "step", "devices")),
        ("configuration.md", ("config_subentries", "device", "step", "user")),
        ("configuration.md", ("options", "step", "init")),
    ],
)
def test_every_field_of_a_form_is_described(
    page: str, path: tuple[str, ...], english: dict[str, Any]
) -> None:
    step = below(english, path)
    for part in (step, *step.get("sections", {}).values()):
        for label in part["data"].values():
            assert f"| {label} " in prose(DOCS / page)


def test_every_action_and_each_of_its_fields_is_described() -> None:
    page = (DOCS / "actions.md").read_text(encoding="utf-8")
    for name, action in read_yaml(INTEGRATION / "services.yaml").items():
        assert f"onemeter.{name}" in headings(DOCS / "actions.md")
        for field in action["fields"]:
            assert f"`{field}`" in page, f"{name}: {field}"


def test_every_entity_is_listed(english: dict[str, Any]) -> None:
    page = prose(DOCS / "devices.md").casefold()
    names = {name_of(text) for kind in english["entity"].values() for text in kind.values()}
    assert {name for name in names if name not in page} == set()


def test_every_issue_is_explained(english: dict[str, Any]) -> None:
    page = prose(DOCS / "troubleshooting.md")
    titles = {as_seen(issue["title"]) for issue in english["issues"].values()}
    assert {title for title in titles if title not in page} == set()


def test_every_message_of_a_form_is_explained(english: dict[str, Any]) -> None:
    page = prose(DOCS / "troubleshooting.md")
    forms = (english["config"], english["options"], *english["config_subentries"].values())
    messages = {
        as_seen(text)
        for form in forms
        for kind in ("error", "abort")
        for text in form.get(kind, {}).values()
    }
    assert {message for message in messages if message not in page} == set()


def test_every_message_of_an_exception_is_explained(english: dict[str, Any]) -> None:
    pages = prose(DOCS / "troubleshooting.md") + prose(DOCS / "actions.md")
    messages = {as_seen(text["message"]) for text in english["exceptions"].values()}
    assert {message for message in messages if message not in pages} == set()
