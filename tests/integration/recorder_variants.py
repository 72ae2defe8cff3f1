"""The integration's `statistics` as it would be beside a recorder that is built differently."""

import importlib.util
import sys
from typing import TYPE_CHECKING, Any, cast

from homeassistant.components.recorder import db_schema, tasks, util
from homeassistant.components.recorder import statistics as recorder_statistics
from sqlalchemy import Column, Float
from sqlalchemy.orm import declarative_base

from custom_components.onemeter import statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import pytest

    type Write = Callable[..., Coroutine[Any, Any, int]]


def _another_column() -> type:
    columns = [Column(name, Float) for name in (*db_schema.Statistics.__table__.c.keys(), "median")]
    columns[0].primary_key = True
    namespace = {"__tablename__": "statistics", **{column.name: column for column in columns}}
    return type("Statistics", (declarative_base(),), namespace)


MISSING = "missing"
DIFFERENCES = {
    "no class of tasks": (tasks, "RecorderTask", MISSING),
    "no class of rows": (db_schema, "Statistics", MISSING),
    "another column": (db_schema, "Statistics", _another_column()),
    "no way to retry": (util, "database_job_retry_wrapper", MISSING),
    "another way to retry": (util, "database_job_retry_wrapper", lambda description: description),
    "other parameters": (
        recorder_statistics,
        "get_metadata_with_session",
        lambda session, statistic_ids: (session, statistic_ids),
    ),
}


def async_write_beside(monkeypatch: pytest.MonkeyPatch, difference: str) -> Write:
    """Return `async_write` of a copy that was loaded beside a recorder with a difference."""
    module, name, other = DIFFERENCES[difference]
    with monkeypatch.context() as patch:
        if other is MISSING:
            patch.delattr(module, name)
        else:
            patch.setattr(module, name, other)
        spec = importlib.util.spec_from_file_location(
            f"{statistics.__name__}_copy", statistics.__file__
        )
        assert spec is not None
        assert spec.loader is not None
        copy = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, spec.name, copy)
        spec.loader.exec_module(copy)
    return cast("Write", copy.async_write)
