"""JSON of every shape, with a liking for what servers get wrong."""

from typing import TYPE_CHECKING

from hypothesis import strategies as st

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
