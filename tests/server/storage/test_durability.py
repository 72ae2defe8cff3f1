"""What is acknowledged is on disk, whatever ends the server or the database; and full disks."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy.exc import DBAPIError

from onemeter_server.feeds.intake import Intake
from onemeter_server.models.records import DeviceRecord
from onemeter_server.storage.database import Database
from onemeter_server.storage.days import Window, read_pages
from onemeter_server.storage.devices import find_device
from onemeter_server.storage.store import Store
from tests.postgres import allow_unix_sockets, needed_programs, postgres_server
from tests.server.conftest import DEVICE_ID

from .pushing import readings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onemeter_server.models.records import JSON, Values
    from tests.postgres import PostgresServer

ROUNDS: Final = 2
MOST_PUSHES: Final = 25
SEED: Final = 9
DISK_MEBIBYTES: Final = 8
DATABASE_DISK_MEBIBYTES: Final = 96  # an empty cluster takes half of it


@pytest.fixture(scope="module")
def durable() -> Iterator[PostgresServer]:
    """A PostgreSQL server that keeps what it has acknowledged."""
    with postgres_server(needed_programs(), durable=True) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database that lasts, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'cloud.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("durable")
    allow_unix_sockets()
    with server.database("pushed") as new:
        yield new


async def add_device(url: str) -> None:
    async with Database.open(url) as database:
        store = Store(database)
        await store.add_device(await store.add_account("Ada"), DeviceRecord(id=DEVICE_ID))


async def stored(database: Database) -> dict[int, Values]:
    """Return all readings of the device."""
    device = await find_device(database, await Store(database).add_account("Ada"), DEVICE_ID)
    assert device is not None
    return {
        reading.time: reading.values
        async for page in read_pages(database, device.number, Window())
        for reading in page
    }


async def assert_kept(url: str, acknowledged: int) -> None:
    """Check that the first so many pushes are stored, and of each push all or nothing."""
    async with Database.open(url) as database:
        kept = await stored(database)
    pushes = next(push for push in range(acknowledged + 2) if readings_of(push)[-1][0] not in kept)
    assert pushes >= acknowledged
    assert kept == {time: values for push in range(pushes) for time, values in readings_of(push)}


def pushing(url: str, first: int) -> subprocess.Popen[str]:
    """Start a process that pushes."""
    return subprocess.Popen(  # noqa: S603 -- arguments are our own
        [sys.executable, "-m", "tests.server.storage.pushing", url, DEVICE_ID, str(first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_push(process: subprocess.Popen[str], push: int) -> None:
    """Wait until a push and those before it are acknowledged."""
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= push:
            return
    _, errors = process.communicate()
    pytest.fail(f"the pushing process has ended by itself: {errors}")


def last_words(process: subprocess.Popen[str]) -> list[int]:
    """Return the pushes that were acknowledged since, once the process has ended."""
    output, _ = process.communicate()
    return [int(line) for line in output.splitlines()]


async def test_a_server_that_is_killed_loses_nothing_that_it_has_acknowledged(url: str) -> None:
    chance = random.Random(SEED)  # noqa: S311 -- nothing is secret
    await add_device(url)
    acknowledged = 0
    for _ in range(ROUNDS):
        last = acknowledged + chance.randrange(MOST_PUSHES)
        with pushing(url, acknowledged) as process:
            await_push(process, last)
            os.kill(process.pid, signal.SIGKILL)
            acknowledged = max([last, *last_words(process)]) + 1
        await assert_kept(url, acknowledged)
        if url.startswith("sqlite"):
            with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            connection.close()


async def test_a_database_that_is_killed_loses_nothing_that_was_acknowledged(
    durable: PostgresServer,
) -> None:
    allow_unix_sockets()
    chance = random.Random(SEED)  # noqa: S311 -- nothing is secret
    with durable.database("survivor") as url:
        await add_device(url)
        acknowledged = 0
        for _ in range(ROUNDS):
            last = acknowledged + chance.randrange(MOST_PUSHES)
            with pushing(url, acknowledged) as process:
                await_push(process, last)
                durable.kill()
                acknowledged = max([last, *last_words(process)]) + 1
            durable.start()
            await assert_kept(url, acknowledged)


async def test_a_server_goes_on_after_its_database_was_killed(durable: PostgresServer) -> None:
    allow_unix_sockets()
    with durable.database("restarted") as url:
        await add_device(url)
        async with Database.open(url) as database:
            await Intake(database).take(DEVICE_ID, readings_of(0))
            durable.kill()
            with pytest.raises((OSError, DBAPIError)):
                await Intake(database).take(DEVICE_ID, readings_of(1))
            durable.start()
            await Intake(database).take(DEVICE_ID, readings_of(1))
        await assert_kept(url, 2)


@contextmanager
def small_disk(mebibytes: int) -> Iterator[Path]:
    """Yield the folder of a small file system of its own."""
    folder = Path(tempfile.mkdtemp(prefix="onemeter-disk-"))
    options = f"size={mebibytes}m,mode=755"
    try:
        mounted = subprocess.run(  # noqa: S603 -- arguments are our own
            ["mount", "-t", "tmpfs", "-o", options, "onemeter", folder],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
        )
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)  # noqa: S603, S607
    finally:
        shutil.rmtree(folder)


@contextmanager
def on_small_disk(kind: str) -> Iterator[tuple[str, Path]]:
    """Yield the URL of a new database of a kind on a small disk, and a folder on that disk."""
    if kind == "sqlite":
        with small_disk(DISK_MEBIBYTES) as disk:
            yield f"sqlite:///{disk / 'cloud.sqlite'}", disk
        return
    programs = needed_programs()
    allow_unix_sockets()
    with small_disk(DATABASE_DISK_MEBIBYTES) as disk:
        folder = disk / "postgres"
        folder.mkdir()
        small = "-c wal_recycle=off -c min_wal_size=32MB -c max_wal_size=32MB"
        with (
            postgres_server(programs, durable=True, folder=folder, more=small) as server,
            server.database("small") as url,
        ):
            yield url, disk


def long_readings(push: int) -> list[tuple[int, dict[str, JSON]]]:
    """Return readings that take much space: no program makes random text shorter."""
    chance = random.Random(push)  # noqa: S311 -- nothing is secret
    return [
        (push * 86_400 + place, {"C_1_0": chance.randbytes(20_000).hex()}) for place in range(10)
    ]


def fill(disk: Path) -> Path:
    """Fill a disk with a file, which is returned."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return ballast


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_space(kind: str) -> None:
    with on_small_disk(kind) as (url, disk):
        await add_device(url)
        async with Database.open(url) as database:
            intake = Intake(database)
            kept: dict[int, Values] = {}
            for push in range(2):
                await intake.take(DEVICE_ID, long_readings(push))
                kept |= dict(long_readings(push))
            ballast = fill(disk)
            refused = 0
            for push in range(2, 200):
                try:
                    await intake.take(DEVICE_ID, long_readings(push))
                except (OSError, DBAPIError):
                    refused += 1
                    break
                kept |= dict(long_readings(push))
            assert refused
            if kind == "sqlite":
                assert await stored(database) == kept

            ballast.unlink()
            await intake.take(DEVICE_ID, long_readings(1_000))
            kept |= dict(long_readings(1_000))
            assert await stored(database) == kept
        async with Database.open(url) as database:
            assert await stored(database) == kept
