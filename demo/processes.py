"""Child processes: started with a log of their own, watched until ready, never left behind."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from .errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from types import TracebackType

HOST: Final = "127.0.0.1"
"""Everything listens here only: the demo's key and password are no secrets."""

_LIFELINE: Final = Path(__file__).with_name("lifeline.py")
_POLL_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 30.0
_TAIL_LINES: Final = 40


def free_port(preferred: int = 0) -> int:
    """Return a port of this machine that nothing listens on: the preferred one if possible."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that are fading out do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, preferred))
        except OSError:
            probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


class ChildProcess:
    """A process of the demo. Leaving `async with` stops it; so does, on Linux, the demo's death.

    It runs in a session of its own, so that Ctrl-C reaches the demo alone, which then stops its
    processes in order. Everything that it prints goes to its log.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the process; nothing is started yet.

        `name` is what messages call it, `folder` its working directory, `environment` what is
        added to the demo's own.
        """
        self.name = name
        self.log = log
        self._command = [str(word) for word in command]
        self._folder = folder
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start the process and wait until it is ready; if that fails nothing of it is left."""
        try:
            await self.start()
            await self.ready()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the process."""
        await self.stop()

    async def start(self) -> None:
        """Start the process, again if it has ended; the log goes on."""
        lifeline = [sys.executable, "-I", "-S", str(_LIFELINE), str(os.getpid())]
        with self._open_log() as log:
            self._process = await asyncio.create_subprocess_exec(
                *lifeline,
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until the process can be used. Raises `DemoError` if that takes too long."""

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return await self._started().wait()

    async def until(
        self, ready: Callable[[], Awaitable[bool]], *, within_seconds: float, what: str
    ) -> None:
        """Wait until `ready` says so; it is asked in short intervals.

        Raises `DemoError` with the end of the log when the process ends before, or when the time is
        over. `what` completes the sentence "NAME did not ..., ...".
        """
        process = self._started()
        try:
            async with asyncio.timeout(within_seconds):
                while process.returncode is None:
                    if await ready():
                        return
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            reason = f"{self.name} did not {what} within {within_seconds:.0f} s"
        else:
            reason = f"{self.name} did not {what}, it ended with exit code {process.returncode}"
        raise DemoError(f"{reason}\n{self.log_tail()}")

    async def stop(self) -> None:
        """Ask the process to end, and end it together with its own children if it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    def log_text(self) -> str:
        """Return everything that the process has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def log_tail(self) -> str:
        """Return the last lines of the log under a line that says whose they are."""
        lines = self.log_text().splitlines()[-_TAIL_LINES:]
        return "\n".join((f"The end of {self.log}:", *(f"  {line}" for line in lines)))

    def _open_log(self) -> contextlib.AbstractContextManager[int]:
        """Open the log for appending, as a file descriptor."""
        return _closing(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644))

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
