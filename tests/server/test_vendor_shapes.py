"""The server beside the vendor's description: its operations, parameters and fields are there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from onemeter_server.api.profiles import ProfileType
from onemeter_server.demo.meters import FLAT_ID, HOUSE, HOUSE_ID

from .conftest import DEVICE_ID
from .demo_account import INSTALLED, add_demo_devices
from .vendor_shapes import (
    CODE,
    DEVICES,
    ERROR,
    OPERATIONS,
    READINGS,
    SUMMARY,
    USAGE_PROFILE,
    Parameter,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import httpx
    from fastapi import FastAPI

    from .conftest import Account
    from .vendor_shapes import Shape

PARAMETER_EXCEPTIONS: Final = {
    "limit: number": "Rows are counted in whole numbers.",
    "skip: number": "Rows are counted in whole numbers.",
    "limit is required": "Clients leave it out, and the default is the vendor's own.",
    "skip is required": "As above.",
    "sort is required": "As above.",
    "from: date-time": "More is taken: days, months, and instants without an offset.",
    "to: date-time": "As above.",
}

FIELD_EXCEPTIONS: Final = {
    "devices[].communicationConfig": "Timing inside of the reader, which no reading tells.",
    "devices[].stats": "Counters inside of the reader, which no reading tells.",
    "devices[].showSettingsReminder": "For the vendor's own pages.",
    "devices[].disabledAt": "No device of these is archived.",
    "devices[].lastReading.updatedAt.LAST_READOUT_INCORRECT": "No readout was incorrect.",
    "devices[].usage.previousMonth: object": (
        "A number whenever there are readings: clients round it. The vendor's example is null."
    ),
    "devices[].config.contract.distributionTariff.zones[].periods: mapping": (
        "The description says one period, the vendor's tariffs have a list of them."
    ),
}

# A device that has whatever the description names.
RICH_ID: Final = "0d7e5f1a-93c2-4b58-8a6f-2c4b1e907d35"
RICH: Final = replace(
    HOUSE,
    id=RICH_ID,
    contract={
        **HOUSE.contract,
        "retailTariff": HOUSE.contract["distributionTariff"],
        "contractedPowerLimit": 1,
    },
    extra={
        **HOUSE.extra,
        "tags": ["a tag"],
        "info": {"GPSCoords": {"latitude": 52.1, "longitude": 21.5}},
        "lastReading": {"flags": ["LAST_READOUT_INCORRECT"]},
    },
)
RICH_READINGS: Final = [
    (
        INSTALLED + quarter * 900,
        {
            "0_0_0": 56183920,
            "0_2_2": "G12w",
            "0_9_1": 7163,
            "F_F_0": 0,
            "0_9_2": "2024-05-18T00:00:00.000Z",
            "F_8_0": 10.5 + quarter,
            "F_8_1": 10.5 + quarter,
            "F_8_2": 0,
            "F_8_3": 0,
            "F_8_4": 0,
            "15_8_0": 10.5 + quarter,
            "15_8_1": 10.5 + quarter,
            "15_8_2": 0,
            "15_8_3": 0,
            "15_8_4": 0,
            "15_6_0": 4.25,
            "15_7_0": 0.5,
            "1_8_0": 10.5 + quarter,
            "5_8_0": 2.5 + quarter / 4,
            "S_1_1_1": "ISKRA",
            "S_1_1_2": 2.93,
            "S_1_1_5": 0.5,
            "S_1_1_6": 1 + quarter,
            "S_1_1_7": [3, 4],
            "S_1_1_8": [3, 9600],
            "S_1_1_9": 21.5,
            "S_1_1_4": "2024-05-18T00:00:00.000Z",
        },
    )
    for quarter in range(300)
]

_IS_CODE: Final = re.compile(r"[0-9CFS]+_")


@pytest.mark.parametrize("path", [*OPERATIONS])
def test_each_operation_takes_the_parameters_that_the_vendor_describes(
    app: FastAPI, path: str
) -> None:
    document = app.openapi()

    described = find_operation(document, path)

    told = {one["name"]: one for one in described.get("parameters", ()) if one["in"] == "query"}
    assert set(OPERATIONS[path]) <= set(told)
    found = {
        difference
        for name, parameter in OPERATIONS[path].items()
        for difference in parameter_differences(document, parameter, told[name])
    }
    assert found <= set(PARAMETER_EXCEPTIONS)


async def test_devices_have_each_field_that_the_vendor_describes(
    account: Account, api: httpx.AsyncClient
) -> None:
    await add_devices(account)

    answer = (await api.get("devices")).json()

    assert set(differences(DEVICES, [answer])) == set(FIELD_EXCEPTIONS)


async def test_readings_have_each_field_that_the_vendor_describes(
    account: Account, api: httpx.AsyncClient
) -> None:
    await add_devices(account)

    # Of registers that show numbers: others have texts and lists in their rows, as the vendor's.
    answer = (await api.get(f"devices/{HOUSE_ID}/readings?codes=1_8_0,16_7_0")).json()

    assert set(differences(READINGS, [answer])) == set()


@pytest.mark.parametrize("aggregation", ["quarter", "hour", "day"])
@pytest.mark.parametrize("kind", ["readings", "usages"])
async def test_exports_have_each_field_that_the_vendor_describes(
    account: Account, api: httpx.AsyncClient, kind: str, aggregation: str
) -> None:
    await add_devices(account)

    answer = (
        await api.get(f"devices/{HOUSE_ID}/export/{kind}/{aggregation}/data?codes=1_8_0,2_8_0")
    ).json()

    assert set(differences(READINGS, [answer])) == set()


async def test_load_profiles_have_each_field_that_the_vendor_describes(
    account: Account, api: httpx.AsyncClient
) -> None:
    await add_devices(account)

    answers = [
        (await api.get(f"devices/{FLAT_ID}/usageProfile/{kind}")).json() for kind in ProfileType
    ]

    assert set(differences(USAGE_PROFILE, answers)) == set()


async def test_reports_have_each_field_that_the_vendor_describes(
    account: Account, api: httpx.AsyncClient
) -> None:
    await add_devices(account)

    answer = (
        await api.get(f"devices/{RICH_ID}/report/summary?from=2024-05-18&to=2024-05-22")
    ).json()

    assert set(differences(SUMMARY, [answer])) == set()


@pytest.mark.parametrize("path", ["devices/1", f"devices/{DEVICE_ID}", "nothing"])
async def test_errors_have_each_field_that_the_vendor_describes(
    api: httpx.AsyncClient, path: str
) -> None:
    answer = (await api.get(path)).json()

    assert set(differences(ERROR, [answer])) == set()


def test_what_is_missing_or_of_another_type_is_a_difference() -> None:
    shape: Shape = {
        "at": "date-time",
        "kind": "a|b",
        "rows": [{CODE: "number"}],
        "place": {"city": "string"},
        "some": "boolean",
    }

    good = {"at": "2024-05-18T00:00:00.000Z", "kind": "a", "some": True}
    assert set(differences(shape, [good | {"rows": [], "place": {"city": ""}}, {}])) == {
        f"rows[].{CODE}"
    }
    bad = {"at": "today", "kind": "c", "rows": [{"1_8_0": "1", "name": "x"}], "place": []}
    assert set(differences(shape, [bad])) == {
        "at: date-time",
        "kind: a|b",
        f"rows[].{CODE}: number",
        "place: mapping",
        "some",
    }


async def add_devices(account: Account) -> None:
    """Add the demo's devices, and one that has whatever the vendor's description names."""
    await add_demo_devices(account.number, account.store, account.intake)
    await account.add_device(RICH, *RICH_READINGS)


def find_operation(document: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Return the operation that takes the paths of the vendor's one."""
    (found,) = (
        methods["get"]
        for template, methods in document["paths"].items()
        if _path_of(document, template, methods["get"]) == path
    )
    return dict(found)


def _path_of(document: Mapping[str, Any], template: str, operation: Mapping[str, Any]) -> str:
    """Return a path below `/api/` with the words that its parts may be in their places."""
    path = template.removeprefix("/api/")
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            schema = resolved(document, parameter["schema"])
            words = "|".join(schema.get("enum", ["id"]))
            path = path.replace(f"{{{parameter['name']}}}", f"{{{words}}}")
    return path


def parameter_differences(
    document: Mapping[str, Any], expected: Parameter, described: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is said otherwise of a parameter than the vendor says it."""
    name = described["name"]
    schema = resolved(document, described["schema"])
    kind = "|".join(sorted(schema["enum"])) if "enum" in schema else schema["type"]
    if kind != expected.type:
        yield f"{name}: {expected.type}"
    if described["required"] != expected.is_required:
        yield f"{name} is {'required' if expected.is_required else 'optional'}"
    if expected.default not in {None, schema.get("default")}:
        yield f"{name} is {expected.default} if left out"
    if (expected.least, expected.most) != (None, None) and (
        schema["minimum"] != expected.least
        or (expected.most is not None and schema["maximum"] != expected.most)
    ):
        yield f"{name} from {expected.least} to {expected.most}"


def resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema with what it refers to."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {**document["components"]["schemas"][reference.rsplit("/")[-1]], **schema}


def differences(shape: Shape, values: Sequence[Any], path: str = "") -> Iterator[str]:
    """Yield which fields of a shape no value has, and where one has another type.

    A field of another type is told as `path: type`.
    """
    if isinstance(shape, str):
        if not all(_is_of_type(shape, value) for value in values):
            yield f"{path}: {shape}"
    elif isinstance(shape, list):
        if not all(isinstance(value, list) for value in values):
            yield f"{path}: list"
            return
        yield from differences(shape[0], [item for value in values for item in value], f"{path}[]")
    elif not all(isinstance(value, dict) for value in values):
        yield f"{path}: mapping"
    else:
        for name, below in shape.items():
            inner = f"{path}.{name}" if path else name
            found = [
                item
                for value in values
                for key, item in value.items()
                if (_IS_CODE.match(key) if name == CODE else key == name)
            ]
            if found:
                yield from differences(below, found, inner)
            else:
                yield inner


def _is_of_type(kind: str, value: object) -> bool:
    check = _CHECKS.get(kind)
    return value in kind.split("|") if check is None else check(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "any": lambda _value: True,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "date-time": lambda value: isinstance(value, str) and _is_instant(value),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
}
