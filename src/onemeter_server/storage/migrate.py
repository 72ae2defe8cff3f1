"""Bringing the tables of a database up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from .tables import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOLDER: Final = Path(__file__).parent / "migrations"

# Any number that no other program is likely to take: one server migrates, others wait.
_POSTGRESQL_LOCK: Final = 0x0E_E7E2


class DatabaseVersionError(Exception):
    """A database has tables that this version of the server does not know."""


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables, or change those of an older version, in the caller's transaction.

    Raises `DatabaseVersionError` when a newer version has made them, or none that was released.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})"))
    config = _config(connection)
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        _make_tables(connection, script)
    elif current not in {revision.revision for revision in script.walk_revisions()}:
        raise DatabaseVersionError(
            "it was made by a newer version of onemeter-server: update this one"
        )
    elif current != script.get_current_head():
        command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _make_tables(connection: Connection, script: ScriptDirectory) -> None:
    """Make all tables of a new database: what all migrations together would make."""
    if set(inspect(connection).get_table_names()) & set(Base.metadata.tables):
        raise DatabaseVersionError(
            "its tables are of no released version of onemeter-server: use a new database"
        )
    Base.metadata.create_all(connection)
    MigrationContext.configure(connection).stamp(script, "head")
