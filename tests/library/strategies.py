"""JSON of every shape, with a liking for what servers get wrong, and devices with such JSON in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from .payloads import full_device

if TYPE_CHECKING:
    from onemeter_cloud.parsing import JSON

_ODDITIES = (
    "",
    " ",
    "NaN",
    "nan",
    "-inf",
    "1_8_0",
    "12,5",
    "1e999",
    "null",
    "2024-05-23T07:00:00.000Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-14:00",
    "2024-02-30T00:00:00Z",
    "LAST_READOUT_INCORRECT",
    -1,
    0,
    10**400,
    2**63,
    1e308,
    float("nan"),
    float("inf"),
)


def json_values() -> st.SearchStrategy[JSON]:
    """Return a strategy of JSON values, NaN and the like included."""
    leaves: st.SearchStrategy[JSON] = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=10),
        st.sampled_from(_ODDITIES),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=12,
    )


def devices_with_oddities() -> st.SearchStrategy[dict[str, object]]:
    """Return a strategy of devices in which some fields were replaced by any JSON."""
    places = st.sampled_from(_paths_of(full_device()))
    return st.lists(st.tuples(places, json_values()), max_size=4).map(_device_with)


def _device_with(changes: list[tuple[tuple[str, ...], JSON]]) -> dict[str, object]:
    data = full_device()
    for path, value in changes:
        _put(data, path, value)
    return data


def _paths_of(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the path of every field of a JSON object, also of objects inside."""
    if not isinstance(value, dict):
        return []
    return [
        found
        for name, inner in value.items()
        for found in ((*path, name), *_paths_of(inner, (*path, name)))
    ]


def _put(data: dict[str, object], path: tuple[str, ...], value: object) -> None:
    """Replace one field of a JSON object, whose parents may have been replaced before."""
    *parents, name = path
    place: object = data
    for parent in parents:
        place = place.get(parent) if isinstance(place, dict) else None
    if isinstance(place, dict):
        place[name] = value
