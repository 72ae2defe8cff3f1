"""A headless Chromium that is logged in to the demo's Home Assistant, and what it sees there."""

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from .home_assistant import HomeAssistant

CHROMIUM: Final = Path("/usr/bin/chromium")
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TIMEOUT_MILLISECONDS: Final = 30_000


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Debian's Chromium for the length of the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def logged_in(
    browser: Browser,
    home_assistant: HomeAssistant,
    *,
    language: Literal["en", "pl"] = "en",
    scheme: Literal["light", "dark"] = "light",
) -> AsyncIterator[Page]:
    """Open a page of the user that `onboard` made; nothing is loaded yet."""
    context = await browser.new_context(
        service_workers="block",
        color_scheme=scheme,
        viewport={"width": 1280, "height": 900},
        reduced_motion="reduce",
        locale="pl-PL" if language == "pl" else "en-GB",
        timezone_id="Europe/Warsaw",
    )
    try:
        tokens = {
            "hassUrl": home_assistant.url,
            "clientId": home_assistant.client_id,
            "access_token": home_assistant.tokens.access_token,
            "refresh_token": home_assistant.tokens.refresh_token,
            "token_type": "Bearer",
            "expires_in": home_assistant.tokens.expires_in_seconds,
            "expires": 0,  # have it refreshed at once
        }
        stored = {"hassTokens": json.dumps(tokens), "selectedLanguage": json.dumps(language)}
        await context.add_init_script(
            f"Object.entries({json.dumps(stored)})"
            ".forEach(([key, value]) => localStorage.setItem(key, value))"
        )
        page = await context.new_page()
        page.set_default_timeout(_TIMEOUT_MILLISECONDS)
        yield page
    finally:
        await context.close()


async def visit(page: Page, home_assistant: HomeAssistant, path: str) -> None:
    """Load a page of Home Assistant and wait until its frame stands."""
    await page.goto(f"{home_assistant.url}{path}")
    await page.wait_for_selector("ha-sidebar")
    await page.wait_for_selector("#ha-launch-screen", state="detached")
