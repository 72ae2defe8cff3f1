"""The Energy dashboard of the demo in a real browser: its totals are those of the registers.

With `ONEMETER_SCREENSHOTS` set, the pictures of the README are made anew.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

import pytest
import pytest_socket

from demo.browser import CHROMIUM, chromium, logged_in, visit
from demo.energy import DOMAIN, PRICES, grid_source
from demo.folders import ROOT, fresh_folder
from demo.processes import free_port
from demo.stage import Stage, stage

from . import energy_pages as energy

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from pathlib import Path

    from playwright.async_api import Browser, Page

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs a browser: {CHROMIUM}"),
    pytest.mark.usefixtures("socket_enabled"),
]

WARSAW: Final = ZoneInfo("Europe/Warsaw")
CODES: Final = ("1_8_0", "1_8_1", "1_8_2", "2_8_0")
SHOWN: Final = 0.01
"""How exactly the dashboard shows kWh and money."""

THIS_MONTH: Final = {"en": "This month", "pl": "Bieżący miesiąc"}
MONTHS: Final = {
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    ),
    "pl": (
        *("styczeń", "luty", "marzec", "kwiecień", "maj", "czerwiec", "lipiec", "sierpień"),
        *("wrzesień", "październik", "listopad", "grudzień"),
    ),
}

MOST_PICTURE_BYTES: Final = 200_000

type Registers = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The demo and a browser; `run` lets something happen there."""

    stage: Stage
    browser: Browser
    runner: asyncio.Runner

    def run[T](self, action: Coroutine[Any, Any, T]) -> T:
        """Return what comes of an action."""
        return self.runner.run(action)

    async def registers(self) -> dict[int, Registers]:
        """Return the house's registers in the cloud by the time of reading (epoch seconds)."""
        return dict(await self.stage.cloud.readings(self.stage.priced_device["_id"], CODES))

    async def open(self, page: Page, path: str) -> None:
        """Load a page of Home Assistant."""
        await visit(page, self.stage.home_assistant, path)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The demo with its dashboard, and a browser, for all tests here."""
    # A fixture of a module comes before those of a test, which allow sockets.
    pytest_socket.enable_socket()

    async def set_up(stack: AsyncExitStack) -> tuple[Stage, Browser]:
        folder = stack.enter_context(fresh_folder(tmp_path_factory.mktemp("demo")))
        ready = await stack.enter_async_context(
            stage(folder, home_assistant_port=free_port(), cloud_port=free_port())
        )
        return ready, await stack.enter_async_context(chromium())

    # The loop is not made the thread's own: each test has another one.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            ready, browser = runner.run(set_up(stack))
            yield Scene(stage=ready, browser=browser, runner=runner)
        finally:
            pytest_socket.enable_socket()
            runner.run(stack.aclose())


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: into the README only if that is asked for."""
    if not os.environ.get("ONEMETER_SCREENSHOTS"):
        return tmp_path
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_totals_of_today_are_those_of_the_registers(scene: Scene) -> None:
    async def look() -> tuple[Mapping[str, energy.Total], list[Any]]:
        # A reading may have come since the import: then Home Assistant has it, or not yet.
        imported = datetime.fromisoformat(scene.stage.priced_device["lastReading"]["date"])
        at = await scene.registers()
        start = at[midnight(datetime.now(WARSAW))]
        ends = [registers for when, registers in at.items() if when >= imported.timestamp()]
        expected = [house(start, end) for end in ends]
        async with logged_in(scene.browser, scene.stage.home_assistant) as page:
            await scene.open(page, energy.DASHBOARD)
            # In the first hour of a day the dashboard opens with the day before.
            await energy.show_period(page, "Today")
            return await energy.totals_when(
                page, lambda shown: of_house(shown) in expected
            ), expected

    shown, expected = scene.run(look())

    assert of_house(shown) in expected


def test_the_totals_of_last_month_are_those_of_the_registers(scene: Scene) -> None:
    async def look() -> tuple[Mapping[str, energy.Total], Any]:
        at = await scene.registers()
        this_month = datetime.now(WARSAW).replace(day=1)
        expected = house(at[midnight(last_month())], at[midnight(this_month)])
        async with logged_in(scene.browser, scene.stage.home_assistant) as page:
            await scene.open(page, energy.DASHBOARD)
            await show_last_month(page)
            return await energy.totals_when(
                page, lambda shown: of_house(shown) == expected
            ), expected

    shown, expected = scene.run(look())

    assert of_house(shown) == expected


def test_the_statistics_can_be_picked_by_hand(scene: Scene) -> None:
    async def pick() -> dict[str, Any]:
        async with logged_in(scene.browser, scene.stage.home_assistant) as page:
            await scene.open(page, energy.SETTINGS)
            await energy.remove_grid_connection(page)
            assert (await preferences(scene))["energy_sources"] == []
            await energy.add_grid_connection(
                page,
                imported="House energy import",
                exported="House energy export",
                cost="House energy cost",
                compensation="House energy compensation",
            )
        return await preferences(scene)

    (source,) = scene.run(pick())["energy_sources"]

    assert source.items() >= grid_source(scene.stage.priced_device["_id"]).items()


def test_pictures_of_the_dashboard(scene: Scene, pictures: Path) -> None:
    async def look() -> dict[str, bytes]:
        home_assistant = scene.stage.home_assistant
        taken: dict[str, bytes] = {}
        async with logged_in(scene.browser, home_assistant) as page:
            await scene.open(page, energy.DASHBOARD)
            await show_last_month(page)
            taken["energy-month"] = await picture_of_dashboard(page)
            await energy.show_period(page, "Last 12 months")
            taken["energy-year"] = await picture_of_dashboard(page)
        async with logged_in(scene.browser, home_assistant, language="pl", scheme="dark") as page:
            await scene.open(page, energy.DASHBOARD)
            await show_last_month(page, language="pl")
            taken["energy-month-dark-pl"] = await picture_of_dashboard(page)
        return taken

    save(scene.run(look()), pictures)


def test_picture_of_the_device(scene: Scene, pictures: Path) -> None:
    async def look() -> bytes:
        home_assistant = scene.stage.home_assistant
        identifier = [DOMAIN, scene.stage.priced_device["_id"]]
        async with home_assistant.websocket() as websocket:
            registry = await websocket.command("config/device_registry/list")
        (device,) = (one for one in registry if identifier in one["identifiers"])
        async with logged_in(scene.browser, home_assistant) as page:
            await scene.open(page, f"/config/devices/device/{device['id']}")
            await page.locator("ha-device-entities-card").first.wait_for()
            await page.get_by_text("Energy import", exact=True).first.wait_for()
            return await energy.steady(page.locator("body"))

    save({"device": scene.run(look())}, pictures)


async def show_last_month(page: Page, language: Literal["en", "pl"] = "en") -> None:
    """Let the dashboard show last month, and wait until its totals are there."""
    await energy.totals(page)
    await energy.show_period(page, THIS_MONTH[language])
    await energy.wait_for_period(page, MONTHS[language][datetime.now(WARSAW).month - 1])
    await energy.show_previous(page)
    await energy.wait_for_period(page, MONTHS[language][last_month().month - 1])
    await energy.steady(page.locator("hui-energy-sources-table-card"))


async def picture_of_dashboard(page: Page) -> bytes:
    """Return a picture of the page once its bars stand: the flow beside them never rests."""
    await energy.steady(page.locator("hui-energy-usage-graph-card"))
    await energy.steady(page.locator("hui-energy-sources-table-card"))
    return await page.screenshot()


async def preferences(scene: Scene) -> dict[str, Any]:
    """Return the dashboard's settings."""
    async with scene.stage.home_assistant.websocket() as websocket:
        stored: dict[str, Any] = await websocket.command("energy/get_prefs")
    return stored


def save(taken: Mapping[str, bytes], folder: Path) -> None:
    """Store pictures that are small enough for a repository."""
    for name, picture in taken.items():
        assert len(picture) < MOST_PICTURE_BYTES, name
        (folder / f"{name}.png").write_bytes(picture)


def of_house(shown: Mapping[str, energy.Total]) -> tuple[float, ...]:
    """Return what the house got and gave, each as energy and money, of a table of totals."""
    return (*shown["House energy import"], *shown["House energy export"])


def house(start: Registers, end: Registers) -> Any:
    """Return what the house got and gave between two readings, as exact as it is shown."""
    exported = counted(start, end, "2_8_0")
    return pytest.approx(
        (
            counted(start, end, "1_8_0"),
            counted(start, end, "1_8_1") * PRICES["energy_import_t1"]
            + counted(start, end, "1_8_2") * PRICES["energy_import_t2"],
            exported,
            exported * PRICES["energy_export"],
        ),
        abs=SHOWN,
    )


def counted(start: Registers, end: Registers, code: str) -> float:
    """Return what a register counted between two readings (kWh)."""
    return end[code] - start[code]


def last_month() -> datetime:
    """Return the first day of last month."""
    return (datetime.now(WARSAW).replace(day=1) - timedelta(days=1)).replace(day=1)


def midnight(moment: datetime) -> int:
    """Return the start of a day in Warsaw (epoch seconds)."""
    return int(datetime.combine(moment.date(), time(), WARSAW).timestamp())
