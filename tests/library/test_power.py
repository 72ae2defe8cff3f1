"""The average power between two readings, for meters that have no register of it."""

import pytest

from onemeter_cloud import Device
from onemeter_cloud.models import parse_device
from onemeter_cloud.power import average_power_kw

from .payloads import DEVICE_ID


def device_at(
    date: str | None, energy: object, *, main_register: str | None = "15_8_0", multiplier: int = 1
) -> Device:
    """Return a device whose main register shows this energy at this time."""
    return parse_device(
        {
            "config": {"multiplier": multiplier, "usageKeys": {"activeEnergy": main_register}},
            "lastReading": {"date": date, "OBIS": {"15_8_0": energy}},  # type: ignore[dict-item]
        },
        DEVICE_ID,
    )


SEVEN = "2024-05-23T07:00:00.000Z"
QUARTER_PAST = "2024-05-23T07:15:00.000Z"
EIGHT = "2024-05-23T08:00:00.000Z"


def test_half_a_kilowatt_hour_in_a_quarter_of_an_hour_is_two_kilowatts() -> None:
    power = average_power_kw(device_at(SEVEN, 100.0), device_at(QUARTER_PAST, 100.5))
    assert power == pytest.approx(2.0)


def test_a_register_that_stands_still_is_no_power() -> None:
    assert average_power_kw(device_at(SEVEN, 100.0), device_at(QUARTER_PAST, 100.0)) == 0


@pytest.mark.parametrize(("multiply", "expected"), [(True, 20.0), (False, 2.0)])
def test_the_transformer_ratio_is_applied_unless_told_otherwise(
    multiply: bool,  # noqa: FBT001
    expected: float,
) -> None:
    earlier = device_at(SEVEN, 100.0, multiplier=10)
    later = device_at(QUARTER_PAST, 100.5, multiplier=10)
    assert average_power_kw(earlier, later, multiply=multiply) == pytest.approx(expected)


def test_the_time_between_is_that_of_the_register_not_of_the_reading() -> None:
    earlier, later = (
        parse_device(
            {
                "usageKey": "15_8_0",
                "lastReading": {
                    "date": EIGHT,
                    "OBIS": {"15_8_0": energy},
                    "updatedAt": {"15_8_0": read},
                },
            },
            DEVICE_ID,
        )
        for read, energy in ((SEVEN, 100.0), (QUARTER_PAST, 100.5))
    )
    assert average_power_kw(earlier, later) == pytest.approx(2.0)
    assert average_power_kw(later, later) is None


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (device_at(SEVEN, 100.0), device_at(SEVEN, 100.5)),
        (device_at(QUARTER_PAST, 100.0), device_at(SEVEN, 100.5)),
        (device_at(None, 100.0), device_at(QUARTER_PAST, 100.5)),
        (device_at(SEVEN, 100.0), device_at(None, 100.5)),
        (device_at(SEVEN, None), device_at(QUARTER_PAST, 100.5)),
        (device_at(SEVEN, 100.0), device_at(QUARTER_PAST, "unknown")),
        (device_at(SEVEN, 100.0), device_at(QUARTER_PAST, 0.5)),
        (device_at(SEVEN, 100.0), device_at(QUARTER_PAST, 100.5, main_register="1_8_0")),
        (Device(id=DEVICE_ID), Device(id=DEVICE_ID)),
    ],
    ids=[
        "same reading",
        "earlier reading",
        "no start",
        "no end",
        "no energy before",
        "no energy after",
        "meter replaced",
        "another main register",
        "nothing known",
    ],
)
def test_without_two_readings_that_can_be_compared_there_is_no_power(
    earlier: Device, later: Device
) -> None:
    assert average_power_kw(earlier, later) is None
