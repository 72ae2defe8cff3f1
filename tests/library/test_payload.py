"""A device written as JSON and read back is the same device, without anything personal."""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onemeter_cloud import Device, InvalidResponseError, OneMeterCloud, Reading, device_payload
from onemeter_cloud.models import parse_device
from onemeter_cloud.parsing import as_strict_json

from .payloads import DEVICE_ID, PERSONAL, SHORT_DEVICE, full_device
from .server import CloudServer, text
from .strategies import devices_with_oddities

if TYPE_CHECKING:
    from onemeter_cloud.parsing import JSON


def parsed(data: object) -> Device:
    return parse_device(as_strict_json(data), DEVICE_ID)  # type: ignore[arg-type]


def read_back(device: Device) -> Device:
    return parse_device(orjson.loads(orjson.dumps(device_payload(device))), device.id)


def everything() -> dict[str, object]:
    """Return a device none of whose fields is as it would be if it were missing."""
    data = full_device() | {"disabled": True}
    data["initialReading"] = data["lastReading"]
    usage = {"thisMonth": 1, "previousMonth": 2, "lastHour": 3, "fullTime": 4, "projection": 5}
    return data | {"usage": usage, "production": usage}


def fields_at_their_default(value: object) -> list[str]:
    """Return the fields of a dataclass that hold what they hold when they are not given."""
    return [
        field.name
        for field in fields(value)  # type: ignore[arg-type]
        if getattr(value, field.name)
        == (field.default if field.default_factory is MISSING else field.default_factory())
    ]


def test_a_device_with_everything_is_read_back_as_it_was() -> None:
    device = parsed(everything())
    for part in (device, device.last_reading, device.initial_reading, device.usage):
        assert fields_at_their_default(part) == []
    assert parse_device(device_payload(device), device.id) == device
    assert read_back(device) == device


@pytest.mark.parametrize("missing", full_device())
def test_a_device_without_a_field_is_read_back_as_it_was(missing: str) -> None:
    data = everything()
    del data[missing]
    assert read_back(parsed(data)) == parsed(data)


@pytest.mark.parametrize("data", [SHORT_DEVICE, {"_id": DEVICE_ID}], ids=["short", "only the id"])
def test_as_little_as_makes_a_device_is_read_back(data: dict[str, object]) -> None:
    assert read_back(parsed(data)) == parsed(data)


@settings(deadline=None)
@given(devices_with_oddities())
def test_whatever_the_server_gave_is_read_back(data: dict[str, object]) -> None:
    try:
        device = parsed(data)
    except InvalidResponseError:
        assume(False)  # noqa: FBT003 (a positional-only parameter)
    assert parse_device(device_payload(device), device.id) == device
    assert read_back(device) == device


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001
def test_instants_are_read_back_to_the_microsecond(naive: datetime) -> None:
    date = naive.replace(tzinfo=UTC).isoformat()
    reading = {"date": date, "OBIS": {}, "updatedAt": {"1_8_0": date}}
    device = parsed({"lastReading": reading, "initialReading": reading})
    assert device.last_reading.date == naive.replace(tzinfo=UTC)
    assert read_back(device) == device


async def test_what_is_no_json_on_the_wire_can_be_written_too(
    server: CloudServer, cloud: OneMeterCloud
) -> None:
    registers = f'{{"1": NaN, "2": [1e999], "3": "\\ud83d", "4": {2**70}}}'
    server.will(text(f'{{"lastReading": {{"OBIS": {registers}}}}}'))
    device = await cloud.device(DEVICE_ID)
    assert device.last_reading.values == {"1": None, "2": [None], "3": "?", "4": 2.0**70}
    assert read_back(device) == device


@pytest.mark.parametrize("initial_reading", [{"date": None}, [1], "text", 7, True])
def test_an_initial_reading_that_says_nothing_is_still_one(initial_reading: JSON) -> None:
    device = parsed({"_id": DEVICE_ID, "initialReading": initial_reading})
    assert device.initial_reading == Reading()
    assert read_back(device) == device


def test_a_device_is_written_in_the_api_s_own_words() -> None:
    payload = device_payload(parsed(full_device()))
    original = full_device()
    for field in ("_id", "SN", "meteringPoint", "firmware", "hardware", "timezone", "disabled"):
        assert payload[field] == original[field]
    assert payload["info"] == {"name": "Cellar", "manufacturer": "ZPA"}
    assert payload["lastReading"] == {
        field: value
        for field, value in original["lastReading"].items()  # type: ignore[attr-defined]
        if field != "meterID"
    }


def test_nothing_personal_is_written() -> None:
    written = orjson.dumps(device_payload(parsed(full_device()))).decode()
    assert DEVICE_ID in written
    assert not [personal for personal in PERSONAL if personal in written]
    assert "00:00:5e:00:53:01" not in written
