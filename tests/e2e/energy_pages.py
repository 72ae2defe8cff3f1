"""Home Assistant's Energy dashboard and its settings, as a browser sees them and clicks on them."""

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.async_api import Locator, Page

DASHBOARD: Final = "/energy/electricity"
SETTINGS: Final = "/config/energy/electricity"

# In English and in Polish.
_SELECT: Final = re.compile("^(Select time period|Wybierz okres)$")
_PREVIOUS: Final = re.compile("^(Previous|Poprzedni)$")
_NUMBER: Final = re.compile(r"[\d,]+(?:\.\d+)?")
_LOOKS: Final = 10
_MOST_PICTURES: Final = 60
_STEADY_PICTURES: Final = 3


class Total(NamedTuple):
    """A line of the table of totals: kWh and money, without their signs."""

    energy: float
    money: float


async def show_period(page: Page, period: str) -> None:
    """Choose one of the periods that the dashboard offers, by its name."""
    await page.get_by_role("button", name=_SELECT).click()
    await page.locator("date-range-picker ha-list-item").filter(has_text=period).click()


async def show_previous(page: Page) -> None:
    """Go to the period before the one that is shown."""
    await page.get_by_role("button", name=_PREVIOUS).click()
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur()")


async def wait_for_period(page: Page, text: str) -> None:
    """Wait until the dashboard says that it shows a period."""
    await page.locator("hui-energy-period-selector").filter(has_text=text).wait_for()


async def totals(page: Page) -> dict[str, Total]:
    """Return the table of totals by the names of its sources, as it is now."""
    table = page.locator("hui-energy-sources-table-card")
    await table.locator("tr").nth(1).wait_for()
    lines = [line.split("\t") for line in await table.locator("tr").all_inner_texts()]
    return {
        name.strip(): Total(energy=_number(energy), money=_number(money))
        for *_, name, energy, money in lines[1:]
    }


async def totals_when(
    page: Page, expected: Callable[[Mapping[str, Total]], bool]
) -> dict[str, Total]:
    """Return the table of totals once it is as expected, or as it is in the end.

    A table that has not caught up with the period yet looks like any other.
    """
    for _ in range(_LOOKS):
        shown = await totals(page)
        if expected(shown):
            break
        await steady(page.locator("hui-energy-sources-table-card"))
    return shown


async def remove_grid_connection(page: Page) -> None:
    """Remove the grid connection in the settings, and wait until it is gone."""
    await page.get_by_role("button", name="Delete grid connection").click()
    await page.get_by_role("button", name="OK").click()
    await page.get_by_role("button", name="Delete grid connection").wait_for(state="detached")


async def add_grid_connection(
    page: Page, *, imported: str, exported: str, cost: str, compensation: str
) -> None:
    """Pick the statistics of a grid connection by their names, save, and wait until it is there."""
    await page.get_by_role("button", name="Add grid connection").click()
    dialog = page.locator("dialog-energy-grid-settings")
    await _pick(page, _field(dialog, "Energy imported from grid"), imported)
    await _pick(page, _field(dialog, "Energy exported to grid"), exported)
    for group, label, name in (
        ("importCostType", "Entity with the total costs", cost),
        ("exportCostType", "Entity with the total compensation", compensation),
    ):
        await dialog.locator(f"[name={group}] ha-radio-option[value=stat]").click()
        await _pick(page, _field(dialog, label), name)
    await dialog.get_by_role("button", name="Save").click()
    await page.get_by_role("button", name="Delete grid connection").wait_for()


async def steady(target: Locator) -> bytes:
    """Return a picture of something as soon as some in a row are the same: nothing moves any more.

    Raises `AssertionError` when it does not come to rest.
    """
    before, same = b"", 0
    for _ in range(_MOST_PICTURES):
        now = await target.screenshot()
        same = same + 1 if now == before else 1
        if same == _STEADY_PICTURES:
            return now
        before = now
    raise AssertionError("The page does not come to rest")


def _field(dialog: Locator, label: str) -> Locator:
    return dialog.locator(f"ha-picker-field[aria-label='{label}']")


async def _pick(page: Page, field: Locator, name: str) -> None:
    """Pick a statistic from the list by its name alone: no sensor is nearly called the same."""
    await field.click()
    items = page.locator("ha-picker-combo-box ha-combo-box-item")
    await items.filter(has=page.get_by_text(name, exact=True)).click()
    await page.locator("ha-picker-combo-box input").wait_for(state="detached")


def _number(text: str) -> float:
    found = _NUMBER.search(text)
    assert found is not None, text
    return float(found[0].replace(",", ""))
