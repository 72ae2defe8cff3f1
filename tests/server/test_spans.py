"""Spans of time: what lies in them, and what is left when one is cut out of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onemeter_server.demo.spans import Span, cut_out

INSTANTS = range(-1, 12)
BOUNDS = st.none() | st.integers(0, 10)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start, end = draw(BOUNDS), draw(BOUNDS)
    if start is not None and end is not None:
        start, end = min(start, end), max(start, end)
    return Span(start=start, end=end)


def instants_of(*some: Span) -> set[int]:
    return {time for time in INSTANTS if any(time in span for span in some)}


@pytest.mark.parametrize(
    ("span", "instants"),
    [
        (Span(start=3, end=5), {3, 4, 5}),
        (Span(start=4, end=4), {4}),
        (Span(start=9), {9, 10, 11}),
        (Span(end=0), {-1, 0}),
        (Span(), set(INSTANTS)),
    ],
)
def test_both_bounds_are_included_and_none_is_no_bound(span: Span, instants: set[int]) -> None:
    assert instants_of(span) == instants


def test_a_span_does_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Span(start=5, end=4)


@given(st.lists(spans(), max_size=4), spans())
def test_exactly_what_is_cut_out_is_missing(some: list[Span], cut: Span) -> None:
    assert instants_of(*cut_out(some, cut)) == instants_of(*some) - instants_of(cut)


@given(spans(), spans())
def test_what_is_left_of_one_span_does_not_overlap(span: Span, cut: Span) -> None:
    left = [instants_of(piece) for piece in span.without(cut)]

    assert len(left) <= 2
    assert len(left) < 2 or not left[0] & left[1]
