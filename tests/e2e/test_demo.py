"""`scripts/demo`, as users run it: real processes, which all end with it."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from demo.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# `scripts/demo` runs the same after `scripts/setup`, which the tests need not repeat.
COMMAND: Final = (sys.executable, "-m", "demo")
TIMEOUT_SECONDS: Final = 180

HAS_PROC: Final = Path("/proc/self/task").exists()


def test_home_assistant_shows_what_the_cloud_serves() -> None:
    result = subprocess.run(  # noqa: S603 (the demo itself)
        (*COMMAND, "--check"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    table = [re.split(r"\s{2,}", line) for line in result.stdout.splitlines()]
    assert ["Device", "Entity", "Home Assistant", "Cloud", "OK"] in table
    rows = [cells for cells in table if len(cells) == 5 and cells[4] == "yes"]
    assert ["House", "(device)", "House", "House", "yes"] in rows
    assert ["Flat", "(device)", "Flat", "Flat", "yes"] in rows
    compared = {cells[1] for cells in rows if cells[3] != "-"}
    assert compared > {
        "sensor.house_energy_import",
        "sensor.house_energy_export",
        "sensor.house_power",
        "sensor.house_tariff",
        "sensor.house_last_reading",
        "sensor.flat_absolute_energy",
        "sensor.flat_last_reading",
    }
    assert compared > {
        f"{statistic}, {hour} hour, sum"
        for statistic in ("energy_import", "energy_export", "energy_cost", "energy_compensation")
        for hour in ("first", "last")
    }
    assert f"{len(rows)} compared, 0 wrong." in result.stdout
    assert "0 errors and 0 warnings about onemeter." in result.stdout


@pytest.mark.skipif(not HAS_PROC, reason="finds processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_stops_everything(number: signal.Signals) -> None:
    with running_demo() as demo:
        read_until(demo, "Starting the local cloud and Home Assistant")
        children = children_of(demo.pid)
        demo.send_signal(number)
        rest, _ = demo.communicate(timeout=TIMEOUT_SECONDS)

    assert demo.returncode == 0
    assert "Stopping Home Assistant and the local cloud" in rest
    assert len(children) == 2
    assert not [pid for pid in children if is_alive(pid)]


@pytest.mark.skipif(not HAS_PROC, reason="finds processes in /proc")
def test_the_demo_tells_address_and_login_and_ctrl_c_stops_it() -> None:
    with running_demo() as demo:
        output = read_until(demo, "Ctrl-C stops everything.\n")
        children = children_of(demo.pid)
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=TIMEOUT_SECONDS)

    assert re.search(r"Home Assistant +http://127\.0\.0\.1:\d+\n", output)
    assert re.search(r"Login +demo / demo\n", output)
    assert re.search(r"Energy dashboard +http://127\.0\.0\.1:\d+/energy\n", output)
    assert demo.returncode == 0
    assert len(children) == 2
    assert not [pid for pid in children if is_alive(pid)]


@contextmanager
def running_demo() -> Iterator[subprocess.Popen[str]]:
    """Start the interactive demo; it is killed, and with it its processes, if a test hangs."""
    with subprocess.Popen(  # noqa: S603 (the demo itself)
        COMMAND, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        watchdog = threading.Timer(TIMEOUT_SECONDS, demo.kill)
        watchdog.start()
        try:
            yield demo
        finally:
            watchdog.cancel()
            watchdog.join()
            demo.kill()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Return what a process prints until it prints a text; fail if it ends before."""
    assert process.stdout is not None
    output = ""
    while text not in output:
        character = process.stdout.read(1)
        assert character, output
        output += character
    return output


def children_of(pid: int) -> list[int]:
    """Return the ids of a process's own processes."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


def is_alive(pid: int) -> bool:
    """Tell whether there is a process of this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
