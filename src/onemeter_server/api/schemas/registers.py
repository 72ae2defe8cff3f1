"""The shape of what is known of a register."""

from typing import NotRequired, TypedDict

from pydantic import with_config

from .fields import SHAPE


@with_config(SHAPE)
class Description(TypedDict):
    """A register in the language asked for."""

    short: str
    """A few words, for the head of a column."""
    long: str
    """What the register counts or shows."""


@with_config(SHAPE)
class RegisterMeta(TypedDict):
    """What is known of a register."""

    key: str
    """Its name, the same in every language, such as `POSITIVE_ACTIVE_ENERGY_TOTAL`."""
    shortcode: NotRequired[str]
    """A short name, of some registers only."""
    constant: bool
    """Whether it stays the same as long as the meter does."""
    category: str
    """What it belongs to: `energy`, `power`, `network`, `meter` or `non-obis`."""
    subcategory: str
    """A finer division of the category, such as `active` and `reactive`."""
    unit: str
    """The unit of its values, empty for a register without one."""
    description: Description
