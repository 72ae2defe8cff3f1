"""The reader of strings finds them wherever they are written, and says so where it cannot."""

import ast
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from .flows import flows_of
from .messages import exceptions_of, issues_of, untranslated_exceptions_of
from .sources import Module, Package, UnknownStringsError


def package_of(source: str, **values: Any) -> Package:
    """Return a package of one module; `values` are its globals at run time."""
    tree = ast.parse(dedent(source))
    return Package([Module(name="example", tree=tree, values=values)])


def shown(source: str, **values: Any) -> set[str]:
    """Return the strings of what a piece of code hands to `show`."""
    package = package_of(source, **values)
    return {
        text
        for module, call in package.calls["show"]
        for text in package.strings(module, call.args[0])
    }


@pytest.mark.parametrize(
    ("source", "strings"),
    [
        ("show('a')", {"a"}),
        ("show('a' if x else 'b')", {"a", "b"}),
        ("show(x or 'a')", {"a", "k"}),
        ("show(f'{CONSTANT}_b')", {"k_b"}),
        ("show(('a', ['b', {'c'}]))", {"a", "b", "c"}),
        ("show({1: 'a', 2: 'b'}[x])", {"a", "b"}),
        ("show(next((key for kind, key in KEYS if kind), 'b'))", {"a", "b"}),
        ("def f():\n    key = 'a'\n    show(key)", {"a"}),
        ("def f():\n    for key in ('a', 'b'):\n        show(key)", {"a", "b"}),
        ("def f():\n    if (key := 'a'):\n        show(key)", {"a"}),
        ("def f(key):\n    show(key)\nf('a')\nf(key='b')", {"a", "b"}),
        ("def f(key='a'):\n    show(key)\nf()", {"a"}),
        ("def f(x, *, key='a'):\n    show(key)\nf(1, key='b')", {"a", "b"}),
        ("def f():\n    return 'a'\nshow(f())", {"a"}),
        ("def f():\n    yield 'a'\n    yield from ['b']\nshow([*f()])", {"a", "b"}),
        ("def f(n):\n    return f(n - 1) if n else 'a'\nshow(f(3))", {"a"}),
        ("class A:\n    def f(self, key):\n        show(key)\na.f('a')", {"a"}),
        ("class A:\n    key: str\nA(key='a')\nshow(thing.key)", {"a"}),
    ],
)
def test_strings_are_followed_to_where_they_are_written(source: str, strings: set[str]) -> None:
    assert shown(source, x="k", CONSTANT="k", KEYS=((int, "a"),)) == strings


@pytest.mark.parametrize(
    "source",
    [
        "show(unheard_of)",
        "show(unheard_of())",
        "show(thing.key)",
        "show('a' + b)",
        "def f(key):\n    show(key)",
    ],
)
def test_what_cannot_be_told_is_refused(source: str) -> None:
    with pytest.raises(UnknownStringsError):
        shown(source)


def test_a_function_inside_another_keeps_its_returns_to_itself() -> None:
    assert shown("def f():\n    def g():\n        return 'b'\n    return 'a'\nshow(f())") == {"a"}


def test_exceptions_are_read_with_what_is_filled_in() -> None:
    package = package_of("""
        def fail(key):
            filled_in = {"name": 1}
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key=key, translation_placeholders=filled_in
            )
        fail("a")
        fail("b")
        raise UpdateFailed("in my own words")
    """)

    assert {(each.key, each.placeholders) for each in exceptions_of(package)} == {
        ("a", frozenset({"name"})),
        ("b", frozenset({"name"})),
    }
    assert untranslated_exceptions_of(package) == ["example:9: UpdateFailed('in my own words')"]


def test_issues_that_lie_in_objects_keep_their_own_placeholders() -> None:
    package = package_of("""
        class Problem:
            key: str
            placeholders: tuple

        def problems():
            name = ("device", device)
            yield Problem(key="a", placeholders=(name,))
            yield Problem(key="b", placeholders=(name, ("since", since)))

        for problem in problems():
            ir.async_create_issue(
                hass, DOMAIN, "id",
                translation_key=problem.key,
                translation_placeholders=dict(problem.placeholders),
            )
    """)

    assert {(each.key, each.placeholders) for each in issues_of(package)} == {
        ("a", frozenset({"device"})),
        ("b", frozenset({"device", "since"})),
    }


def test_a_flow_is_read_with_its_helpers() -> None:
    package = package_of(
        """
        SCHEMA = Schema({Required("key"): str}).extend(
            {Required("more"): section(Schema({Optional("url"): str}))}
        )

        def helper(errors):
            errors["base"] = "no_answer"

        def not_of_this_flow(errors):
            errors["base"] = "never"

        class Flow(ConfigFlow, domain=DOMAIN):
            async def async_step_user(self, user_input=None):
                errors = {}
                helper(errors)
                errors.setdefault("base", "nothing")
                self._abort_if_unique_id_configured()
                if user_input:
                    return self.async_abort(reason="gone")
                return self.async_show_form(
                    step_id="user",
                    data_schema=SCHEMA,
                    description_placeholders={"example": 1},
                    errors=errors,
                )
        """,
        SCHEMA=SimpleNamespace(),
    )

    (flow,) = flows_of(package)
    assert flow.path == ("config",)
    assert flow.errors == {"no_answer", "nothing"}
    assert flow.aborts == {"already_configured", "gone"}
    assert flow.steps.keys() == {"user"}
    assert flow.steps["user"].fields == {"key": None, "more": {"url"}}
    assert flow.steps["user"].placeholders == {"example"}
