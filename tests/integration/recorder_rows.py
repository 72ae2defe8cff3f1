"""What stands in the recorder's database, read past Home Assistant."""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homeassistant.components.recorder import get_instance
from sqlalchemy import Connection, create_engine, event, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeassistant.core import HomeAssistant
    from sqlalchemy import Engine

type Columns = dict[str, Any]

_ROWS = (
    "SELECT s.* FROM statistics s JOIN statistics_meta m ON m.id = s.metadata_id"
    " WHERE m.statistic_id = :statistic_id ORDER BY s.start_ts"
)
_ABOUT_ROWS = re.compile(r"\b(?:FROM|INTO|UPDATE) statistics\b")
_METADATA = "SELECT * FROM statistics_meta WHERE statistic_id = :statistic_id"


@dataclass(frozen=True, slots=True)
class Database:
    """The recorder's database."""

    url: str

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Yield a connection of our own, in a transaction."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def execute(self, sql: str) -> None:
        """Change something behind the recorder's back."""
        with self.connected() as connection:
            connection.execute(text(sql))

    def _select(self, sql: str, statistic_id: str) -> list[Columns]:
        with self.connected() as connection:
            result = connection.execute(text(sql), {"statistic_id": statistic_id})
            return [dict(row) for row in result.mappings()]

    def rows(self, statistic_id: str) -> list[Columns]:
        """Return all columns of a statistic's rows, in the order of time."""
        return self._select(_ROWS, statistic_id)

    def values(self, statistic_id: str) -> list[tuple[float, float, float]]:
        """Return start, state and sum of a statistic's rows, in the order of time."""
        return [(row["start_ts"], row["state"], row["sum"]) for row in self.rows(statistic_id)]

    def metadata(self, statistic_id: str) -> list[Columns]:
        """Return all columns that describe a statistic."""
        return self._select(_METADATA, statistic_id)


@dataclass(frozen=True, slots=True)
class Statements:
    """What was sent to the database about rows of statistics."""

    sent: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """The statements' first words."""
        return [sql.split()[0] for sql, _ in self.sent]

    def numbers(self) -> list[list[float]]:
        """The numbers among each statement's parameters."""
        result = []
        for _, parameters in self.sent:
            values = parameters.values() if isinstance(parameters, dict) else parameters
            result.append([value for value in values if isinstance(value, int | float)])
        return result


@contextmanager
def watched(engine: Engine) -> Iterator[Statements]:
    """Note what is sent to the database about rows of statistics."""
    statements = Statements()

    def note(*arguments: Any) -> None:
        _, _, sql, parameters, *_ = arguments
        if _ABOUT_ROWS.search(sql):
            statements.sent.append((sql, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def execute(hass: HomeAssistant, sql: str) -> None:
    """Change something in the database of a running recorder, behind everybody's back."""
    instance = get_instance(hass)

    def run() -> None:
        assert instance.engine is not None
        with instance.engine.begin() as connection:
            connection.execute(text(sql))

    await instance.async_add_executor_job(run)
