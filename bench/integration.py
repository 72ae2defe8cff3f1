"""What the integration costs Home Assistant: when it is set up, and with every refresh.

A real Home Assistant core with its recorder, and a real local cloud on a socket in a process of its
own: what is counted is this side's work alone, never the waiting for an answer. Beside each figure
stands that of something known in the same run: as many of Home Assistant's own `CoordinatorEntity`
that show the same values, and `orjson.loads` of the same answer. Loop: CPU time of the thread that
the event loop runs in; CPU: that of all threads, the recorder's among them.

Run it with `scripts/bench integration`; each size of account has a process of its own. It fails
when a refresh without news writes a state or takes more than 50 us of event-loop time per entity,
and when a refresh takes more time per entity with 100 devices than with 10.
"""

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import count
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, override

import aiohttp
import orjson
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.components.sensor import DATA_COMPONENT, SensorEntity
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentryData,
)
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.update_coordinator import CoordinatorEntity, DataUpdateCoordinator
from homeassistant.setup import async_setup_component

from custom_components.onemeter.const import DOMAIN
from custom_components.onemeter.coordinator import _LOGGER as LOGGER
from custom_components.onemeter.onemeter_cloud.account import account_of
from onemeter_server.app import create_app
from onemeter_server.feeds.intake import Intake
from onemeter_server.models.records import DeviceRecord
from onemeter_server.storage.database import Database
from onemeter_server.storage.store import Store
from tests.serving import serving

from .recorder import home_assistant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from homeassistant.core import (
        Event,
        EventStateChangedData,
        EventStateReportedData,
        HomeAssistant,
    )
    from homeassistant.helpers.typing import StateType

    from custom_components.onemeter.data import OneMeterData

type Values = dict[str, StateType | date | datetime | Decimal]
"""What sensors show, by their entity ids."""

SIZES: Final = (1, 10, 100)
ROUNDS: Final = 15
MOST_SECONDS_PER_UNCHANGED_ENTITY: Final = 50e-6
# Medians of the same work differ by so much on a machine that others use as well.
LARGEST_GROWTH: Final = 1.25
GROWTH_FROM: Final = 10
GROWTH_TO: Final = 100

MOST_POLLS_FOR_HISTORY: Final = 3
COMPLETE: Final = 100

KEY: Final = "an-invented-key"
SERVE: Final = "serve"
READINGS_AT_START: Final = 8
DAY_SECONDS: Final = 86_400
QUARTER_SECONDS: Final = 900
HOUR_SECONDS: Final = 3600.0
COUNTERS: Final = (
    *(f"{group}_8_{tariff}" for group in (1, 2, 15) for tariff in range(5)),
    *(f"{group}_8_0" for group in (3, 4, 5, 8)),
)
GAUGES: Final = ("1_7_0", "2_7_0", "32_7_0", "52_7_0", "72_7_0", "31_7_0", "51_7_0", "71_7_0")
CONSTANTS: Final[Mapping[str, float | str]] = MappingProxyType(
    {"C_1_0": "11722779", "0_2_2": "G12w", "S_1_1_2": 2.83}
)


def device_id(number: int) -> str:
    """Return the id of a device of the account."""
    return f"5ba4b0f0-6c1e-4f6a-9d53-{number:012x}"


def registers(number: int) -> dict[str, float | str]:
    """Return the 30 registers that a meter shows after so many quarter-hours."""
    counters = {
        code: round(100 + 0.07 * place * number, 2) for place, code in enumerate(COUNTERS, 1)
    }
    gauges = {code: round(place + number % 7 / 10, 2) for place, code in enumerate(GAUGES, 1)}
    return {**counters, **gauges, **CONSTANTS}


async def serve(devices: int) -> None:
    """Be the cloud: print the address, and add a reading of each device for every line of input."""
    first = (int(time.time()) - DAY_SECONDS) // QUARTER_SECONDS * QUARTER_SECONDS
    ids = [device_id(number) for number in range(devices)]
    async with Database.open("sqlite+aiosqlite://") as database:
        store = Store(database)
        account = await store.add_account("bench")
        await store.add_key(account, "bench", KEY)
        for one in ids:
            await store.add_device(account, DeviceRecord(id=one, name=one[-4:], firmware="1.9.0"))
            await Intake(database).take(
                one, [(first + n * QUARTER_SECONDS, registers(n)) for n in range(READINGS_AT_START)]
            )
        async with serving(create_app(database)) as url:
            print(url, flush=True)
            for number in count(READINGS_AT_START):
                if not await asyncio.to_thread(sys.stdin.readline):
                    return
                reading = (first + number * QUARTER_SECONDS, registers(number))
                for one in ids:
                    await Intake(database).take(one, [reading])
                print(number, flush=True)


class Cloud:
    """The cloud in its own process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Keep the process, which has just been started."""
        self._process = process

    async def told(self) -> str:
        """Return the next line that the cloud prints."""
        assert self._process.stdout is not None  # noqa: S101 (it is a pipe)
        if not (line := await self._process.stdout.readline()):
            raise SystemExit("The cloud has ended")
        return line.decode().strip()

    async def read_meters(self) -> None:
        """Give the cloud a new reading of every device."""
        assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
        self._process.stdin.write(b"\n")
        await self.told()


@asynccontextmanager
async def cloud_of(devices: int) -> AsyncIterator[tuple[Cloud, str]]:
    """Run a cloud of so many devices; give it and its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.integration", SERVE, str(devices)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        cloud = Cloud(process)
        yield cloud, await cloud.told()
    finally:
        await process.communicate()  # the end of its input is the end of the cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some work took, in seconds: on the clock, of the event loop, of all threads."""

    wall: float
    loop: float
    cpu: float


async def cost_of(work: Awaitable[object]) -> Cost:
    """Do some work and return what it took."""
    wall, loop, cpu = time.perf_counter(), time.thread_time(), time.process_time()
    await work
    return Cost(
        wall=time.perf_counter() - wall,
        loop=time.thread_time() - loop,
        cpu=time.process_time() - cpu,
    )


def middle(costs: list[Cost]) -> Cost:
    """Return the medians of what the same work took each time."""
    return Cost(
        wall=median(cost.wall for cost in costs),
        loop=median(cost.loop for cost in costs),
        cpu=median(cost.cpu for cost in costs),
    )


class PlainCoordinator(DataUpdateCoordinator[Values]):
    """Home Assistant's coordinator with nothing of its own: what comes is what is there."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start with nothing to come."""
        super().__init__(hass, LOGGER, config_entry=None, name="plain")
        self.coming: Values = {}

    @override
    async def _async_update_data(self) -> Values:
        return self.coming


class PlainSensor(CoordinatorEntity[PlainCoordinator], SensorEntity):
    """A sensor that shows what another one shows, and does no more than it must."""

    def __init__(self, coordinator: PlainCoordinator, shown: SensorEntity) -> None:
        """Look like the other sensor."""
        super().__init__(coordinator)
        self._shown_id = shown.entity_id
        self._attr_unique_id = f"plain_{shown.unique_id}"
        self._attr_name = f"Plain {shown.entity_id}"
        self._attr_device_class = shown.device_class
        self._attr_state_class = shown.state_class
        self._attr_native_unit_of_measurement = shown.native_unit_of_measurement
        self._attr_suggested_display_precision = shown.suggested_display_precision

    @property
    @override
    def native_value(self) -> StateType | date | datetime | Decimal:
        return self.coordinator.data[self._shown_id]


class Plain:
    """Home Assistant's own way: for each of our sensors one that shows the same."""

    def __init__(self, hass: HomeAssistant, ours: set[str]) -> None:
        """Find our sensors."""
        self._component = hass.data[DATA_COMPONENT]
        self._shown = [sensor for sensor in self._component.entities if sensor.entity_id in ours]
        self._coordinator = PlainCoordinator(hass)

    @property
    def entities(self) -> int:
        """The number of sensors."""
        return len(self._shown)

    async def set_up(self) -> Cost:
        """Add the sensors."""
        self._coordinator.data = self._values()
        sensors = [PlainSensor(self._coordinator, shown) for shown in self._shown]
        return await cost_of(self._component.async_add_entities(sensors))

    async def refresh(self) -> Cost:
        """Show what our sensors show now."""
        self._coordinator.coming = self._values()
        return await cost_of(self._coordinator.async_refresh())

    def _values(self) -> Values:
        return {sensor.entity_id: sensor.native_value for sensor in self._shown}


class Writes:
    """Counts the states of some entities that are written, changed or as they were."""

    def __init__(self, hass: HomeAssistant, entity_ids: set[str]) -> None:
        """Count from now on, until `stop`."""
        self.changed = self.reported = 0

        @callback
        def is_counted(data: EventStateChangedData | EventStateReportedData) -> bool:
            return data["entity_id"] in entity_ids

        @callback
        def count_change(_: Event[EventStateChangedData]) -> None:
            self.changed += 1

        @callback
        def count_report(_: Event[EventStateReportedData]) -> None:
            self.reported += 1

        self._unsubscribe = (
            hass.bus.async_listen(EVENT_STATE_CHANGED, count_change, event_filter=is_counted),
            hass.bus.async_listen(EVENT_STATE_REPORTED, count_report, event_filter=is_counted),
        )

    def stop(self) -> tuple[int, int]:
        """Stop; return how many were changed and how many written as they were."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        return self.changed, self.reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one refresh took, what it set off (statistics, recorder), and what a plain one took."""

    refresh: Cost
    after: Cost
    plain: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures(Round):
    """The medians of many refreshes, and how many states one wrote: changed, and as they were."""

    changed: int
    reported: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything measured of an account of one size.

    `answer` is the library's part of a refresh (request and parsing), `listeners` that of telling
    all entities that nothing is new; `loads_seconds` is `orjson.loads` alone.
    """

    devices: int
    entities: int
    plain_entities: int
    set_up: Cost
    set_up_again: Cost
    plain_set_up: Cost
    first_history: Cost
    unchanged: Figures
    news: Figures
    answer: Cost
    listeners: Cost
    answer_bytes: int
    loads_seconds: float


def new_entry(url: str, devices: int) -> ConfigEntry[OneMeterData]:
    """Return the entry of an account with all its devices chosen, as the config flow makes it."""
    return ConfigEntry(
        data={"api_key": KEY, "url": url},
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        minor_version=1,
        options={},
        source=SOURCE_USER,
        subentries_data=[
            ConfigSubentryData(
                data={"device_id": device_id(number)},
                subentry_type="device",
                title=device_id(number),
                unique_id=device_id(number),
            )
            for number in range(devices)
        ],
        title="bench",
        unique_id=None,
        version=1,
    )


def hurry(url: str) -> None:
    """Let the account's request budget be full at all times: for it, every look is an hour on."""
    looks = count(1)
    began = time.monotonic()
    account_of(url, KEY).limiter._clock = lambda: began + next(looks) * HOUR_SECONDS  # noqa: SLF001


class Account:
    """An account that is set up in Home Assistant, and what is measured of it."""

    def __init__(self, hass: HomeAssistant, cloud: Cloud, url: str, devices: int) -> None:
        """Prepare the account; nothing is set up yet."""
        self._hass = hass
        self._cloud = cloud
        self._url = url
        self._devices = devices
        self._entry = new_entry(url, devices)

    async def measure(self) -> Result:
        """Set the account up and refresh it."""
        set_up = await cost_of(self._set_up())
        first_history = await cost_of(self._import_history())
        # Going through all that lives in Home Assistant's memory is nobody's refresh.
        gc.collect()
        gc.freeze()
        ours = self._entity_ids()
        plain = Plain(self._hass, ours)
        plain_set_up = await plain.set_up()
        await self._finish()
        unchanged, news = await self._rounds(plain, ours)
        body = await self._body()
        return Result(
            devices=self._devices,
            entities=len(ours),
            plain_entities=plain.entities,
            set_up=set_up,
            plain_set_up=plain_set_up,
            first_history=first_history,
            unchanged=unchanged,
            news=news,
            answer=middle([await cost_of(self._ask()) for _ in range(ROUNDS)]),
            listeners=middle([await cost_of(self._tell()) for _ in range(ROUNDS)]),
            answer_bytes=len(body),
            loads_seconds=median([await loads_seconds(body) for _ in range(ROUNDS)]),
            set_up_again=await self._set_up_again(),
        )

    async def _set_up(self) -> None:
        await self._hass.config_entries.async_add(self._entry)
        await self._hass.async_block_till_done()
        if self._entry.state is not ConfigEntryState.LOADED:
            raise SystemExit("The account has not been set up")

    async def _import_history(self) -> None:
        """Wait for the first import of all devices."""
        await self._finish()
        for _ in range(MOST_POLLS_FOR_HISTORY):
            history = self._entry.runtime_data.history
            if history is not None and all(
                history.percent(device_id(number)) == COMPLETE for number in range(self._devices)
            ):
                return
            # What fails is tried again after the next poll.
            await self._refresh()
            await self._finish()
        raise SystemExit("The history has not been imported")

    async def _set_up_again(self) -> Cost:
        """Set up as a restart does: with what was stored, and all entities known already."""
        entries, entry_id = self._hass.config_entries, self._entry.entry_id
        await entries.async_unload(entry_id)
        await self._finish()
        return await cost_of(entries.async_setup(entry_id))

    async def _finish(self) -> None:
        """Wait for what a poll has set off: the statistics, and the recorder's work."""
        await self._hass.async_block_till_done(wait_background_tasks=True)
        written = self._hass.loop.create_future()
        get_instance(self._hass).queue_task(SynchronizeTask(written))
        await written

    async def _rounds(self, plain: Plain, ours: set[str]) -> tuple[Figures, Figures]:
        """Refresh alternately without and with news; return what both took."""
        rounds: dict[bool, list[Round]] = {False: [], True: []}
        for _ in range(ROUNDS):
            for news, done in rounds.items():
                if news:
                    await self._cloud.read_meters()
                refresh = await cost_of(self._refresh())
                after = await cost_of(self._finish())
                done.append(Round(refresh=refresh, after=after, plain=await plain.refresh()))
                await self._finish()
        unchanged = await self._figures(rounds[False], ours)
        await self._cloud.read_meters()
        return unchanged, await self._figures(rounds[True], ours)

    async def _figures(self, rounds: list[Round], ours: set[str]) -> Figures:
        """Refresh once more and count; return it with the medians of the rounds."""
        # Counting takes time itself.
        writes = Writes(self._hass, ours)
        await self._refresh()
        await self._finish()
        changed, reported = writes.stop()
        return Figures(
            refresh=middle([done.refresh for done in rounds]),
            after=middle([done.after for done in rounds]),
            plain=middle([done.plain for done in rounds]),
            changed=changed,
            reported=reported,
        )

    async def _refresh(self) -> None:
        await self._entry.runtime_data.coordinator.async_refresh_for_user()

    def _entity_ids(self) -> set[str]:
        """Return the entities that have a state."""
        registry = er.async_get(self._hass)
        return {
            registered.entity_id
            for registered in er.async_entries_for_config_entry(registry, self._entry.entry_id)
            if self._hass.states.get(registered.entity_id) is not None
        }

    async def _ask(self) -> None:
        """Do the library's part of a refresh."""
        coordinator = self._entry.runtime_data.coordinator
        if self._devices > 1:
            await coordinator.cloud.devices(max_age=0)
        else:
            await coordinator.cloud.device(device_id(0), max_age=0)

    async def _tell(self) -> None:
        self._entry.runtime_data.coordinator.async_update_listeners()

    async def _body(self) -> bytes:
        """Return the cloud's answer to a poll as it comes."""
        path = "devices/" if self._devices > 1 else f"devices/{device_id(0)}"
        async with (
            aiohttp.ClientSession(headers={"Authorization": KEY}) as session,
            session.get(f"{self._url}{path}") as response,
        ):
            return await response.read()


async def loads_seconds(body: bytes) -> float:
    """Return how long the JSON parser takes for an answer."""
    began = time.thread_time()
    orjson.loads(body)
    return time.thread_time() - began


async def measure(devices: int) -> None:
    """Measure an account of so many devices; print the result as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            cloud_of(devices) as (cloud, url),
            home_assistant(folder, None) as hass,
        ):
            # The cloud's address is a number; Home Assistant's own resolver would ask the network.
            hass.data["aiohttp_resolver"] = aiohttp.ThreadedResolver()
            await async_load_base_functionality(hass)
            for platform in ("binary_sensor", "button", "sensor"):
                await async_setup_component(hass, platform, {})
            hurry(url)
            result = await Account(hass, cloud, url, devices).measure()
    report(result)
    print(json.dumps(asdict(summary_of(result))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What accounts of different size are compared by.

    `written` counts the states that a refresh without news wrote; the others are CPU seconds per
    entity, of the event loop and of all threads, by the name of the work.
    """

    written: int
    loop: Mapping[str, float]
    cpu: Mapping[str, float]


UNCHANGED: Final = "refresh without news"
NEWS: Final = "refresh with news of all"
SET_UP: Final = "set-up, all is new"
AFTER_SET_UP: Final = "first history"


def rows_of(result: Result) -> dict[str, tuple[Cost, int]]:
    """Return what was measured by its name, each with the number of entities that it was for."""
    ours, plain = result.entities, result.plain_entities
    return {
        SET_UP: (result.set_up, ours),
        "  plain entities": (result.plain_set_up, plain),
        AFTER_SET_UP: (result.first_history, ours),
        "set-up, all is known": (result.set_up_again, ours),
        UNCHANGED: (result.unchanged.refresh, ours),
        "  of it request, parsing": (result.answer, ours),
        "  of it telling entities": (result.listeners, ours),
        "  plain": (result.unchanged.plain, plain),
        "  afterwards": (result.unchanged.after, ours),
        NEWS: (result.news.refresh, ours),
        "  plain with news": (result.news.plain, plain),
        "  history, recorder then": (result.news.after, ours),
    }


def report(result: Result) -> None:
    """Print everything measured of an account."""
    print(
        f"--- {result.devices} device(s), {result.entities:,} entities,"
        f" an answer of {result.answer_bytes:,} bytes"
    )
    print(f"{'':<26}{'clock ms':>10}{'loop ms':>10}{'CPU ms':>10}{'loop us/entity':>16}")
    for name, (cost, entities) in rows_of(result).items():
        print(
            f"{name:<26}{cost.wall * 1e3:>10.2f}{cost.loop * 1e3:>10.2f}{cost.cpu * 1e3:>10.2f}"
            f"{cost.loop / entities * 1e6:>16.1f}"
        )
    for name, figures in ((UNCHANGED, result.unchanged), (NEWS, result.news)):
        ours = figures.refresh.loop / result.entities
        plain = figures.plain.loop / result.plain_entities
        print(
            f"{name}: {figures.changed:,} states changed, {figures.reported:,} written as they"
            f" were; {ours / plain:.2f} times the plain refresh"
        )
    print(
        f"request and parsing: {result.answer.cpu / result.loads_seconds:.1f} times orjson.loads"
        f" ({result.loads_seconds * 1e3:.2f} ms)"
    )


def summary_of(result: Result) -> Summary:
    """Return what accounts are compared by."""
    rows = rows_of(result).items()
    return Summary(
        written=result.unchanged.changed + result.unchanged.reported,
        loop={name: cost.loop / entities for name, (cost, entities) in rows},
        cpu={name: cost.cpu / entities for name, (cost, entities) in rows},
    )


def run(devices: int) -> Summary:
    """Measure an account in a process of its own; pass on what it prints."""
    program = (sys.executable, "-m", "bench.integration", str(devices))
    *lines, last = subprocess.run(  # noqa: S603 (this program)
        program, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    print("\n".join(lines), flush=True)
    return Summary(**json.loads(last))


def failures(summaries: Mapping[int, Summary]) -> list[str]:
    """Return which goals are missed."""
    missed = []
    for devices, summary in summaries.items():
        if summary.written:
            missed.append(f"{devices} device(s): {summary.written} states written without news")
        if (took := summary.loop[UNCHANGED]) > MOST_SECONDS_PER_UNCHANGED_ENTITY:
            missed.append(f"{devices} device(s): {took * 1e6:.0f} us per unchanged entity")
    few, many = summaries[GROWTH_FROM], summaries[GROWTH_TO]
    missed += [
        f"{name}: {many.loop[name] / few.loop[name]:.2f} times the event-loop time per entity"
        for name in (UNCHANGED, NEWS)
        if many.loop[name] > LARGEST_GROWTH * few.loop[name]
    ]
    return missed


def main() -> None:
    """Measure each size in a process of its own, compare them, and fail if a goal is missed."""
    summaries = {devices: run(devices) for devices in SIZES}
    few, many = summaries[GROWTH_FROM], summaries[GROWTH_TO]
    print(f"--- per entity, {GROWTH_TO} devices / {GROWTH_FROM} (1: linear)")
    for name in few.loop:
        print(
            f"{name:<26} loop {many.loop[name] / few.loop[name]:>6.2f}"
            f"  CPU {many.cpu[name] / few.cpu[name]:>6.2f}"
        )
    missed = failures(summaries)
    for text in missed:
        print(f"MISSED: {text}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case [str(size)]:
            asyncio.run(measure(int(size)))
        case [str(role), str(size)] if role == SERVE:
            asyncio.run(serve(int(size)))
