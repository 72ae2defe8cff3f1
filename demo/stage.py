"""The scene of the demo: a local cloud and a Home Assistant that has its meters."""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .check import Row, compare, device_names_of, entities_of
from .cloud import API_KEY, LocalCloud
from .energy import DOMAIN, check_energy, give_prices, import_history, set_up_dashboard
from .errors import DemoError
from .folders import ROOT
from .home_assistant import HomeAssistant, Login
from .report import step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

INTEGRATION: Final = ROOT / "custom_components" / DOMAIN
PRICED_DEVICE: Final = "House"
"""The name of the device that has prices and is in the Energy dashboard."""

LOGIN: Final = Login(username="demo", password="demo")  # noqa: S106 (printed at the end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Both processes, running, with the integration set up.

    `first_answer` is what the cloud served just before.
    """

    cloud: LocalCloud
    home_assistant: HomeAssistant
    first_answer: list[dict[str, Any]]

    @property
    def priced_device(self) -> dict[str, Any]:
        """The device in the Energy dashboard, as the cloud describes it."""
        return _priced(self.first_answer)

    async def compare(self) -> tuple[Row, ...]:
        """Return what Home Assistant shows now beside what the cloud serves."""
        states = await self.home_assistant.get("/api/states")
        async with self.home_assistant.websocket() as websocket:
            entities = await websocket.command("config/entity_registry/list")
            devices = await websocket.command("config/device_registry/list")
        return (
            *compare(
                entities_of(entities, states, DOMAIN),
                device_names_of(devices, DOMAIN),
                (self.first_answer, await self.cloud.devices()),
            ),
            *await check_energy(self.home_assistant, self.cloud, self.priced_device),
        )


@asynccontextmanager
async def stage(folder: Path, *, home_assistant_port: int, cloud_port: int) -> AsyncIterator[Stage]:
    """Set the scene, telling of every step; stop both processes at the end of the block."""
    cloud = LocalCloud(folder, port=cloud_port)
    home_assistant = HomeAssistant(folder, port=home_assistant_port, integration=INTEGRATION)
    try:
        await cloud.start()
        await home_assistant.start()
        with step("Starting the local cloud and Home Assistant"):
            await cloud.ready()
            await home_assistant.ready()
        with step(f"Onboarding: user {LOGIN.username}, Warsaw, PLN"):
            await home_assistant.onboard(LOGIN)
        with step("Waiting until Home Assistant has set everything up"):
            await home_assistant.wait_until_running()
        first_answer = await cloud.devices()
        with step("Adding the integration with all meters of the cloud"):
            entry_id = await add_integration(home_assistant, cloud)
        house = _priced(first_answer)["_id"]
        with step("Giving the house its prices"):
            await give_prices(home_assistant, entry_id, house)
        with step("Importing the history of the house"):
            await import_history(home_assistant, house)
        with step("Setting the Energy dashboard up"):
            await set_up_dashboard(home_assistant, house)
        yield Stage(cloud=cloud, home_assistant=home_assistant, first_answer=first_answer)
    finally:
        with step("Stopping Home Assistant and the local cloud"):
            try:
                await home_assistant.stop()
            finally:
                await cloud.stop()


async def add_integration(home_assistant: HomeAssistant, cloud: LocalCloud) -> str:
    """Run the config flow as a person would, with every meter that it offers; return the entry.

    Raises `DemoError` when the flow shows another step than expected, or an error.
    """
    form = _expect(await home_assistant.start_config_flow(DOMAIN), "user")
    form = _expect(
        await home_assistant.answer_config_flow(
            form["flow_id"], {"api_key": API_KEY, "advanced": {"url": cloud.url}}
        ),
        "devices",
    )
    (devices,) = (field for field in form["data_schema"] if field["name"] == "devices")
    offered = [option["value"] for option in devices["selector"]["select"]["options"]]
    result = await home_assistant.answer_config_flow(form["flow_id"], {"devices": offered})
    if result["type"] != "create_entry" or result["result"]["state"] != "loaded":
        raise DemoError(f"The integration was not set up: {result}")
    entry_id: str = result["result"]["entry_id"]
    return entry_id


def _priced(devices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the device that has prices."""
    return next(device for device in devices if device["info"]["name"] == PRICED_DEVICE)


def _expect(form: dict[str, Any], step_id: str) -> dict[str, Any]:
    """Return a step of the config flow if it is the expected one, and without errors."""
    if form["type"] != "form" or form["step_id"] != step_id or form["errors"]:
        raise DemoError(f'The config flow did not come to its step "{step_id}": {form}')
    return form
