"""The Energy dashboard of the demo: prices, the whole history, and the statistics that it shows."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from .check import NamedDevice, StatisticRow, compare_statistics
from .errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .check import Row
    from .cloud import LocalCloud
    from .home_assistant import HomeAssistant

DOMAIN: Final = "onemeter"
PRICES: Final[Mapping[str, float]] = {
    "energy_import_t1": 1.23,
    "energy_import_t2": 0.62,
    "energy_export": 0.45,
}
"""What a kWh of the house costs in PLN, by the key of its series."""

SOURCES: Final[Mapping[str, str]] = {
    "stat_energy_from": "energy_import",
    "stat_energy_to": "energy_export",
    "stat_cost": "energy_cost",
    "stat_compensation": "energy_compensation",
}
"""What the dashboard's grid source takes, and the keys of the house's statistics for it."""

_PRICES_YEARS: Final = 2
_MONEY: Final[Mapping[str, Mapping[str, float]]] = {
    "energy_cost": {
        "1_8_1": PRICES["energy_import_t1"],
        "1_8_2": PRICES["energy_import_t2"],
    },
    "energy_compensation": {"2_8_0": PRICES["energy_export"]},
}
_ENERGY: Final[Mapping[str, Mapping[str, float]]] = {
    "energy_import": {"1_8_0": 1.0},
    "energy_export": {"2_8_0": 1.0},
}
_REGISTERS: Final = ("1_8_0", "1_8_1", "1_8_2", "2_8_0")
_ALL_TIME: Final = "2000-01-01T00:00:00+00:00"


def statistic_id(device_id: str, key: str) -> str:
    """Return the id of a device's statistic; `device_id` is OneMeter's."""
    return f"{DOMAIN}:{device_id.replace('-', '_')}_{key}"


def grid_source(device_id: str) -> dict[str, object]:
    """Return the dashboard's grid source with the statistics of a device."""
    return {
        "type": "grid",
        **{field: statistic_id(device_id, key) for field, key in SOURCES.items()},
        "cost_adjustment_day": 0.0,
    }


async def give_prices(home_assistant: HomeAssistant, entry_id: str, device_id: str) -> None:
    """Give a device the demo's prices as a person would, and wait until they hold.

    Raises `DemoError` when Home Assistant does not take them.
    """
    today = date.today()  # noqa: DTZ011 (any day before the first reading will do)
    async with home_assistant.websocket() as websocket:
        subentries = await websocket.command("config_entries/subentries/list", entry_id=entry_id)
        (subentry,) = (one for one in subentries if one["unique_id"] == device_id)
        await websocket.command("config_entries/subscribe")
        await websocket.next_event()  # how things are now
        path = "/api/config/config_entries/subentries/flow"
        form = await home_assistant.post(
            path, {"handler": [entry_id, "device"], "subentry_id": subentry["subentry_id"]}
        )
        result = await home_assistant.post(
            f"{path}/{form['flow_id']}",
            {"valid_from": date(today.year - _PRICES_YEARS, 1, 1).isoformat(), **PRICES},
        )
        if result["type"] != "abort" or result["reason"] != "reconfigure_successful":
            raise DemoError(f"Home Assistant did not take the prices: {result}")
        unloaded = False
        while True:
            (change,) = await websocket.next_event()
            entry: Mapping[str, Any] = change["entry"]
            if entry["entry_id"] != entry_id:
                continue
            unloaded = unloaded or entry["state"] == "not_loaded"
            if unloaded and entry["state"] == "loaded":
                return
            if entry["state"].endswith("_error"):
                raise DemoError(f"The integration did not start again: {entry}")


async def import_history(home_assistant: HomeAssistant, device_id: str) -> int:
    """Have the whole history of a device imported at once; return the number of its readings.

    By itself the integration would begin a minute after its set-up.
    """
    async with home_assistant.websocket() as websocket:
        registry = await websocket.command("config/device_registry/list")
        (device,) = (one for one in registry if [DOMAIN, device_id] in one["identifiers"])
        answer = await websocket.command(
            "call_service",
            domain=DOMAIN,
            service="import_history",
            service_data={"device_id": device["id"]},
            return_response=True,
        )
    readings: int = answer["response"]["readings"]
    return readings


async def set_up_dashboard(home_assistant: HomeAssistant, device_id: str) -> None:
    """Let the Energy dashboard show a device's statistics as what the grid gives and takes."""
    async with home_assistant.websocket() as websocket:
        await websocket.command("energy/save_prefs", energy_sources=[grid_source(device_id)])


async def check_energy(
    home_assistant: HomeAssistant, cloud: LocalCloud, device: Mapping[str, Any]
) -> tuple[Row, ...]:
    """Return the dashboard's statistics of a device beside the registers that the cloud has.

    `device` is what the cloud served before the import: what has arrived since is left out.
    Raises `DemoError` when Home Assistant finds fault with the dashboard's settings.
    """
    device_id: str = device["_id"]
    ids = {key: statistic_id(device_id, key) for key in SOURCES.values()}
    async with home_assistant.websocket() as websocket:
        issues = await websocket.command("energy/validate")
        statistics = await websocket.command(
            "recorder/statistics_during_period",
            start_time=_ALL_TIME,
            statistic_ids=list(ids.values()),
            period="hour",
            types=["state", "sum"],
        )
    if issues["energy_sources"] != [[]]:
        raise DemoError(f"Home Assistant finds fault with the Energy dashboard: {issues}")
    known_until = datetime.fromisoformat(device["lastReading"]["date"]).timestamp()
    readings = [
        (time, registers)
        for time, registers in await cloud.readings(device_id, _REGISTERS)
        if time <= known_until
    ]
    return compare_statistics(
        NamedDevice(name=device["info"]["name"], multiplier=device["config"]["multiplier"]),
        {
            key: [
                StatisticRow(start=row["start"] // 1000, state=row["state"], sum=row["sum"])
                for row in statistics.get(statistic, [])
            ]
            for key, statistic in ids.items()
        },
        readings,
        {**_ENERGY, **_MONEY},
        states=frozenset(_ENERGY),
    )
