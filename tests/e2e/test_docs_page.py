"""The page about the API in a browser: it needs nothing but the server that it comes from."""

from typing import TYPE_CHECKING, Literal

import pytest

from demo.browser import CHROMIUM, chromium
from onemeter_server.app import create_app
from onemeter_server.serve import address_of, listen, serving
from onemeter_server.storage.database import Database

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Request

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs a browser: {CHROMIUM}"),
    pytest.mark.usefixtures("socket_enabled"),
]


@pytest.mark.parametrize(
    ("width", "scheme", "background"),
    [(1280, "light", "rgb(255, 255, 255)"), (390, "dark", "rgb(20, 24, 28)")],
)
async def test_it_is_readable_on_any_screen_and_asks_nobody_else(
    width: int, scheme: Literal["light", "dark"], background: str
) -> None:
    listener = listen("127.0.0.1", 0)
    url = f"{address_of(listener)}/api/docs"
    requests: list[str] = []
    complaints: list[str] = []

    def note_request(request: Request) -> None:
        requests.append(request.url)

    def note_message(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    async with (
        Database.open("sqlite+aiosqlite://") as database,
        serving(create_app(database), listener),
        chromium() as browser,
    ):
        page = await browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page.on("request", note_request)
        page.on("console", note_message)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{url}#getReadings")
        title = page.get_by_role("heading", name="Readings of a device")
        # The page jumps to its anchor, and is no wider than the screen.
        await title.wait_for()
        box = await title.bounding_box()
        widest = await page.evaluate("document.documentElement.scrollWidth")
        colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        await page.get_by_text("What it looks like").first.click()
        sketch = await page.locator("details[open] pre").first.inner_text()

    assert requests == [url]
    assert complaints == []
    assert box is not None
    assert 0 <= box["y"] < 100
    assert widest == width
    assert colour == background
    assert '"devices"' in sketch
