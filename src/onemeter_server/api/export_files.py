"""What exported files have in common: a table of registers at the starts of periods."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from onemeter_server.energy.aggregates import Kind
from onemeter_server.energy.intervals import Aggregation
from onemeter_server.models.register_meta import register_meta
from onemeter_server.models.registers import counts_energy

from .exports import read_periods
from .rows import shown_rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from onemeter_server.models.records import JSON, StoredReading
    from onemeter_server.models.register_meta import Locale
    from onemeter_server.storage.database import Database
    from onemeter_server.storage.devices import KnownDevice

    from .parameters import FileQuery

_DATE: Final = {"en": "Date", "pl": "Data"}
_REGISTERS_AT: Final[dict[Locale, dict[Aggregation, str]]] = {
    "en": {
        Aggregation.QUARTER: "Registers at each quarter of an hour",
        Aggregation.HOUR: "Registers at each hour",
        Aggregation.DAY: "Registers at each midnight",
    },
    "pl": {
        Aggregation.QUARTER: "Stany liczydeł co kwadrans",
        Aggregation.HOUR: "Stany liczydeł co godzinę",
        Aggregation.DAY: "Stany liczydeł o północy",
    },
}

_SECONDS_AN_HOUR: Final = 3600
_BEYOND_A_FILE_NAME: Final = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The table of a file: a column of dates, and one for each of `columns` (OBIS codes).

    `name` is the device's; `offset` is what is added to dates in UTC, in seconds.
    """

    name: str
    aggregation: Aggregation
    columns: Sequence[str]
    locale: Locale
    offset: int
    pages: AsyncIterator[list[StoredReading]]

    @property
    def about(self) -> str:
        """What the rows tell, and which time their dates are in."""
        hours = self.offset / _SECONDS_AN_HOUR
        return f"{_REGISTERS_AT[self.locale][self.aggregation]}, UTC{hours:+g}"

    @property
    def date(self) -> str:
        """The title of the dates."""
        return _DATE[self.locale]

    @property
    def descriptions(self) -> list[str]:
        """What the columns are, with their units."""
        return [_description(register_meta(code, self.locale)) for code in self.columns]

    def headers(self, ending: str) -> dict[str, str]:
        """Return the headers of a file that is saved by its name."""
        name = f"{_BEYOND_A_FILE_NAME.sub('_', self.name)}-{self.aggregation}.{ending}"
        plain = name.encode("ascii", "replace").decode().replace("?", "_")
        names = f"filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
        return {"Content-Disposition": f"attachment; {names}"}


def table_of(
    database: Database,
    device: KnownDevice,
    query: FileQuery,
    aggregation: Aggregation,
    registers: Sequence[str],
) -> Table:
    """Return the table that a query asks for; `registers` are those that the device has.

    Without codes there is a column for each of these that counts energy.
    """
    columns = query.wanted_codes or tuple(code for code in registers if counts_energy(code))
    wanted = query.model_copy(update={"codes": list(columns), "columns": []})
    periods = read_periods(database, device, wanted, Kind.READINGS, aggregation)
    record = device.record
    return Table(
        name=query.beacon_name or record.name or record.id,
        aggregation=aggregation,
        columns=columns,
        locale=query.locale,
        offset=round(query.timezone * _SECONDS_AN_HOUR),
        pages=shown_rows(periods, query, record.multiplier),
    )


def registers_of(device: bytes | None) -> list[str]:
    """Return the registers that the answer about a device has told of."""
    match orjson.loads(device or b"{}"):
        case {"lastReading": {"OBIS": dict(registers)}}:
            return [*registers]
    return []


def text_of(value: JSON) -> str:
    """Return a value that is no number as text that no spreadsheet takes for a formula."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _description(meta: Mapping[str, Any]) -> str:
    short, unit = meta["description"]["short"], meta["unit"]
    return f"{short} [{unit}]" if unit else str(short)
