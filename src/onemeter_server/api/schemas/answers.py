"""What an operation answers, as FastAPI describes it: its shape, and every error it can have."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from onemeter_server.api.errors import (
    ApiError,
    device_not_found,
    invalid_query_params,
    invalid_uuid,
    no_readings_found,
    too_many_requests,
    unauthorized,
)

from .errors import Error

type Answers = dict[int | str, dict[str, Any]]

_MEANINGS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "The request makes no sense.",
    HTTPStatus.UNAUTHORIZED: "The key is missing, or it is not known.",
    HTTPStatus.NOT_FOUND: "There is nothing to answer with.",
    HTTPStatus.TOO_MANY_REQUESTS: "The key has made too many requests.",
}

_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds until the next request is answered.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}

_OF_ALL: Final = (unauthorized(), too_many_requests(1))

OF_A_DEVICE: Final = (invalid_uuid(), device_not_found())
"""The errors of an operation on a device."""

OF_READINGS: Final = (*OF_A_DEVICE, invalid_query_params(), no_readings_found())
"""The errors of an operation on readings of a device."""


def answers(shape: object, description: str, *errors: ApiError) -> Answers:
    """Return the answers of an operation that gives JSON of a shape."""
    return {200: {"model": shape, "description": description}, **refusals(*errors)}


def refusals(*errors: ApiError) -> Answers:
    """Return the errors of an operation, those of all operations among them, by their status."""
    described: Answers = {}
    for error in sorted((*errors, *_OF_ALL), key=lambda error: error.status):
        answer = described.setdefault(
            int(error.status),
            {
                "model": Error,
                "description": _MEANINGS[error.status],
                "content": {"application/json": {"examples": {}}},
            },
        )
        answer["content"]["application/json"]["examples"][error.message] = {"value": error.answer}
        if error.status is HTTPStatus.TOO_MANY_REQUESTS:
            answer["headers"] = _RETRY_AFTER
    return described
