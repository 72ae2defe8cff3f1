"""How long it takes, and how much memory, to make hourly energy of a response's bytes.

Once of one register (parsed, and made to rows), once as the integration does it: of many registers
and the meter's serial number, which say what counted when. Run it with `scripts/bench history`. The
measure is `orjson.loads` of the same bytes in the same process: it fails when all the way to the
rows of one register takes more than 5 times as long or 250 MB, or that of five registers more than
20 times as long or 600 MB.
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

from custom_components.onemeter.history.meaning import Known, Plan, history_of, rows_of
from custom_components.onemeter.onemeter_cloud.history import DEFAULT_LIMIT_KW, hourly_energy
from custom_components.onemeter.onemeter_cloud.readings import parse_readings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    type Way = Callable[[bytes], int]
    """From the bytes of an answer to rows; returns how many they are."""

CODE: Final = "15_8_0"
CODES: Final = (CODE, "1_8_0", "1_8_1", "1_8_2", "2_8_0")
SERIAL: Final = {"C_1_0": "11722779"}
PLAN: Final = Plan(main_register=CODE, multiplier=1.0, limit_kw=DEFAULT_LIMIT_KW, installed=None)
QUARTER: Final = timedelta(minutes=15)
START: Final = datetime(2014, 5, 23, tzinfo=UTC)
READINGS: Final = {"one year": 35_064, "ten years": 350_640}
ROUNDS: Final = 7
MOST_TIMES_LOADS: Final = {"one": 5.0, "many": 20.0}
MOST_MEGABYTES: Final = {"one": 250.0, "many": 600.0}
PEAK_OF: Final = "--peak-of"


def write_response(path: Path, readings: int, codes: Sequence[str], **others: str) -> None:
    """Write the API's answer with so many readings of registers, the same every time."""
    chance = random.Random(1)  # noqa: S311
    hundredths = dict.fromkeys(codes, 1_234_56)
    with path.open("wb") as file:
        file.write(b'{"readings":[')
        for number in range(readings):
            date = (START + number * QUARTER).isoformat(timespec="milliseconds")
            values = {code: value / 100 for code, value in hundredths.items()}
            row = {"date": date.replace("+00:00", "Z"), **values, **others}
            file.write((b"," if number else b"") + orjson.dumps(row))
            for code in codes:
                hundredths[code] += chance.choice((0, 3, 5, 8, 12, 20, 60))
        keys = [*codes, *others]
        file.write(b'],"meta":%s}' % orjson.dumps({"keys": keys, "count": readings}))


def of_one_register(body: bytes) -> int:
    """Go all the way from the bytes to hourly rows of one register."""
    return len(hourly_energy([parse_readings(orjson.loads(body)).series(CODE)]))


def of_many_registers(body: bytes) -> int:
    """Go all the way from the bytes to the rows of all series, as the integration does."""
    now = int(time.time())
    readings = history_of([parse_readings(orjson.loads(body))], PLAN, now)
    rows = rows_of(readings, PLAN, known=Known(rows={}, since=0), expected=(), now=now)
    return sum(map(len, rows.values()))


WAYS: Final[dict[str, Way]] = {"one": of_one_register, "many": of_many_registers}


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


def print_peak_megabytes(way: str, path: Path) -> None:
    """Make the rows of a file and print how much more memory that took than to be ready for it."""
    before = _peak_megabytes()
    WAYS[way](path.read_bytes())
    print(_peak_megabytes() - before)


def _peak_megabytes() -> float:
    """Return the most memory that this process ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def peak_megabytes(way: str, path: Path) -> float:
    """Return how much memory a process needs that does nothing but make the rows of a file.

    Linux lets a new process inherit the peak of the one that starts it: ask before any other work.
    """
    command = [sys.executable, "-m", "bench.history", PEAK_OF, way, str(path)]
    return float(subprocess.check_output(command))  # noqa: S603


def report(name: str, way: str, body: bytes, peak: float) -> bool:
    """Print the figures of a history; return whether they are as they should be."""
    loads, all_the_way = best_seconds(lambda: orjson.loads(body), lambda: WAYS[way](body))
    ratio, most = all_the_way / loads, MOST_TIMES_LOADS[way]
    print(f"{name} of {way}: {len(body) / 1e6:.1f} MB of JSON to {WAYS[way](body):,} rows")
    print(f"  orjson.loads   {loads * 1000:7.1f} ms")
    print(f"  bytes to rows  {all_the_way * 1000:7.1f} ms")
    print(f"  ratio          {ratio:7.2f}    (at most {most:.0f})")
    print(f"  peak memory    {peak:7.0f} MB (less than {MOST_MEGABYTES[way]:.0f})")
    return ratio <= most and peak < MOST_MEGABYTES[way]


def main() -> int:
    """Report on all histories; return 1 if one is not as it should be."""
    cases = [(name, way) for way in WAYS for name in READINGS]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.json" for number in range(len(cases))]
        for path, (name, way) in zip(paths, cases, strict=True):
            codes, others = ((CODE,), {}) if way == "one" else (CODES, SERIAL)
            write_response(path, READINGS[name], codes, **others)
        peaks = [peak_megabytes(way, path) for path, (_, way) in zip(paths, cases, strict=True)]
        bodies = [path.read_bytes() for path in paths]
    good = [
        report(name, way, body, peak)
        for (name, way), body, peak in zip(cases, bodies, peaks, strict=True)
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == [PEAK_OF]:
        print_peak_megabytes(sys.argv[2], Path(sys.argv[3]))
    else:
        sys.exit(main())
