"""A server in a process of its own, as people run it, and what Linux says of the process."""

import http.client
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_QUIET_SECONDS: Final = 0.8
_LOOK_EVERY_SECONDS: Final = 0.1
_PIECE_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came for a request, and how many seconds its first byte and all of it took."""

    body: bytes
    encoding: str | None
    first_byte: float
    total: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs in another process."""

    process: int
    address: URL

    def cpu(self) -> float:
        """Return the seconds of CPU time that the process has used."""
        fields = self._file("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def memory(self) -> float:
        """Return the MB of memory that the process has now."""
        return self._status("VmRSS")

    def peak(self) -> float:
        """Return the most MB of memory that it has had since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Let the peak be what the process has now."""
        self._file("clear_refs").write_text("5")

    def cpu_until_quiet(self) -> float:
        """Wait until the process does nothing any more; return all CPU seconds it has used."""
        used, since = self.cpu(), time.monotonic()
        while time.monotonic() - since < _QUIET_SECONDS:
            time.sleep(_LOOK_EVERY_SECONDS)
            if (now := self.cpu()) != used:
                used, since = now, time.monotonic()
        return used

    def ask(self, path: str, key: str, *, encoding: str = "identity") -> Answer:
        """Ask for a path below `/api/`, and read the answer as fast as it comes."""
        began = time.perf_counter()
        with self.asking(path, key, encoding=encoding) as response:
            pieces = [response.read1(1)]
            first_byte = time.perf_counter() - began
            while piece := response.read1(_PIECE_BYTES):
                pieces.append(piece)
            return Answer(
                body=b"".join(pieces),
                encoding=response.headers["Content-Encoding"],
                first_byte=first_byte,
                total=time.perf_counter() - began,
            )

    @contextmanager
    def asking(
        self, path: str, key: str, *, encoding: str = "identity"
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask for a path below `/api/`; who leaves before the end is a client that goes away."""
        connection = http.client.HTTPConnection(str(self.address.host), self.address.port)
        try:
            headers = {"Authorization": key, "Accept-Encoding": encoding}
            connection.request("GET", f"/api/{path}", headers=headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise SystemExit(f"{path} was answered with {response.status}")
            with response:
                yield response
        finally:
            connection.close()

    def _status(self, name: str) -> float:
        found = re.search(rf"^{name}:\s+(\d+) kB$", self._file("status").read_text(), re.MULTILINE)
        if found is None:
            raise SystemExit(f"This system does not tell {name}")
        return int(found[1]) / 1024

    def _file(self, name: str) -> Path:
        return Path("/proc") / str(self.process) / name


@contextmanager
def server_process(database: str) -> Iterator[Server]:
    """Run the command `onemeter-server` over the database of a URL."""
    program = str(Path(sys.executable).with_name("onemeter-server"))
    command = [program, "run", "--database", database, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            lines: Iterable[str] = process.stdout or ()
            found = next(filter(None, (re.search(r"http://\S+", line) for line in lines)), None)
            if found is None:
                raise SystemExit("The server did not start")
            yield Server(process.pid, URL(found[0]))
        finally:
            process.terminate()
