"""The shape of an error."""

from typing import Literal, TypedDict

from pydantic import with_config

from .fields import SHAPE


@with_config(SHAPE)
class Error(TypedDict):
    """Why there is no answer."""

    status: Literal["error"]
    """Always `error`."""
    error: str
    """The name of the error, for programs."""
    message: str
    """What is wrong, for people."""
    statusCode: int
    """The HTTP status again."""
