"""`scripts/demo`: shows the integration at work, or checks that it works."""

import argparse
import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING, Final, NoReturn

from .cloud import API_KEY
from .energy import DOMAIN
from .errors import DemoError
from .folders import ROOT, fresh_folder
from .home_assistant import RESTART_EXIT_CODE
from .log import ERRORS, WARNINGS, records_about
from .processes import free_port
from .report import say, step, table
from .stage import LOGIN, Stage, stage

if TYPE_CHECKING:
    from pathlib import Path

_HOME_ASSISTANT_PORT: Final = 8123
_CLOUD_PORT: Final = 8124

_OK: Final = 0
_FAILED: Final = 1
_INTERRUPTED: Final = 130


async def show(folder: Path) -> NoReturn:
    """Run the demo until it is cancelled.

    Raises `DemoError` when something does not start or ends by itself.
    """
    start = time.perf_counter()
    async with stage(
        folder,
        home_assistant_port=free_port(_HOME_ASSISTANT_PORT),
        cloud_port=free_port(_CLOUD_PORT),
    ) as scene:
        say(f"Ready after {time.perf_counter() - start:.1f} s.")
        say()
        say(f"  Home Assistant   {scene.home_assistant.url}")
        say(f"  Login            {LOGIN.username} / {LOGIN.password}")
        say(f"  Energy dashboard {scene.home_assistant.url}/energy")
        say(f"  Local cloud      {scene.cloud.url}/api/ (key: {API_KEY})")
        say(f"  Logs             {folder.relative_to(ROOT)}/*.log")
        say()
        say("The house has its whole history; that of the flat follows in about two minutes.")
        say("Ctrl-C stops everything.")
        await _until_one_ends(scene)


async def _until_one_ends(scene: Stage) -> NoReturn:
    """Raise `DemoError` when a process ends by itself; Home Assistant may restart."""
    waits = {
        asyncio.create_task(process.wait()): process
        for process in (scene.home_assistant, scene.cloud)
    }
    try:
        while True:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            task = done.pop()
            process = waits.pop(task)
            if process is not scene.home_assistant or task.result() != RESTART_EXIT_CODE:
                raise DemoError(f"{process.name} ended by itself\n{process.log_tail()}")
            with step("Starting Home Assistant again"):
                await process.start()
                await process.ready()
            waits[asyncio.create_task(process.wait())] = process
    finally:
        for task in waits:
            task.cancel()


async def check(folder: Path) -> None:
    """Run the demo and compare Home Assistant with the cloud.

    Raises `DemoError` when they differ, when the log holds errors about the integration, or when
    something does not start.
    """
    start = time.perf_counter()
    async with stage(folder, home_assistant_port=free_port(), cloud_port=free_port()) as scene:
        with step("Comparing Home Assistant with the cloud"):
            rows = await scene.compare()
    log = scene.home_assistant.log_text()
    warnings = records_about(log, DOMAIN, WARNINGS, root=str(ROOT))
    errors = records_about(log, DOMAIN, ERRORS, root=str(ROOT))
    wrong = sum(not row.ok for row in rows)

    say()
    say(table(rows))
    say()
    for record in (*warnings, *errors):
        say(record)
    say(f"{len(rows)} compared, {wrong} wrong.")
    say(f"Home Assistant's log: {len(errors)} errors and {len(warnings)} warnings about {DOMAIN}.")
    say(f"Done after {time.perf_counter() - start:.1f} s.")
    if wrong or errors or not rows:
        raise DemoError(f"The check failed. Logs: {folder.relative_to(ROOT)}/*.log")


async def _run(*, unattended: bool) -> int:
    """Run the demo or the check until its end, or until a signal says so; return the exit code."""
    task = asyncio.current_task()
    stopping = False

    def stop() -> None:
        nonlocal stopping
        # Once only: stopping takes a bounded time, and must not be broken off.
        if task is not None and not stopping:
            stopping = True
            say()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with fresh_folder() as folder:
        try:
            await (check if unattended else show)(folder)
        except asyncio.CancelledError:
            return _INTERRUPTED if unattended else _OK
        return _OK


def main() -> int:
    """Read the arguments and run; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="run unattended on free ports, compare Home Assistant with the cloud, and stop",
    )
    arguments = parser.parse_args()
    try:
        return asyncio.run(_run(unattended=arguments.check))
    except DemoError as err:
        say()
        say(str(err))
        return _FAILED


if __name__ == "__main__":
    sys.exit(main())
