"""How long it takes, and how much memory, to make hourly energy of a response's bytes.

Run it with `scripts/bench history`. The measure is `orjson.loads` of the same bytes in
the same process: it fails when all the way to the rows takes more than 5 times as long, or 250 MB.
"""

import gc
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from onemeter_cloud.history import Hourly, hourly_energy
from onemeter_cloud.readings import parse_readings

if TYPE_CHECKING:
    from collections.abc import Callable

CODE: Final = "15_8_0"
QUARTER: Final = timedelta(minutes=15)
START: Final = datetime(2014, 5, 23, tzinfo=UTC)
READINGS: Final = {"one year": 35_064, "ten years": 350_640}
ROUNDS: Final = 15
MOST_TIMES_LOADS: Final = 5.0
MOST_MEGABYTES: Final = 250.0
PEAK_OF: Final = "--peak-of"


def write_response(path: Path, readings: int) -> None:
    """Write the API's answer with so many readings of one register, the same every time."""
    chance = random.Random(1)  # noqa: S311
    hundredths = 1_234_56
    with path.open("wb") as file:
        file.write(b'{"readings":[')
        for number in range(readings):
            date = (START + number * QUARTER).isoformat(timespec="milliseconds")
            row = {"date": date.replace("+00:00", "Z"), CODE: hundredths / 100}
            file.write((b"," if number else b"") + orjson.dumps(row))
            hundredths += chance.choice((0, 3, 5, 8, 12, 20, 60))
        file.write(b'],"meta":%s}' % orjson.dumps({"keys": [CODE], "count": readings}))


def rows_of(body: bytes) -> Hourly:
    """Go all the way from the bytes to hourly rows."""
    return hourly_energy(parse_readings(orjson.loads(body)).series(CODE))


def best_seconds(*works: Callable[[], object]) -> list[float]:
    """Return the shortest processor time of each, measured in turns on the same machine."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for number, work in enumerate(works):
            gc.collect()
            start = time.process_time()
            work()
            best[number] = min(best[number], time.process_time() - start)
    return best


def print_peak_megabytes(path: Path) -> None:
    """Make the rows of a file and print the most memory that this process ever had, in MB."""
    rows_of(path.read_bytes())
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def peak_megabytes(path: Path) -> float:
    """Return how much memory a process needs in all that does nothing but make the rows of a file.

    Linux lets a new process inherit the peak of the one that starts it: ask before any other work.
    """
    command = [sys.executable, __file__, PEAK_OF, str(path)]
    return float(subprocess.check_output(command))  # noqa: S603


def report(name: str, body: bytes, peak: float) -> bool:
    """Print the figures of a history; return whether they are as they should be."""
    loads, all_the_way = best_seconds(lambda: orjson.loads(body), lambda: rows_of(body))
    ratio = all_the_way / loads
    print(f"{name}: {len(body) / 1e6:.1f} MB of JSON to {len(rows_of(body).rows):,} rows")
    print(f"  orjson.loads   {loads * 1000:7.1f} ms")
    print(f"  bytes to rows  {all_the_way * 1000:7.1f} ms")
    print(f"  ratio          {ratio:7.2f}    (at most {MOST_TIMES_LOADS:.0f})")
    print(f"  peak memory    {peak:7.0f} MB (less than {MOST_MEGABYTES:.0f})")
    return ratio <= MOST_TIMES_LOADS and peak < MOST_MEGABYTES


def main() -> int:
    """Report on all histories; return 1 if one is not as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{readings}.json" for name, readings in READINGS.items()}
        for name, path in paths.items():
            write_response(path, READINGS[name])
        peaks = {name: peak_megabytes(path) for name, path in paths.items()}
        bodies = {name: path.read_bytes() for name, path in paths.items()}
    good = [report(name, body, peaks[name]) for name, body in bodies.items()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == [PEAK_OF]:
        print_peak_megabytes(Path(sys.argv[2]))
    else:
        sys.exit(main())
