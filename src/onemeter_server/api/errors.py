"""Errors in the API's shape: `status`, `error`, `message`, `statusCode`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Mapping


class ApiError(Exception):
    """An error that the API tells its caller."""

    def __init__(
        self,
        status: HTTPStatus,
        error: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the HTTP status, the API's name of the error, its message and its headers."""
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.headers = dict(headers or {})

    @property
    def answer(self) -> dict[str, str | int]:
        """The JSON that tells it."""
        return {
            "status": "error",
            "error": self.error,
            "message": self.message,
            "statusCode": int(self.status),
        }


def unauthorized() -> ApiError:
    """Return the error of a missing or wrong key."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Authorization failed")


def too_many_requests(retry_after: int) -> ApiError:
    """Return the error of a spent rate; `retry_after` is in seconds."""
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "TooManyRequests",
        "Too many requests",
        headers={"Retry-After": str(retry_after)},
    )


def device_not_found() -> ApiError:
    """Return the error of a device that the account does not have."""
    return ApiError(HTTPStatus.NOT_FOUND, "DeviceNotFound", "Device of given UUID not found")


def no_readings_found() -> ApiError:
    """Return the error of a window without readings."""
    return ApiError(HTTPStatus.NOT_FOUND, "NotFoundError", "No readings found")


def no_results() -> ApiError:
    """Return the error of readings that tell nothing of what is asked for."""
    return ApiError(HTTPStatus.NOT_FOUND, "NotFoundError", "No results")


def invalid_uuid() -> ApiError:
    """Return the error of an id that is not a UUID."""
    return ApiError(HTTPStatus.BAD_REQUEST, "InvalidQuery", "Invalid UUID")


def invalid_aggregation() -> ApiError:
    """Return the error of periods that are neither quarters nor hours nor days."""
    return ApiError(HTTPStatus.BAD_REQUEST, "InvalidQuery", "Invalid aggregation")


def invalid_query_params() -> ApiError:
    """Return the error of query parameters that make no sense."""
    return ApiError(HTTPStatus.BAD_REQUEST, "InvalidQuery", "Invalid query params")


def invalid_profile_type(name: str) -> ApiError:
    """Return the error of a load profile that there is none of."""
    return ApiError(HTTPStatus.BAD_REQUEST, "InvalidQuery", f"Invalid profile type: {name}")


def no_date_query() -> ApiError:
    """Return the error of a report without both of its bounds."""
    return ApiError(HTTPStatus.BAD_REQUEST, "InvalidQuery", "No date query")


def invalid_report_bounds() -> ApiError:
    """Return the error of a time that ends before it begins."""
    return ApiError(HTTPStatus.BAD_REQUEST, "InvalidQuery", "Invalid report bounds")


def report_not_available() -> ApiError:
    """Return the error of a contract that a report cannot be made from."""
    return ApiError(HTTPStatus.BAD_REQUEST, "ReportNotAvailable", "Misconfigured beacon")


def invalid_http() -> ApiError:
    """Return the error of what is no HTTP request."""
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", "Invalid HTTP request")


def told(error: Exception) -> Response:
    """Return the answer that tells an error."""
    known = _translate(error)
    return Response(
        orjson.dumps(known.answer),
        status_code=known.status,
        headers=known.headers,
        media_type="application/json",
    )


def install_error_handlers(app: FastAPI) -> None:
    """Give every error of an application the API's shape, those of FastAPI too."""
    app.add_exception_handler(ApiError, _answer)
    app.add_exception_handler(RequestValidationError, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_exception_handler(Exception, _answer)


async def _answer(_request: Request, error: Exception) -> Response:
    return told(error)


def _translate(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case RequestValidationError():
            places = {detail["loc"][:2] for detail in error.errors()}
            if ("path", "device_id") in places:
                return invalid_uuid()
            if ("path", "aggregation") in places:
                return invalid_aggregation()
            return invalid_query_params()
        case HTTPException():
            status = HTTPStatus(error.status_code)
            return _plain_error(status, error.headers)
        case _:
            return _plain_error(HTTPStatus.INTERNAL_SERVER_ERROR)


def _plain_error(status: HTTPStatus, headers: Mapping[str, str] | None = None) -> ApiError:
    name = "".join(word.capitalize() for word in status.phrase.split())
    return ApiError(status, name, status.phrase, headers=headers)
