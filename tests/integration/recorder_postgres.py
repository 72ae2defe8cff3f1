"""A PostgreSQL server of one's own, for as long as tests need it."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_ROOT = "postgres"
"""PostgreSQL refuses to run as root; its packages bring this user."""


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, `None` where it is not installed."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """Run a server and yield the folder of its socket; it has one user, `postgres`."""
    # A socket's path may have about 100 characters only, too few for pytest's folders.
    folder = tempfile.mkdtemp(prefix="onemeter-postgres-")
    user = None
    if os.geteuid() == 0:
        shutil.chown(folder, NOT_ROOT)
        user = NOT_ROOT

    def run(program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 -- arguments are our own
            [programs / program, "--pgdata", f"{folder}/data", *arguments],
            check=True,
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdout=subprocess.DEVNULL,
        )

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c fsync=off -c unix_socket_directories={folder}"
        run("pg_ctl", "--wait", "--log", f"{folder}/log", "--options", options, "start")
        try:
            yield folder
        finally:
            run("pg_ctl", "--wait", "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgres_database(socket: str, name: str) -> Iterator[str]:
    """Yield the URL of a new, empty database."""
    admin = create_engine(
        f"postgresql://postgres@/postgres?host={socket}", isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        yield f"postgresql://postgres@/{name}?host={socket}"
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
