"""The answer of `devices/{id}/readings`: its query, its rows, its meta."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Annotated, Final, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from onemeter_cloud.obis import REGISTERS

from .dates import format_epoch, parse_instant
from .descriptions import Locale, describe
from .numbers import as_number
from .queries import KnownDevice, Window, read_pages

if TYPE_CHECKING:
    from .database import Database
    from .records import JSON, StoredReading, Values

MAXIMUM_ROWS: Final = 357_120

# Far more readings than a device can have, and a number that every database takes.
_MAXIMUM_SKIP: Final = 2**31 - 1

# Registers have two decimals; this only cuts off what binary fractions add to a product.
_PRODUCT_DECIMALS: Final = 6


def _first_second(text: str) -> int:
    """Return the first whole second (since 1970) that is not before an instant."""
    return ceil(parse_instant(text).timestamp())


def _last_second(text: str) -> int:
    """Return the last whole second (since 1970) that is not after an instant."""
    return floor(parse_instant(text).timestamp())


# FastAPI looks at the types of parameters at the first request only; `datetime` among them would
# be another class by then in a test that freezes the time.
_DATE: Final = WithJsonSchema({"type": "string", "format": "date-time"})

type FirstSecond = Annotated[int, BeforeValidator(_first_second), _DATE]
type LastSecond = Annotated[int, BeforeValidator(_last_second), _DATE]


class ReadingsQuery(BaseModel):
    """The query parameters of readings."""

    limit: int = Field(default=MAXIMUM_ROWS, ge=1, le=MAXIMUM_ROWS)
    skip: int = Field(default=0, ge=0, le=_MAXIMUM_SKIP)
    sort: Literal["ascending", "descending"] = "ascending"
    since: FirstSecond | None = Field(default=None, alias="from")
    until: LastSecond | None = Field(default=None, alias="to")
    codes: str | None = None
    columns: str | None = None
    locale: Locale = "en"
    apply_multiplier: bool = Field(default=False, alias="applyMultiplier")

    @property
    def wanted_codes(self) -> frozenset[str] | None:
        """The codes that rows are cut down to, `None` for all."""
        given = self.codes or self.columns or ""
        return frozenset(code.strip() for code in given.split(",") if code.strip()) or None

    @property
    def window(self) -> Window:
        """The readings that are looked at, the borders included."""
        return Window(
            since=self.since,
            until=self.until,
            descending=self.sort == "descending",
        )


class _Answer:
    """An answer as it comes, page by page: encoded rows, and what meta says of them."""

    def __init__(self, query: ReadingsQuery, multiplier: float) -> None:
        self._codes = query.wanted_codes
        self._multiplier = multiplier if query.apply_multiplier else 1.0
        self._locale: Locale = query.locale
        self._limit = query.limit
        # Rows without any of the codes do not count, so the database cannot skip for us.
        self._skip = query.skip if self._codes is not None else 0
        self._pages: list[bytes] = []
        # Only the keys matter; a set would lose their order.
        self._keys: dict[str, JSON] = {}
        self._ends: list[int] = []
        self.count = 0

    @property
    def full(self) -> bool:
        return self.count >= self._limit

    def add(self, page: list[StoredReading]) -> None:
        """Add the rows of a page, as far as they are wanted."""
        rows: list[dict[str, JSON]] = []
        times: list[int] = []
        for reading in page:
            values = self._wanted(reading.values)
            if self._codes is not None and not values:
                continue
            if self._skip:
                self._skip -= 1
                continue
            if self.count + len(rows) >= self._limit:
                break
            rows.append({"date": format_epoch(reading.time), **values})
            times.append(reading.time)
            self._keys.update(values)
        if rows:
            self.count += len(rows)
            self._ends += (times[0], times[-1])
            self._pages.append(orjson.dumps(rows)[1:-1])

    def encode(self) -> bytes:
        """Return the whole answer as JSON."""
        meta = {
            "keys": list(self._keys),
            "range": {
                "from": format_epoch(min(self._ends)),
                "to": format_epoch(max(self._ends)),
            },
            "count": self.count,
            "OBIS": {code: describe(code, self._locale) for code in self._keys},
        }
        return b'{"readings":[%b],"meta":%b}' % (b",".join(self._pages), orjson.dumps(meta))

    def _wanted(self, values: Values) -> Values:
        if self._codes is not None:
            values = {code: value for code, value in values.items() if code in self._codes}
        if self._multiplier != 1:
            values = {
                code: multiplied(code, value, self._multiplier) for code, value in values.items()
            }
        return values


async def readings_answer(
    database: Database, device: KnownDevice, query: ReadingsQuery
) -> bytes | None:
    """Return the JSON of the readings that a query asks for, `None` if there are none."""
    answer = _Answer(query, device.record.multiplier)
    window = query.window
    if query.wanted_codes is None:
        window = Window(
            since=window.since,
            until=window.until,
            descending=window.descending,
            skip=query.skip,
        )
    async for page in read_pages(database, device.number, window):
        answer.add(page)
        if answer.full:
            break
    return answer.encode() if answer.count else None


def multiplied(code: str, value: JSON, multiplier: float) -> JSON:
    """Return a register times the transformer ratio, if the ratio applies to this register."""
    register = REGISTERS.get(code)
    number = as_number(value)
    if register is None or not register.multiplied or number is None:
        return value
    return round(number * multiplier, _PRODUCT_DECIMALS)
