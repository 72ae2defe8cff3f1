"""Compares what Home Assistant shows with what the cloud serves: pure functions of both answers.

It reads the cloud's raw JSON by itself, not with the project's library: a mistake there must show.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_RELATIVE_TOLERANCE: Final = 1e-9

# What a transformer ratio applies to.
_MULTIPLIED_UNITS: Final = frozenset({"kWh", "kvarh", "kW"})

_HOUR_SECONDS: Final = 3600
_REGISTER_TOLERANCE: Final = 1e-6

_BATTERY_EMPTY_VOLTS: Final = 1.93
_BATTERY_FULL_VOLTS: Final = 2.99

_UNKNOWN: Final = "unknown"
_MISSING: Final = "missing"
_NO_STATE: Final = frozenset({_MISSING, "unavailable"})

_USAGE_FIELDS: Final = {
    "this_month": "thisMonth",
    "previous_month": "previousMonth",
    "last_hour": "lastHour",
    "projection": "projection",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """An entity of the integration as Home Assistant has it; `state` is `None` without one.

    `unique_id` is the OneMeter device's id, `_`, and an OBIS code or another key.
    """

    entity_id: str
    unique_id: str
    enabled: bool = True
    state: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing compared. `cloud` is `None` where the cloud serves no such value."""

    device: str
    entity: str
    home_assistant: str
    cloud: str | None
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDevice:
    """A device whose statistics are compared, and the transformer ratio that applies to them."""

    name: str
    multiplier: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticRow:
    """One hour of a statistic in the recorder; `start` in epoch seconds."""

    start: int
    state: float
    sum: float


def entities_of(
    registry: Iterable[Mapping[str, Any]], states: Iterable[Mapping[str, Any]], platform: str
) -> tuple[Entity, ...]:
    """Return the entities of an integration, from Home Assistant's registry and its states."""
    state_of = {state["entity_id"]: state for state in states}
    return tuple(
        Entity(
            entity_id=entry["entity_id"],
            unique_id=entry["unique_id"],
            enabled=entry["disabled_by"] is None,
            state=state_of.get(entry["entity_id"], {}).get("state"),
            attributes=state_of.get(entry["entity_id"], {}).get("attributes", {}),
        )
        for entry in registry
        if entry["platform"] == platform
    )


def device_names_of(registry: Iterable[Mapping[str, Any]], domain: str) -> dict[str, str | None]:
    """Return the names of an integration's devices in Home Assistant, by OneMeter's device ids."""
    return {
        identifier[1]: device["name"]
        for device in registry
        for identifier in device["identifiers"]
        if identifier[0] == domain
    }


def compare(
    entities: Sequence[Entity],
    device_names: Mapping[str, str | None],
    answers: Sequence[Sequence[Mapping[str, Any]]],
) -> tuple[Row, ...]:
    """Return what was compared: every device, every enabled entity, every register.

    `answers` are what the cloud's `devices/` said, newest last. Home Assistant asked at some time
    between them: where the dates of the last reading differ, the one that it shows counts.
    """
    return tuple(
        row
        for versions in _by_device(answers)
        for row in _compare_device(entities, device_names, versions)
    )


def compare_statistics(
    device: NamedDevice,
    statistics: Mapping[str, Sequence[StatisticRow]],
    readings: Sequence[tuple[int, Mapping[str, float]]],
    weights: Mapping[str, Mapping[str, float]],
    *,
    states: Collection[str],
) -> tuple[Row, ...]:
    """Return the first and the last complete hour of each statistic beside the cloud's registers.

    `readings` are all of a device, oldest first. `weights` tell for each statistic what it counts:
    so much for each kWh of a register, since the first reading. In `states` are those whose state
    is the register itself. An hour is found only where a reading was made at its very end.
    """
    at = dict(readings)
    first_time, last_time = readings[0][0], readings[-1][0]
    first = first_time - first_time % _HOUR_SECONDS
    last = last_time - last_time % _HOUR_SECONDS - _HOUR_SECONDS
    rows: list[Row] = []
    for key, parts in weights.items():
        known = {row.start: row for row in statistics.get(key, ())}
        for which, start in (("first", first), ("last", last)):
            row, end = known.get(start), at.get(start + _HOUR_SECONDS)
            expected = {"sum": _counted(parts, at[first_time], end, device.multiplier)}
            if key in states:
                expected["state"] = _counted(parts, None, end, device.multiplier)
            for what, value in expected.items():
                shown: float | None = getattr(row, what) if row is not None else None
                rows.append(
                    Row(
                        device=device.name,
                        entity=f"{key}, {which} hour, {what}",
                        home_assistant=_MISSING if shown is None else f"{shown:.4f}",
                        cloud=_MISSING if value is None else f"{value:.4f}",
                        ok=shown is not None
                        and value is not None
                        and math.isclose(shown, value, abs_tol=_REGISTER_TOLERANCE),
                    )
                )
    return tuple(rows)


def _counted(
    parts: Mapping[str, float],
    start: Mapping[str, float] | None,
    end: Mapping[str, float] | None,
    multiplier: float,
) -> float | None:
    """Return the weighted sum of registers, less that at the start if there is one."""
    if end is None:
        return None
    return multiplier * sum(
        weight * (end[code] - (start[code] if start is not None else 0.0))
        for code, weight in parts.items()
    )


def _by_device(
    answers: Sequence[Sequence[Mapping[str, Any]]],
) -> list[list[Mapping[str, Any]]]:
    """Return, for each device of the newest answer, what all answers say of it, oldest first."""
    return [
        [device for answer in answers for device in answer if device["_id"] == newest["_id"]]
        for newest in answers[-1]
    ]


def _compare_device(
    entities: Sequence[Entity],
    device_names: Mapping[str, str | None],
    versions: Sequence[Mapping[str, Any]],
) -> list[Row]:
    """Return the rows of one device."""
    device_id: str = versions[-1]["_id"]
    own = {
        entity.unique_id.removeprefix(f"{device_id}_"): entity
        for entity in entities
        if entity.unique_id.startswith(f"{device_id}_")
    }
    device = _version_shown(own.get("last_reading"), versions)
    name: str = device["info"]["name"]
    shown_name = device_names.get(device_id)
    rows = [
        Row(
            device=name,
            entity="(device)",
            home_assistant=shown_name or _MISSING,
            cloud=name,
            ok=shown_name == name,
        )
    ]
    rows.extend(
        _compare_entity(device, key, own[key])
        for key in sorted(own, key=lambda key: own[key].entity_id)
        if own[key].enabled
    )
    rows.extend(
        Row(device=name, entity=code, home_assistant=_MISSING, cloud=_as_text(value), ok=False)
        for code, value in device["lastReading"]["OBIS"].items()
        if code not in own
    )
    return rows


def _version_shown(
    last_reading: Entity | None, versions: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return the newest version that has the reading which Home Assistant shows, else the newest.

    A reading may have arrived since Home Assistant asked.
    """
    shown = _as_instant(last_reading.state) if last_reading is not None else None
    return next(
        (
            version
            for version in reversed(versions)
            if _as_instant(version["lastReading"]["date"]) == shown
        ),
        versions[-1],
    )


def _served(device: Mapping[str, Any], key: str) -> tuple[bool, Any]:
    """Return whether the cloud serves a value for an entity's key, and the value."""
    registers = device["lastReading"]["OBIS"]
    if key in registers:
        return True, registers[key]
    group, _, figure = key.partition("_")
    if group in {"usage", "production"} and figure in _USAGE_FIELDS:
        return True, (device.get(group) or {}).get(_USAGE_FIELDS[figure])
    match key:
        case "last_reading":
            return True, device["lastReading"]["date"]
        case "firmware":
            return True, (device.get("firmware") or {}).get("currentVersion")
        case "battery":
            return True, _battery_percent(device["lastReading"])
        case _:
            return False, None


def _battery_percent(reading: Mapping[str, Any]) -> float | None:
    """Return the charge that the cloud gives, else the one that its voltage stands for."""
    percent: float | None = reading.get("BATTERY_PC")
    if percent is not None:
        return percent
    volts = reading.get("BATTERY_VOLTAGE", reading["OBIS"].get("S_1_1_2"))
    if volts is None:
        return None
    share = (float(volts) - _BATTERY_EMPTY_VOLTS) / (_BATTERY_FULL_VOLTS - _BATTERY_EMPTY_VOLTS)
    return 100.0 * min(1.0, max(0.0, share))


def _compare_entity(device: Mapping[str, Any], key: str, entity: Entity) -> Row:
    """Return the row of an enabled entity: it must have a state, the cloud's if there is one."""
    served, value = _served(device, key)
    unit: str | None = entity.attributes.get("unit_of_measurement")
    state = entity.state if entity.state is not None else _MISSING
    expected = _expected_state(value, entity, device["config"]["multiplier"])
    return Row(
        device=device["info"]["name"],
        entity=entity.entity_id,
        home_assistant=_with_unit(state, unit),
        cloud=_with_unit(expected, unit) if served else None,
        ok=state not in _NO_STATE and (not served or _same(state, expected)),
    )


def _expected_state(value: Any, entity: Entity, multiplier: float) -> str:  # noqa: ANN401 (raw JSON)
    """Return what Home Assistant should show of a value of the cloud."""
    attributes = entity.attributes
    if attributes.get("device_class") == "timestamp":
        instant = _as_instant(value)
        return instant.isoformat() if instant is not None else _UNKNOWN
    unit = attributes.get("unit_of_measurement")
    if unit is not None or "state_class" in attributes:
        number = _as_number(value)
        if number is None:
            return _UNKNOWN
        return f"{number * multiplier if unit in _MULTIPLIED_UNITS else number}"
    return _as_text(value) or _UNKNOWN


def _same(state: str, expected: str) -> bool:
    """Tell whether two states are the same text, number or instant."""
    if state == expected:
        return True
    numbers = _as_number(state), _as_number(expected)
    if numbers[0] is not None and numbers[1] is not None:
        return math.isclose(numbers[0], numbers[1], rel_tol=_RELATIVE_TOLERANCE)
    instant = _as_instant(state)
    return instant is not None and instant == _as_instant(expected)


def _with_unit(state: str, unit: str | None) -> str:
    """Return a state as a person reads it."""
    return f"{state} {unit}" if unit is not None and _as_number(state) is not None else state


def _as_number(value: Any) -> float | None:  # noqa: ANN401 (raw JSON)
    try:
        return float(value)
    except TypeError, ValueError:
        return None


def _as_text(value: Any) -> str:  # noqa: ANN401 (raw JSON)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).strip()


def _as_instant(value: Any) -> datetime | None:  # noqa: ANN401 (raw JSON)
    try:
        instant = datetime.fromisoformat(value)
    except TypeError, ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo is not None else None
