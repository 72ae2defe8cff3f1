"""A PostgreSQL server of one's own, for as long as tests need it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import POLLIN, poll
from typing import TYPE_CHECKING, Final

import pytest
import pytest_socket

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_ROOT: Final = "postgres"
"""PostgreSQL refuses to run as root; its packages bring this user."""

# Nothing of these tests is to outlive the machine.
_NEED_NOT_LAST: Final = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server: the folder of its socket and its data. It has one user, `postgres`."""

    programs: Path
    folder: Path
    options: str

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return self.folder / "data"

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{NOT_ROOT}@/{name}?host={self.folder}"

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Yield the URL of a new, empty database."""
        server = [f"--host={self.folder}", f"--username={NOT_ROOT}"]
        self.run("createdb", *server, "--template=template0", name)
        try:
            yield self.url(name)
        finally:
            self.run("dropdb", *server, "--force", name)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = str(self.folder / "log")
        self._control("--wait", "--log", log, "--options", self.options, "start")

    def stop(self) -> None:
        """Stop it at once."""
        self._control("--wait", "--mode=immediate", "stop")

    def kill(self) -> None:
        """End all its processes, none of which can do anything about it, and see them gone."""
        lock = self.data / "postmaster.pid"
        main = int(lock.read_text(encoding="utf-8").split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii").split()
        gone = poll()
        handles = []
        for process in (main, *map(int, children)):
            handles.append(os.pidfd_open(process))
            gone.register(handles[-1], POLLIN)
            os.kill(process, signal.SIGKILL)
        for handle in handles:
            while handle not in dict(gone.poll()):
                pass
            gone.unregister(handle)
            os.close(handle)
        # Where nobody buries the dead, the next server would take this number for a living one's.
        lock.unlink()
        for left in self.folder.glob(".s.PGSQL.*"):
            left.unlink()

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, as its user."""
        user = NOT_ROOT if os.geteuid() == 0 else None
        subprocess.run(  # noqa: S603 -- arguments are our own
            [self.programs / program, *arguments],
            check=True,
            cwd=self.folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdout=subprocess.DEVNULL,
        )

    def _control(self, *arguments: str) -> None:
        self.run("pg_ctl", f"--pgdata={self.data}", *arguments)


def allow_unix_sockets() -> None:
    """Let a test connect to a server: Home Assistant's harness allows the loopback only."""
    pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, `None` where it is not installed."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def needed_programs() -> Path:
    """Return that folder, or skip the test: where nothing may be skipped, in CI, it fails."""
    return postgres_programs() or pytest.skip("PostgreSQL is not installed")


@contextmanager
def postgres_server(
    programs: Path, *, durable: bool = False, folder: Path | None = None, more: str = ""
) -> Iterator[PostgresServer]:
    """Run a server with an empty cluster, in a folder of its own or in an empty one.

    A durable one keeps what it has acknowledged, whatever ends it. `more` are options of it.
    """
    # A socket's path may have about 100 characters only, too few for pytest's folders.
    own = Path(tempfile.mkdtemp(prefix="onemeter-postgres-")) if folder is None else folder
    if os.geteuid() == 0:
        shutil.chown(own, NOT_ROOT)
    options = f"-c listen_addresses='' -c unix_socket_directories={own} {more}"
    server = PostgresServer(
        programs=programs,
        folder=own,
        options=options if durable else f"{options} {_NEED_NOT_LAST}",
    )
    try:
        server.run(
            "initdb",
            f"--pgdata={server.data}",
            f"--username={NOT_ROOT}",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        if folder is None:
            shutil.rmtree(own)
