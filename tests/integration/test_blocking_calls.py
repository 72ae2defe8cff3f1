"""The event loop is guarded: whatever blocks it in our code is seen, the local cloud is not."""

import runpy
from typing import TYPE_CHECKING

import pytest

from .local_cloud import FLAT_ID, HOUSE_ID

if TYPE_CHECKING:
    from typing import Any

    from homeassistant.core import HomeAssistant

    from .conftest import MakeEntry
    from .local_cloud import LocalCloud

BLOCKS = """
import time
from pathlib import Path


async def opens(path):
    with open(path):
        pass


async def reads(path):
    Path(path).read_text(encoding="utf-8")


async def sleeps(path):
    time.sleep(0)


def reads_elsewhere(path):
    return Path(path).read_text(encoding="utf-8")
"""


@pytest.fixture(scope="module")
def code_of_ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give functions that stand in a file of the integration, as far as its path tells."""
    file = tmp_path_factory.mktemp("config") / "custom_components" / "onemeter" / "blocks.py"
    file.parent.mkdir(parents=True)
    file.write_text(BLOCKS, encoding="utf-8")
    return {"path": file, **runpy.run_path(str(file))}


@pytest.mark.parametrize(("function", "call"), [("opens", "open"), ("reads", "read_text")])
async def test_a_file_that_our_code_opens_in_the_event_loop_is_seen(
    function: str, call: str, code_of_ours: dict[str, Any], blocking_calls: list[str]
) -> None:
    await code_of_ours[function](code_of_ours["path"])

    assert any(f"blocking call to {call} " in report for report in blocking_calls)
    blocking_calls.clear()  # this test has seen what would have failed any other


async def test_a_sleep_of_our_code_is_refused(
    code_of_ours: dict[str, Any], blocking_calls: list[str]
) -> None:
    with pytest.raises(RuntimeError, match="blocking call to sleep"):
        await code_of_ours["sleeps"](code_of_ours["path"])

    assert len(blocking_calls) == 1
    blocking_calls.clear()


@pytest.mark.parametrize("_time", ["first", "second"])
async def test_every_test_sees_a_place_that_another_has_seen(
    _time: str, code_of_ours: dict[str, Any], blocking_calls: list[str]
) -> None:
    await code_of_ours["opens"](code_of_ours["path"])

    assert blocking_calls != []
    blocking_calls.clear()


async def test_an_executor_may_block(
    hass: HomeAssistant, code_of_ours: dict[str, Any], blocking_calls: list[str]
) -> None:
    text = await hass.async_add_executor_job(code_of_ours["reads_elsewhere"], code_of_ours["path"])

    assert text == BLOCKS
    assert blocking_calls == []


async def test_setting_up_and_polling_blocks_nothing(
    hass: HomeAssistant, cloud: LocalCloud, make_entry: MakeEntry, blocking_calls: list[str]
) -> None:
    entry = make_entry(cloud, HOUSE_ID, FLAT_ID)

    assert await hass.config_entries.async_setup(entry.entry_id)
    await entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done()

    assert len(cloud.requests) > 0
    assert blocking_calls == []
