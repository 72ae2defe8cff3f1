"""What `scripts/demo --check` finds: the comparison must not be blind."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from demo.check import (
    Entity,
    NamedDevice,
    Row,
    StatisticRow,
    compare,
    compare_statistics,
    device_names_of,
    entities_of,
)
from demo.log import ERRORS, WARNINGS, records_about
from demo.report import table

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUSE: Final = "0d5e0000-0000-4000-8000-000000000001"
NAMES: Final = {HOUSE: "House"}

ENERGY: Final = Entity(
    entity_id="sensor.house_energy_import",
    unique_id=f"{HOUSE}_1_8_0",
    state="12345.6",
    attributes={"unit_of_measurement": "kWh", "state_class": "total_increasing"},
)
TARIFF: Final = Entity(
    entity_id="sensor.house_tariff", unique_id=f"{HOUSE}_0_2_2", state="G12w", attributes={}
)
LAST_READING: Final = Entity(
    entity_id="sensor.house_last_reading",
    unique_id=f"{HOUSE}_last_reading",
    state="2026-11-23T10:30:00+00:00",
    attributes={"device_class": "timestamp"},
)
BATTERY_LOW: Final = Entity(
    entity_id="binary_sensor.house_battery_low", unique_id=f"{HOUSE}_battery_low", state="off"
)
ENTITIES: Final = (ENERGY, TARIFF, LAST_READING, BATTERY_LOW)


def served(
    *, energy: object = 1234.56, tariff: object = "G12w", date: str = "2026-11-23T10:30:00.000Z"
) -> list[dict[str, Any]]:
    """Return what the cloud serves of a house whose meter counts a tenth."""
    return [
        {
            "_id": HOUSE,
            "info": {"name": "House"},
            "config": {"multiplier": 10},
            "lastReading": {"date": date, "OBIS": {"1_8_0": energy, "0_2_2": tariff}},
            "usage": {"thisMonth": 1.5},
        }
    ]


def wrong(rows: tuple[Row, ...]) -> list[str]:
    """Return the entities of the rows that are not all right."""
    return [row.entity for row in rows if not row.ok]


def with_state(entity: Entity, state: str | None) -> tuple[Entity, ...]:
    """Return all entities, one of them in another state."""
    return tuple(replace(one, state=state) if one is entity else one for one in ENTITIES)


def test_states_that_agree_are_all_right() -> None:
    rows = compare(ENTITIES, NAMES, [served()])

    assert wrong(rows) == []
    assert [row.entity for row in rows] == [
        "(device)",
        "binary_sensor.house_battery_low",
        "sensor.house_energy_import",
        "sensor.house_last_reading",
        "sensor.house_tariff",
    ]


@pytest.mark.parametrize(
    ("entity", "state"),
    [
        (ENERGY, "1234.56"),
        (ENERGY, "12345.61"),
        (TARIFF, "G11"),
        (LAST_READING, "2026-11-23T10:15:00+00:00"),
    ],
)
def test_a_wrong_value_is_found(entity: Entity, state: str) -> None:
    assert wrong(compare(with_state(entity, state), NAMES, [served()])) == [entity.entity_id]


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("state", ["unavailable", None])
def test_an_entity_without_a_state_is_found(entity: Entity, state: str | None) -> None:
    assert wrong(compare(with_state(entity, state), NAMES, [served()])) == [entity.entity_id]


def test_unknown_is_right_only_where_the_cloud_knows_nothing() -> None:
    unknown = with_state(ENERGY, "unknown")

    assert wrong(compare(unknown, NAMES, [served()])) == [ENERGY.entity_id]
    assert wrong(compare(unknown, NAMES, [served(energy=None)])) == []


def test_a_register_without_an_entity_is_found() -> None:
    rows = compare([one for one in ENTITIES if one is not TARIFF], NAMES, [served()])

    assert wrong(rows) == ["0_2_2"]


def test_a_disabled_entity_is_not_compared_and_not_missed() -> None:
    disabled = [replace(one, enabled=one is not TARIFF) for one in ENTITIES]

    rows = compare(disabled, NAMES, [served()])

    assert wrong(rows) == []
    assert TARIFF.entity_id not in [row.entity for row in rows]


@pytest.mark.parametrize("names", [{}, {HOUSE: None}, {HOUSE: "Flat"}])
def test_a_device_that_is_missing_or_misnamed_is_found(names: dict[str, str | None]) -> None:
    assert wrong(compare(ENTITIES, names, [served()])) == ["(device)"]


def test_a_reading_that_arrives_meanwhile_is_no_difference() -> None:
    newer = served(energy=1235.0, date="2026-11-23T10:45:00.000Z")

    assert wrong(compare(ENTITIES, NAMES, [served(), newer])) == []
    assert wrong(compare(with_state(ENERGY, "12350.0"), NAMES, [served(), newer])) == [
        ENERGY.entity_id
    ]


def test_entities_are_put_together_from_registry_and_states() -> None:
    registry: list[dict[str, Any]] = [
        {
            "entity_id": ENERGY.entity_id,
            "unique_id": ENERGY.unique_id,
            "platform": "onemeter",
            "disabled_by": None,
        },
        {
            "entity_id": TARIFF.entity_id,
            "unique_id": TARIFF.unique_id,
            "platform": "onemeter",
            "disabled_by": "integration",
        },
        {
            "entity_id": "sun.sun",
            "unique_id": "sun",
            "platform": "sun",
            "disabled_by": None,
        },
    ]
    states = [
        {"entity_id": ENERGY.entity_id, "state": ENERGY.state, "attributes": ENERGY.attributes}
    ]

    assert entities_of(registry, states, "onemeter") == (
        ENERGY,
        Entity(entity_id=TARIFF.entity_id, unique_id=TARIFF.unique_id, enabled=False),
    )


def test_devices_of_other_integrations_do_not_count() -> None:
    registry = [
        {"identifiers": [["onemeter", HOUSE]], "name": "House"},
        {"identifiers": [["other", "1"]], "name": "Other"},
    ]

    assert device_names_of(registry, "onemeter") == NAMES


START: Final = 1_700_000_000 - 1_700_000_000 % 3600
READINGS: Final = tuple(
    (START + quarter * 900, {"1_8_0": 100 + quarter / 4}) for quarter in range(14)
)
"""One kWh an hour for three hours and a quarter, each a tenth of what flowed."""

STATISTICS: Final = tuple(
    StatisticRow(start=START + hour * 3600, state=1010.0 + 10 * hour, sum=10.0 + 10 * hour)
    for hour in range(3)
)


def statistics_rows(statistics: Sequence[StatisticRow], weight: float = 1.0) -> tuple[Row, ...]:
    """Return what comes of comparing a statistic with the readings above."""
    return compare_statistics(
        NamedDevice(name="House", multiplier=10),
        {"energy": statistics},
        READINGS,
        {"energy": {"1_8_0": weight}},
        states={"energy"} if weight == 1.0 else set(),
    )


def test_statistics_are_compared_in_their_first_and_last_complete_hour() -> None:
    rows = statistics_rows(STATISTICS)

    assert wrong(rows) == []
    assert [(row.entity, row.cloud) for row in rows] == [
        ("energy, first hour, sum", "10.0000"),
        ("energy, first hour, state", "1010.0000"),
        ("energy, last hour, sum", "30.0000"),
        ("energy, last hour, state", "1030.0000"),
    ]


def test_wrong_and_missing_hours_of_statistics_are_found() -> None:
    off = replace(STATISTICS[-1], sum=30.01)

    assert wrong(statistics_rows([*STATISTICS[:-1], off])) == ["energy, last hour, sum"]
    assert wrong(statistics_rows(STATISTICS[1:])) == [
        "energy, first hour, sum",
        "energy, first hour, state",
    ]
    assert len(wrong(statistics_rows([]))) == 4


def test_money_is_compared_as_what_the_registers_cost() -> None:
    money = [replace(row, sum=row.sum / 2) for row in STATISTICS]

    assert wrong(statistics_rows(money, weight=0.5)) == []
    assert len(wrong(statistics_rows(STATISTICS, weight=0.5))) == 2


def test_the_table_is_aligned_and_marks_what_is_wrong() -> None:
    rows = (
        Row(device="House", entity="sensor.a", home_assistant="1", cloud="2", ok=False),
        Row(device="Flat", entity="sensor.long", home_assistant="off", cloud=None, ok=True),
    )

    assert table(rows).splitlines() == [
        "Device  Entity       Home Assistant  Cloud  OK",
        "------  -----------  --------------  -----  ---",
        "House   sensor.a     1               2      NO",
        "Flat    sensor.long  off             -      yes",
    ]


LOG: Final = """\
2026-11-23 10:00:00.000 WARNING (SyncWorker_0) [homeassistant.loader] We found a custom \
integration onemeter which has not been tested by Home Assistant
2026-11-23 10:00:01.000 ERROR (MainThread) [homeassistant.setup] Setup failed for 'infrared'
Traceback (most recent call last):
  File "/home/me/onemeter/.venv/lib/infrared.py", line 1
2026-11-23 10:00:02.000 WARNING (MainThread) [custom_components.onemeter.api] Slow
2026-11-23 10:00:03.000 ERROR (MainThread) [homeassistant] Error doing job
Traceback (most recent call last):
  File "/home/me/onemeter/custom_components/onemeter/sensor.py", line 1
ValueError
2026-11-23 10:00:04.000 INFO (MainThread) [custom_components.onemeter] Fine
"""


def test_errors_about_the_integration_are_found_in_the_log_with_their_tracebacks() -> None:
    (error,) = records_about(LOG, "onemeter", ERRORS, root="/home/me/onemeter")

    assert error.startswith("2026-11-23 10:00:03.000 ERROR")
    assert error.endswith("ValueError")


def test_warnings_about_the_integration_are_found_but_for_the_one_that_all_get() -> None:
    (warning,) = records_about(LOG, "onemeter", WARNINGS, root="/home/me/onemeter")

    assert warning.endswith("Slow")
