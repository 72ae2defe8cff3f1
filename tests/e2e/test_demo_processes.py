"""The demo's processes and folders: nothing stays behind, whatever ends the demo."""

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from demo.errors import DemoError
from demo.folders import ROOT, fresh_folder
from demo.processes import ChildProcess

if TYPE_CHECKING:
    from pathlib import Path

PARENT: Final = """
import asyncio, sys
from pathlib import Path
from demo.processes import ChildProcess

async def main():
    command = (sys.executable, "-c", *sys.argv[2:])
    async with ChildProcess("The child", command, log=Path(sys.argv[1])) as child:
        await child.wait()

asyncio.run(main())
"""
# Should nobody end it, the alarm does, without the last word.
CHILD: Final = """
import signal, sys
signals = {signal.SIGTERM, signal.SIGALRM}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
signal.alarm(30)
with open(sys.argv[1], "w") as pipe:
    print("started", file=pipe, flush=True)
    if signal.sigwait(signals) == signal.SIGTERM:
        print("told to end", file=pipe)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_a_child_ends_when_the_demo_is_killed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = (sys.executable, "-c", PARENT, tmp_path / "log", CHILD, pipe)

    with (
        subprocess.Popen(command, cwd=ROOT) as parent,  # noqa: S603 (the code above)
        pipe.open() as words,
    ):
        assert words.readline() == "started\n"
        parent.kill()
        assert words.read() == "told to end\n"


async def test_a_child_that_ends_too_early_is_reported_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(DemoError) as error:
        async with python("print('no way'); exit(3)", tmp_path) as child:
            await child.until(never, within_seconds=30, what="answer")

    assert str(error.value).startswith("The child did not answer, it ended with exit code 3\n")
    assert "no way" in str(error.value)


async def test_a_child_that_is_never_ready_is_reported_and_stopped(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"The child did not answer within 0 s"):
        async with python("import signal; signal.pause()", tmp_path) as child:
            await child.until(never, within_seconds=0.2, what="answer")

    assert await child.wait() != 0


def test_a_run_has_a_fresh_folder_which_is_gone_when_all_went_well(tmp_path: Path) -> None:
    with fresh_folder(tmp_path) as one, fresh_folder(tmp_path) as other:
        assert one != other
        assert one.is_dir()
        assert other.is_dir()

    assert not one.exists()
    assert not other.exists()


def test_the_folder_of_a_run_that_failed_stays_until_the_next_one(tmp_path: Path) -> None:
    with pytest.raises(DemoError), fresh_folder(tmp_path) as failed:
        raise DemoError("Something went wrong")
    assert failed.is_dir()

    with fresh_folder(tmp_path):
        assert not failed.exists()


def python(code: str, folder: Path) -> ChildProcess:
    """Return a child process that runs some Python."""
    return ChildProcess("The child", (sys.executable, "-c", code), log=folder / "child.log")


async def never() -> bool:
    """Say that a process is not ready."""
    return False
