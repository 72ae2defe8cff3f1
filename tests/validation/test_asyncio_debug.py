"""The event loops of the tests run in asyncio's debug mode, which finds what was never awaited."""

import asyncio
import sys

from .files import PROJECT


async def test_the_loops_that_tests_run_in_are_in_debug_mode() -> None:
    """Home Assistant's test harness sees to that, in the tests of library and server too."""
    assert asyncio.get_running_loop().get_debug()
    assert sys.get_coroutine_origin_tracking_depth() > 0


def test_the_loops_that_programs_make_are_in_debug_mode_where_they_are_tested() -> None:
    """The harness does not know those: of the command line, of virtual time, of processes."""
    script = (PROJECT / "scripts" / "test").read_text(encoding="utf-8")
    (line,) = [line for line in script.splitlines() if "PYTHONASYNCIODEBUG=1" in line]
    assert line.endswith("tests/library tests/server")
