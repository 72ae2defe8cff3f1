"""The control interface: what tests and the demo do to the readings of a running server.

It is off by default, needs no key, and is served on the loopback address alone
(`onemeter-server demo --control-port PORT`). Times are ISO 8601; a body is a JSON object, which may
be empty.

- `GET /devices`: of each device its `id`, the `count` of its `stored` and `withheld` readings with
  the dates of the first and the last one (`from`, `to`), and its `withheldSpans`.
- `POST /devices/{id}/withhold` `{"from": DATE, "to": DATE}`: keep readings back, those to come too,
  as if the reader were out of every gateway's range. Both bounds are included; without one (or with
  null) the span is open at this end.
- `POST /devices/{id}/release` `{"from": DATE, "to": DATE}`: let withheld readings appear, as when a
  phone uploads them by hand, and keep no others of the span back.
- `POST /devices/{id}/readings` `{"readings": [{"date": DATE, CODE: VALUE, ...}, ...]}`: add
  readings as they are given, whichever meter is in place. One whose date has a reading replaces it.
- `POST /devices/{id}/replace-meter` `{"registers": {CODE: VALUE, ...}}`: from the next reading of
  the living demo on the energy registers count from these values, those not named from 0.

Every POST answers what `GET /devices` says of the device afterwards. Errors are the API's:
404 DeviceNotFound, 400 InvalidQuery.
"""

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads annotations
from typing import TYPE_CHECKING, Annotated, Final, cast
from uuid import UUID  # noqa: TC003 - FastAPI reads annotations

import orjson
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    WithJsonSchema,
    model_validator,
)
from starlette.middleware.trustedhost import TrustedHostMiddleware

from onemeter_server.api.errors import device_not_found, install_error_handlers
from onemeter_server.models.dates import first_second, format_epoch, last_second
from onemeter_server.models.registers import check_start_values
from onemeter_server.storage.database import Database
from onemeter_server.storage.devices import UnknownDeviceError

from .spans import Span
from .store import DemoStore, Inventory

if TYPE_CHECKING:
    from onemeter_server.models.records import JSON, Values
    from onemeter_server.storage.days import Extent

CONTROL_HOST: Final = "127.0.0.1"
"""The only address that the control interface may listen on, since it asks for no key."""

_LAST_SECOND: Final = 253_402_300_799  # the year 9999's
_GREATEST_INTEGER: Final = 2**53

router = APIRouter()


def create_control_app(database: Database) -> FastAPI:
    """Return the control interface of a database, which stays the caller's to close.

    It needs the demo's tables (`DemoStore.opened`).

    Web pages cannot use it: a browser does not send them the JSON type across origins, and names
    that lead to the loopback address are not answered.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.database = database
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[CONTROL_HOST, "localhost"])
    install_error_handlers(app)
    app.include_router(router)
    return app


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("A date is a text")  # noqa: TRY004 - what pydantic understands
    return value


def _checked_registers(registers: dict[str, float]) -> dict[str, float]:
    check_start_values(registers)
    return registers


# FastAPI looks at the types of parameters at the first request only; `datetime` among them would
# be another class by then in a test that freezes the time.
_DATE: Final = WithJsonSchema({"type": "string", "format": "date-time"})
_FROM_TEXT: Final = BeforeValidator(_text)
_CALENDAR: Final = Field(ge=0, le=_LAST_SECOND)
type _Start = Annotated[
    int, BeforeValidator(first_second), BeforeValidator(_text), _DATE, _CALENDAR
]
type _End = Annotated[int, BeforeValidator(last_second), _FROM_TEXT, _DATE, _CALENDAR]
type _Integer = Annotated[int, Field(ge=-_GREATEST_INTEGER, le=_GREATEST_INTEGER)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SpanBody(_Body):
    """A span of time, open where it has no bound."""

    start: _Start | None = Field(default=None, alias="from")
    end: _End | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> SpanBody:
        _ = self.span
        return self

    @property
    def span(self) -> Span:
        """The span; a `ValueError` when its bounds are in the wrong order."""
        return Span(start=self.start, end=self.end)


class ReadingBody(_Body):
    """A reading: its date, and whatever registers it has."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Integer | FiniteFloat | str]

    time: _End = Field(alias="date")

    @property
    def values(self) -> Values:
        """The registers."""
        return self.__pydantic_extra__


class ReadingsBody(_Body):
    """Readings in any order."""

    readings: list[ReadingBody]


class MeterBody(_Body):
    """What the registers of a new meter start at."""

    registers: Annotated[dict[str, FiniteFloat], AfterValidator(_checked_registers)] = {}


async def database_of(request: Request) -> Database:
    """Return the database of the application that a request came to."""
    return cast("Database", request.app.state.database)


type DatabaseOf = Annotated[Database, Depends(database_of)]


async def store_of(database: DatabaseOf) -> AsyncIterator[DemoStore]:
    """Give what writes to the database; a device that it does not know is the API's 404."""
    try:
        yield DemoStore(database)
    except UnknownDeviceError as error:
        raise device_not_found() from error


type StoreOf = Annotated[DemoStore, Depends(store_of)]


@router.get("/devices")
async def get_devices(store: StoreOf) -> Response:
    """Return what is stored of each device."""
    return _json({"devices": [_told(found) for found in await store.inventories()]})


@router.post("/devices/{device_id}/withhold")
async def withhold(store: StoreOf, device_id: UUID, body: SpanBody) -> Response:
    """Keep back the readings of a span."""
    await store.withhold(str(device_id), body.start, body.end)
    return await _device(store, device_id)


@router.post("/devices/{device_id}/release")
async def release(store: StoreOf, device_id: UUID, body: SpanBody) -> Response:
    """Let the withheld readings of a span appear."""
    await store.release(str(device_id), body.start, body.end)
    return await _device(store, device_id)


@router.post("/devices/{device_id}/readings")
async def add_readings(store: StoreOf, device_id: UUID, body: ReadingsBody) -> Response:
    """Add readings."""
    readings = [(reading.time, reading.values) for reading in body.readings]
    await store.add_readings(str(device_id), readings)
    return await _device(store, device_id)


@router.post("/devices/{device_id}/replace-meter")
async def replace_meter(store: StoreOf, device_id: UUID, body: MeterBody) -> Response:
    """Put a new meter in place."""
    await store.replace_meter(str(device_id), body.registers)
    return await _device(store, device_id)


async def _device(store: DemoStore, device_id: UUID) -> Response:
    found = await store.inventory(str(device_id))
    if found is None:
        raise device_not_found()
    return _json(_told(found))


def _told(inventory: Inventory) -> dict[str, JSON]:
    return {
        "id": inventory.device_id,
        "stored": _extent(inventory.stored),
        "withheld": _extent(inventory.withheld),
        "withheldSpans": [_bounds(span.start, span.end) for span in inventory.withheld_spans],
    }


def _extent(extent: Extent) -> dict[str, JSON]:
    return {"count": extent.count, **_bounds(extent.first, extent.last)}


def _bounds(start: int | None, end: int | None) -> dict[str, JSON]:
    return {
        "from": None if start is None else format_epoch(start),
        "to": None if end is None else format_epoch(end),
    }


def _json(content: JSON) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
