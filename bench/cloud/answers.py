"""What answers cost a server process: `devices/` of many devices, `readings` of ten years."""

import sqlite3
import time
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import make_url, text

from onemeter_server.feeds.intake import Intake
from onemeter_server.storage.database import Database
from onemeter_server.storage.ready import read_devices

from .figures import Figure
from .fleet import QUARTER_SECONDS, add_fleet, readings_of
from .plain import name_of, plain_table
from .process import server_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .fleet import Fleet
    from .process import Server

_GOAL_MILLISECONDS_A_DEVICE: Final = 0.06
_GOAL_FROM_DEVICES: Final = 1_000
_GOAL_FIRST_BYTE_MILLISECONDS: Final = 100
_GOAL_MORE_MEGABYTES: Final = 40
_TIMES: Final = 5
_DAYS_OF_ANY_MONTH: Final = 31
_READ_BY_THE_SLOW: Final = 1 << 16
_SHARE_OF_A_LEAVER: Final = 50
"""In percent: what an answer may cost that nobody takes after its first 64 KB."""


async def answers(url: str, fleets: list[Fleet], history: Fleet) -> AsyncIterator[Figure]:
    """Measure a server over a database with these accounts, the last with one long history."""
    dialect = name_of(url)
    path = f"devices/{history.ids[0]}/readings"
    with server_process(url) as server:
        # These come first: memory that other answers have taken would hide what they take.
        for figure in _readings(server, dialect, path, history.key):
            yield figure
        async for figure in _slow_readers(server, url, path, history):
            yield figure
        for fleet in fleets:
            for figure in _devices(server, dialect, fleet):
                yield figure


def _devices(server: Server, dialect: str, fleet: Fleet) -> Iterator[Figure]:
    """Measure `devices/`."""
    count = len(fleet.ids)
    what = f"{dialect}: devices/ of {count:,}"
    devices = orjson.loads(server.ask("devices/", fleet.key).body)
    if [device["_id"] for device in devices["devices"]] != list(fleet.ids):
        raise SystemExit("devices/ does not tell of every device")
    known = _milliseconds_to_encode(devices)
    for encoding in ("identity", "gzip"):
        began = server.cpu()
        given = [server.ask("devices/", fleet.key, encoding=encoding) for _ in range(_TIMES)]
        cpu = (server.cpu_until_quiet() - began) / _TIMES
        name = what if encoding == "identity" else f"{what}, compressed"
        if encoding == (given[0].encoding or "identity"):
            yield Figure(
                what=f"{name}, CPU",
                measured=cpu * 1000,
                unit="ms",
                goal=max(count, _GOAL_FROM_DEVICES) * _GOAL_MILLISECONDS_A_DEVICE,
                beside="orjson.dumps of the answer",
                known=known,
            )
            yield Figure(
                what=f"{name}, wall",
                measured=min(answer.total for answer in given) * 1000,
                unit="ms",
            )


def _milliseconds_to_encode(answer: object) -> float:
    began = time.process_time()
    for _ in range(_TIMES):
        orjson.dumps(answer)
    return (time.process_time() - began) / _TIMES * 1000


def _readings(server: Server, dialect: str, path: str, key: str) -> Iterator[Figure]:
    server.ask(f"{path}?limit=10", key)  # a server that has answered before
    began, before = server.cpu_until_quiet(), server.memory()
    server.forget_peak()
    answer = server.ask(path, key)
    cpu = server.cpu_until_quiet() - began
    rows = orjson.loads(answer.body)["readings"]
    known = _milliseconds_to_encode(rows)
    what = f"{dialect}: readings, {len(rows):,} rows"
    yield Figure(
        what=f"{what}, first byte",
        measured=answer.first_byte * 1000,
        unit="ms",
        goal=_GOAL_FIRST_BYTE_MILLISECONDS,
    )
    yield Figure(
        what=f"{what}, more memory",
        measured=server.peak() - before,
        unit="MB",
        goal=_GOAL_MORE_MEGABYTES,
        beside="the answer",
        known=len(answer.body) / 2**20,
    )
    beside = "orjson.dumps of the answer"
    yield Figure(what=f"{what}, CPU", measured=cpu * 1000, unit="ms", beside=beside, known=known)
    yield Figure(
        what=f"{what}, wall", measured=answer.total * 1000, unit="ms", beside=beside, known=known
    )


async def _slow_readers(
    server: Server, url: str, path: str, history: Fleet
) -> AsyncIterator[Figure]:
    """Measure a client that stops reading and one that goes away, both soon after the begin."""
    dialect = name_of(url)
    whole = -server.cpu_until_quiet()
    size = len(server.ask(path, history.key).body)
    whole += server.cpu_until_quiet()
    with server.asking(path, history.key) as response:
        begin = response.read(_READ_BY_THE_SLOW)
        server.cpu_until_quiet()
        began = time.perf_counter()
        await _write_one(url, history.ids[0])
        wrote = time.perf_counter() - began
        held = await _transactions_held(url)
        rest = sum(map(len, iter(lambda: response.read1(_READ_BY_THE_SLOW), b"")))
    # The reading that was written meanwhile may be in it, as the last one.
    if len(begin) + rest < size:
        raise SystemExit("The slow reader did not get everything")
    yield Figure(
        what=f"{dialect}: transactions held while a reader is slow",
        measured=held,
        unit="",
        goal=0,
        beside=f"a write meanwhile took {wrote * 1000:.0f} ms",
    )
    began = server.cpu_until_quiet()
    with server.asking(path, history.key) as response:
        response.read(_READ_BY_THE_SLOW)
    left = server.cpu_until_quiet() - began
    yield Figure(
        what=f"{dialect}: CPU for a client that goes away",
        measured=left / whole * 100,
        unit="%",
        goal=_SHARE_OF_A_LEAVER,
        beside=f"{left * 1000:.0f} ms of the {whole * 1000:.0f} ms of the whole answer",
    )


async def turn_of_month(url: str, fleet: Fleet) -> AsyncIterator[Figure]:
    """Measure the first `devices/` of a month, for which each device is made anew, without HTTP.

    Afterwards nothing is ready for the month that it is.
    """
    next_month = int(time.time()) + _DAYS_OF_ANY_MONTH * 86_400
    async with Database.open(url) as database:
        cpu, wall = time.process_time(), time.perf_counter()
        async for _ in read_devices(database, fleet.account, next_month):
            pass
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    for kind, took in (("CPU", cpu), ("wall", wall)):
        yield Figure(
            what=f"{name_of(url)}: devices/ of {len(fleet.ids):,}, first of a month, {kind}",
            measured=took * 1000,
            unit="ms",
        )


async def _write_one(url: str, device_id: str) -> None:
    async with Database.open(url) as database:
        newest = int(time.time()) // QUARTER_SECONDS * QUARTER_SECONDS
        await Intake(database).take(device_id, [(newest + 1, {"1_8_0": 99_999.0})])


async def _transactions_held(url: str) -> int:
    """Return how many transactions others have open; in SQLite, whether one keeps the log."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parsed.database), timeout=0)
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.close()
        return int(busy)
    async with plain_table(url) as engine, engine.connect() as others:
        count = await others.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend'"
                " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
            )
        )
    return int(count or 0)


async def add_history(database: Database, rows: int, last: int, number: int) -> Fleet:
    """Add an account with one meter, which has so many readings up to an instant."""
    fleet = await add_fleet(
        database, "history", range(number, number + 1), readings_each=0, last=last
    )
    await Intake(database).take(fleet.ids[0], readings_of(rows, last))
    return fleet
