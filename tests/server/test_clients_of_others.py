"""What other people's programs ask for, word by word, and what they read of the answer.

They were written for the vendor's cloud, whose place this server takes. Each test is the requests
of one program, and the fields that it reads with what it does with them.
"""

from __future__ import annotations

import asyncio
import io
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, override

import aiohttp
import httpx
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from openpyxl import load_workbook

from onemeter_server.app import create_app
from onemeter_server.demo.life import DemoClock, DemoLife
from onemeter_server.demo.meters import DEMO_KEY, FLAT_ID, HOUSE_ID
from onemeter_server.serve import address_of, listen, serving
from onemeter_server.storage.database import Database
from tests.certificates import HOST, Certificate

from .conftest import DEVICE_ID, MovableClock, asking, at

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from onemeter_server.models.records import DeviceRecord

    from .conftest import Account

CLOUD: Final = "https://cloud.onemeter.com/api"

# Long enough for a whole month before the present one.
HISTORY: Final = timedelta(days=60)

# The registers that onemeter-hacs-integration 0.3 makes sensors of.
SENSORS: Final = (
    *("0_0_0", "0_2_2", "0_9_1", "0_9_2", "1_2_1", "1_4_0", "15_8_0", "16_7_0"),
    *(f"{energy}_8_{tariff}" for energy in (1, 2, 5, 8) for tariff in range(5)),
    *("C_1_0", "C_90_1", "F_F_0", "S_1_1_2", "S_1_1_4", "S_1_1_6", "S_1_1_7", "S_1_1_8"),
    *("S_1_1_9", "S_1_1_10", "S_1_1_12", "S_1_1_16", "S_1_1_19", "S_1_2_0", "S_1_2_1", "S_1_2_2"),
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record the demo's two months once; return the file of the database."""
    file = tmp_path_factory.mktemp("clients") / "demo.sqlite"

    async def record() -> None:
        async with Database.open(f"sqlite:///{file}") as database:
            await DemoLife(database, DemoClock(clock=MovableClock()), history=HISTORY).begin()

    asyncio.run(record())
    return file


@pytest.fixture
async def cloud(recorded: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that sends the demo's key, of a server that stands in for the cloud."""
    async with (
        Database.open(f"sqlite:///{recorded}") as database,
        asking(create_app(database, clock=MovableClock()), DEMO_KEY) as client,
    ):
        yield client


class Here(AbstractResolver):
    """Leads every name to one port of this machine, as the owner's own DNS does."""

    def __init__(self, port: int) -> None:
        """Lead to this port."""
        self._port = port

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=HOST, port=self._port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    @override
    async def close(self) -> None:
        pass


@asynccontextmanager
async def secured(recorded: Path, certificate: Certificate) -> AsyncGenerator[str]:
    """Serve what is recorded on a socket with TLS; yield where."""
    listener = listen(HOST, 0)
    address = address_of(listener, tls=True)
    async with (
        Database.open(f"sqlite:///{recorded}") as database,
        serving(create_app(database, clock=MovableClock()), listener, tls=certificate.server),
    ):
        yield address


async def told(cloud: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Return what the cloud answers to a request that has to succeed."""
    answer = await cloud.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


def at_path(body: dict[str, Any], path: str) -> object:
    """Return what stands at a path of names, as a JSONPath without brackets would."""
    found: Any = body
    for name in path.split("."):
        found = found[name]
    return found


def instant(text: object) -> datetime:
    """Return a date of an answer, which has its zone."""
    read = datetime.fromisoformat(str(text))
    assert read.tzinfo is not None
    return read


async def test_onemeter_hacs_integration_finds_its_device_in_the_list(
    cloud: httpx.AsyncClient,
) -> None:
    first = (await told(cloud, f"{CLOUD}/devices"))["devices"][0]

    assert (first["_id"], first["info"]["name"]) == (HOUSE_ID, "House")
    assert first["lastReading"]["OBIS"]["1_8_0"] > 0
    assert float(first["usage"]["thisMonth"]) > 0
    assert float(first["usage"]["previousMonth"]) > 100


async def test_onemeter_hacs_integration_has_a_sensor_for_each_register_that_the_meter_has(
    cloud: httpx.AsyncClient,
) -> None:
    device = await told(cloud, f"{CLOUD}/devices/{HOUSE_ID}")

    registers = device["lastReading"]["OBIS"]
    found = {code: registers[code] for code in SENSORS if code in registers}
    absolute = pytest.approx(registers["1_8_0"] + registers["2_8_0"])
    assert registers["15_8_0"] == absolute
    assert found == {
        "0_0_0": 56183920,
        "0_2_2": "G12w",
        "0_9_1": 11 * 3600 + 59 * 60 + 23,
        "0_9_2": "2024-05-23T00:00:00.000Z",
        "15_8_0": absolute,
        "16_7_0": registers["16_7_0"],
        "1_8_0": pytest.approx(registers["1_8_1"] + registers["1_8_2"]),
        **{code: registers[code] for code in ("1_8_1", "1_8_2", "2_8_0", "5_8_0", "8_8_0")},
        "C_1_0": "56183920",
        "F_F_0": 0,
        "S_1_1_2": pytest.approx(3.08),
        "S_1_1_4": "2024-05-23T10:00:00.000Z",
        "S_1_1_6": 60 * 96 + 1,
        "S_1_1_7": [27, 3],
        "S_1_1_8": [3, 9600],
        "S_1_1_9": registers["S_1_1_9"],
        "S_1_1_10": "2024-05-23T10:00:00.000Z",
        "S_1_1_16": [],
    }
    # A power in kW, of a house under the sun; a temperature in degrees.
    assert -20 < registers["16_7_0"] < 12
    assert 0 < registers["S_1_1_9"] < 40


async def test_onemeter_hacs_integration_asks_for_readings_in_words_that_the_vendor_does_not_know(
    cloud: httpx.AsyncClient,
) -> None:
    url = f"{CLOUD}/devices/{HOUSE_ID}/readings"

    answer = await told(cloud, f"{url}?obis={','.join(SENSORS)}&count=1")

    assert answer["meta"]["count"] == len(answer["readings"]) == 60 * 96 + 1
    assert answer == await told(cloud, url)


async def test_the_early_onemeter_hacs_integration_asks_for_the_newest_values(
    cloud: httpx.AsyncClient,
) -> None:
    query = "limit=1&skip=0&sort=descending&codes=15_8_0,15_8_1,S_1_1_2,S_1_1_4,S_1_1_6"

    answer = await told(cloud, f"{CLOUD}/devices/{FLAT_ID}/readings?{query}")

    device = await told(cloud, f"{CLOUD}/devices/{FLAT_ID}")
    codes = ("15_8_0", "15_8_1", "S_1_1_2", "S_1_1_4", "S_1_1_6")
    newest = {code: device["lastReading"]["OBIS"][code] for code in codes}
    assert answer["readings"] == [{"date": "2024-05-23T10:00:00.000Z", **newest}]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2024-05-01T00:00:00", "2024-05-22T14:30:00.123456"),
        ("2024-04-30T22:00:00%2B00:00", "2024-05-22T12:30:00.123456%2B00:00"),
    ],
    ids=["without a zone", "with a zone"],
)
async def test_the_early_onemeter_hacs_integration_asks_for_a_summary(
    cloud: httpx.AsyncClient, since: str, until: str
) -> None:
    query = f"from={since}&to={until}"

    report = await told(cloud, f"{CLOUD}/devices/{HOUSE_ID}/report/summary?{query}")

    assert report["range"] == {
        "from": "2024-04-30T22:00:00.000Z",
        "to": "2024-05-22T12:30:00.000Z",
    }
    shares = [zone["usage"] for zone in report["profile"]["activeEnergy"]["data"]]
    assert report["usage"]["activeEnergy"] == pytest.approx(sum(shares), abs=0.01)
    assert all(share > 0 for share in shares)
    assert report["prices"]["distribution"]["total"] > 0


@pytest.mark.parametrize("device_id", [HOUSE_ID, FLAT_ID])
async def test_hass_onemeter_cloud_and_the_rest_recipe_show_every_sensor(
    cloud: httpx.AsyncClient, device_id: str
) -> None:
    device = await told(cloud, f"{CLOUD}/devices/{device_id}")

    assert f"v.{device['firmware']['currentVersion']}" == "v.2.24.0"
    assert instant(device["lastReading"]["date"]) == datetime(2024, 5, 23, 10, tzinfo=UTC)
    assert isinstance(device["lastReading"]["BATTERY_PC"], int)
    assert 0 < device["lastReading"]["BATTERY_PC"] <= 100
    assert device["lastReading"]["OBIS"]["S_1_1_2"] == 3.08
    assert device["lastReading"]["OBIS"]["15_8_0"] > 0
    assert round(device["usage"]["thisMonth"], 2) > 0
    assert round(device["usage"]["previousMonth"], 2) > 0


async def test_hass_onemeter_cloud_has_numbers_after_the_first_reading(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(record, (at("2024-05-23T09:45:00Z"), {"1_8_0": 10.5}))

    device = await told(api, f"{CLOUD}/devices/{DEVICE_ID}")

    assert round(device["usage"]["thisMonth"], 2) == 0
    assert round(device["usage"]["previousMonth"], 2) == 0


async def test_onemeterpso_shows_the_newest_registers(cloud: httpx.AsyncClient) -> None:
    device = await told(cloud, f"{CLOUD}/devices/{HOUSE_ID}")

    assert instant(device["lastReading"]["date"]) == datetime(2024, 5, 23, 10, tzinfo=UTC)
    registers = device["lastReading"]["OBIS"]
    assert all(float(registers[code]) > 0 for code in ("1_8_0", "1_8_1", "1_8_2"))
    assert float(device["usage"]["thisMonth"]) > 0
    assert float(device["usage"]["previousMonth"]) > 0


@pytest.mark.usefixtures("socket_enabled")
async def test_onemeterpso_copies_a_day_and_looks_at_no_certificate(recorded: Path) -> None:
    async with (
        secured(recorded, Certificate.make()) as address,
        httpx.AsyncClient(verify=False) as client,  # noqa: S501 - as it does
    ):
        answer = await client.get(
            f"{address}/api/devices/{HOUSE_ID}/Readings?from=2024-05-22 12:00:00",
            headers={"Authorization": DEMO_KEY},
            timeout=120,
        )

    # It means the time of where it is, and is an error if a register is missing from a row.
    rows = answer.json()["readings"]
    assert [instant(row["date"]) for row in rows] == [
        datetime(2024, 5, 22, 10, tzinfo=UTC) + i * timedelta(minutes=15) for i in range(97)
    ]
    assert all(float(row[code]) > 0 for row in rows for code in ("1_8_0", "1_8_1", "1_8_2"))
    assert {row["C_1_0"] for row in rows} == {"56183920"}


@pytest.mark.usefixtures("socket_enabled")
async def test_programs_that_know_the_cloud_s_name_only_find_this_server_under_it(
    recorded: Path,
) -> None:
    certificate = Certificate.make()
    async with secured(recorded, certificate) as address:
        connector = aiohttp.TCPConnector(
            resolver=Here(httpx.URL(address).port or 0), ssl=certificate.client()
        )
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"{CLOUD}/devices", headers={"Authorization": DEMO_KEY}) as answer,
        ):
            devices = (await answer.json())["devices"]

    assert [device["info"]["name"] for device in devices] == ["House", "Flat"]


async def test_the_php_script_copies_a_day_to_influxdb(cloud: httpx.AsyncClient) -> None:
    query = "locale=pl&from=2024-05-21T21:45:00.000Z&to=2024-05-22T21:59:59.999Z"

    answer = await told(cloud, f"{CLOUD}/devices/{FLAT_ID}/readings?{query}")

    rows = answer["readings"]
    # It takes the first one only to know what the next one has used.
    start = datetime(2024, 5, 21, 21, 45, tzinfo=UTC)
    quarter = timedelta(minutes=15)
    assert [instant(row["date"]) for row in rows] == [start + i * quarter for i in range(97)]
    totals = [row["15_8_0"] for row in rows]
    assert totals == sorted(totals)
    assert totals == [row["15_8_1"] + row["15_8_2"] for row in rows]
    assert all(float(row[code]) > 0 for row in rows for code in ("S_1_1_2", "S_1_1_9"))
    assert answer["meta"]["OBIS"]["15_8_0"]["description"]["short"] == "Energia |A| (suma)"


async def test_the_php_script_carries_on_what_a_row_does_not_tell(
    account: Account, api: httpx.AsyncClient, record: DeviceRecord
) -> None:
    await account.add_device(
        record,
        (at("2024-05-22T10:00:00Z"), {"15_8_0": 1.5, "S_1_1_2": 2.9}),
        (at("2024-05-22T10:15:00Z"), {"15_8_0": 1.75}),
    )
    query = "locale=pl&from=2024-05-21T21:45:00.000Z&to=2024-05-22T21:59:59.999Z"

    rows = (await told(api, f"{CLOUD}/devices/{DEVICE_ID}/readings?{query}"))["readings"]

    assert [row.get("S_1_1_2") for row in rows] == [2.9, None]


@pytest.mark.parametrize("device_id", [HOUSE_ID, FLAT_ID])
async def test_the_vendor_s_recipes_for_home_assistant_openhab_and_domoticz_find_their_values(
    cloud: httpx.AsyncClient, device_id: str
) -> None:
    device = await told(cloud, f"{CLOUD}/devices/{device_id}")

    assert float(str(at_path(device, "lastReading.OBIS.15_8_0"))) > 0
    assert at_path(device, "lastReading.OBIS.S_1_1_2") == 3.08
    assert instant(at_path(device, "lastReading.OBIS.S_1_1_4")) == MovableClock().now
    assert float(str(at_path(device, "usage.thisMonth"))) > 0
    assert float(str(at_path(device, "usage.previousMonth"))) > 0
    assert at_path(device, "firmware.currentVersion") == "2.24.0"


@pytest.mark.parametrize("reading", ["lastReading", "firstReading", "initialReading"])
async def test_the_node_program_fills_its_classes(cloud: httpx.AsyncClient, reading: str) -> None:
    device = await told(cloud, f"{CLOUD}/devices/{HOUSE_ID}")

    kinds = {name: type(value) for name, value in device[reading].items()}
    assert (
        kinds.items()
        >= {
            "date": str,
            "source": str,
            "BATTERY_VOLTAGE": float,
            "BATTERY_STATUS": int,
            "BATTERY_PC": int,
            "UUID": str,
            "count": int,
            "encryption": str,
            "meterID": str,
            "OBIS": dict,
            "updatedAt": dict,
        }.items()
    )
    assert device[reading]["OBIS"].keys() == device[reading]["updatedAt"].keys()


async def test_the_node_program_reads_how_the_device_is_set_up(cloud: httpx.AsyncClient) -> None:
    device = await told(cloud, f"{CLOUD}/devices/{HOUSE_ID}")

    assert device["config"]["multiplier"] == 1
    assert isinstance(device["config"]["multiplier"], int)
    assert (device["config"]["idKey"], device["config"]["idNumber"]) == ("0_0_0", 56183920)
    assert device["config"]["uiConfig"].keys() == {"displayProjections", "usedTariff"}
    assert device["info"]["location"].keys() == {"city", "country", "postal", "street"}
    assert device["metadata"]["billingPeriods"] == []
    assert device["production"]["previousMonth"] > 0
    for code, meta in device["meta"].items():
        texts = (*meta["description"].values(), meta["key"], meta["category"], meta["subcategory"])
        assert all(isinstance(text, str) and text for text in texts), code
        assert isinstance(meta["unit"], str), code
        assert isinstance(meta["constant"], bool), code


async def test_the_pandas_script_finds_days_and_registers_below_four_rows(
    cloud: httpx.AsyncClient,
) -> None:
    query = "columns=1_8_0&columns=2_8_0"

    answer = await cloud.get(f"{CLOUD}/devices/{HOUSE_ID}/export/day/data.xlsx?{query}")

    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(min_row=5, values_only=True))
    assert {len(row) for row in rows} == {3}
    assert all(isinstance(date, datetime) for date, _, _ in rows)
    months = {(date.year, date.month) for date, _, _ in rows if isinstance(date, datetime)}
    assert months == {(2024, 3), (2024, 4), (2024, 5)}
    # They are what the meter shows, so they never fall; usages would.
    for column in (1, 2):
        shown = [float(str(row[column])) for row in rows]
        assert shown == sorted(shown)
        assert shown[0] > 1_000
